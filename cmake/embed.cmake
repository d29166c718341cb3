# cmake -DOUTPUT=embedded.c -DFOLDERS=a;b -DHEADERS=x.h;y.h -P embed.cmake: the texts of headers as C arrays, so that the
# library carries what it compiles at run time.
set(code "/* Made by cmake/embed.cmake. */\n#include \"cuda/device/embedded.h\"\n\n")
set(table "")
set(count 0)
foreach(header IN LISTS HEADERS)
  foreach(folder IN LISTS FOLDERS)
    if(EXISTS ${folder}/${header})
      file(READ ${folder}/${header} bytes HEX)
      string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
      string(APPEND code "static const char text_${count}[] = {${bytes}0};\n")
      string(APPEND table "    {\"${header}\", text_${count}},\n")
      math(EXPR count "${count} + 1")
      break()
    endif()
  endforeach()
endforeach()
string(APPEND code "\nconst neurlp_embedded_text *neurlp_embedded_cuda(int *count) {\n"
                   "  static const neurlp_embedded_text texts[] = {\n${table}  };\n"
                   "  *count = ${count};\n  return texts;\n}\n")
file(WRITE ${OUTPUT} "${code}")
