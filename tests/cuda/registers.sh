#!/bin/sh
# registers.sh NVCC SOURCE FOLDER: the kernels for common sizes, in double precision, keep everything in registers: no
# spills and no stack, on each architecture. Prints how many registers they use.
set -u
nvcc=$1 source=$2 folder=$3
checked=0 bad=0
for rows in REGISTERS CELLS; do
  flag=
  [ $rows = REGISTERS ] && flag=-DNEURLP_ROWS_IN_REGISTERS=1
  report=$folder/registers_$rows.txt
  # shellcheck disable=SC2086
  "$nvcc" -std=c++20 -O3 --fmad=false --generate-code='arch=compute_80,code=[sm_80,sm_90]' -Xptxas -v $flag \
    -DNEURLP_KERNEL_DOUBLE=1 -DNEURLP_KERNELS=kernels -I"$source/src" -I"$source" -fatbin \
    -o "$folder/registers_$rows.fatbin" "$source/cuda/block/sized_kernels.cu" > "$report" 2>&1 || {
    cat "$report"
    exit 1
  }
  # One line for each kernel: architecture, its name and sizes, stack, spills, registers.
  awk '/Compiling entry function/ { match($0, /(solve|adjoint)ILi[0-9]+ELi[0-9]+E/)
         name = substr($0, RSTART, RLENGTH); gsub(/ILi|ELi/, " ", name); sub(/E$/, "", name)
         match($0, /sm_[0-9]+/); sm = substr($0, RSTART, RLENGTH) }
       /bytes stack frame/ { stack = $1; spills = $5 + $9 }
       /Used [0-9]+ registers/ { match($0, /Used [0-9]+/)
         print sm, name, stack, spills, substr($0, RSTART + 5, RLENGTH - 5) }' \
    "$report" > "$report.lines"
  while read -r sm kernel D derivatives stack spills registers; do
    # D = 1, order 2 to 4; D = 3, order 2
    case "$D $derivatives" in "1 3" | "1 4" | "1 5" | "3 3") ;; *) continue ;; esac
    verdict=ok
    if [ "$stack" -ne 0 ] || [ "$spills" -ne 0 ]; then verdict=FAIL; bad=$((bad + 1)); fi
    checked=$((checked + 1))
    echo "$verdict $sm $kernel D=$D d=$((derivatives - 1)): $registers registers, $stack bytes of stack, $spills of spills"
  done < "$report.lines"
done
echo "$checked kernels, $bad with stack or spills"
[ $checked -eq 16 ] && [ $bad -eq 0 ]
