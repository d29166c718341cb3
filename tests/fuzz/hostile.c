#include "hostile.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes ------------------------------------------------------------------------------------------- */

/* What is overwritten is where HDF5 keeps what it believes, more often than not: the beginning of a file. */
static size_t place(fuzz_draw *draw, size_t size) {
  const size_t within = fuzz_choose(draw, 4) == 0 || size < 4096 ? size : 4096;
  return (size_t)fuzz_choose(draw, (int64_t)within);
}

static void put_number(fuzz_draw *draw, unsigned char *bytes, size_t size) {
  static const uint64_t numbers[] = {0,
                                     1,
                                     UINT64_MAX,
                                     UINT64_MAX - 1,
                                     INT64_MAX,
                                     INT32_MAX,
                                     UINT32_MAX,
                                     UINT32_MAX + UINT64_C(1),
                                     UINT64_C(1) << 62,
                                     0xff,
                                     UINT16_MAX,
                                     4096,
                                     0x7ff8000000000000};
  static const size_t widths[] = {1, 2, 4, 8};
  const size_t width = widths[fuzz_choose(draw, 4)], at = place(draw, size);
  const uint64_t number = numbers[fuzz_choose(draw, sizeof numbers / sizeof *numbers)];
  if (at + width <= size) memcpy(bytes + at, &number, width);
}

size_t fuzz_damage_bytes(fuzz_draw *draw, unsigned char *bytes, size_t size) {
  const int64_t edits = 1 + fuzz_choose(draw, 6);
  for (int64_t i = 0; i < edits && size > 0; i++) {
    const size_t at = place(draw, size), from = place(draw, size);
    const size_t length = (size_t)(1 + fuzz_choose(draw, 64)), longest = size - (at > from ? at : from);
    switch (fuzz_choose(draw, 6)) {
    case 0:
    case 1:
      bytes[at] ^= (unsigned char)(1 << fuzz_choose(draw, 8));
      break;
    case 2:
      bytes[at] = (unsigned char)fuzz_choose(draw, 256);
      break;
    case 3:
    case 4:
      put_number(draw, bytes, size);
      break;
    default:
      memmove(bytes + at, bytes + from, length < longest ? length : longest);
      break;
    }
  }
  return fuzz_choose(draw, 12) == 0 ? (size_t)fuzz_choose(draw, (int64_t)size) : size;
}

/* ---- heaps of texts ---------------------------------------------------------------------------------- */

/* Sizes in HDF5's format specification, version 3, III.E (global heap) and IV.B (a text's place: its length,
 * the heap's address, its number there). */
enum { HEAP_HEADER = 16, HEAP_OBJECT = 16, TEXT_LENGTH = 4, TEXT_PLACE = 12 };

static uint64_t read_number(const unsigned char *bytes) {
  uint64_t number;
  memcpy(&number, bytes, sizeof number);
  return number;
}

static void put_back(const unsigned char *good, size_t size, unsigned char *bytes, size_t begin,
                     size_t count) {
  if (begin <= size && count <= size - begin) memcpy(bytes + begin, good + begin, count);
}

/* The heap at `at`: the headers of its texts, and all places that name it. Its own header, and that of what
 * is free in it (number 0), are damaged like everything else. */
static void spare_heap(const unsigned char *good, size_t size, unsigned char *bytes, size_t at) {
  const uint64_t heap = read_number(good + at + 8);
  const size_t end = heap < size - at ? at + heap : size;
  for (size_t object = at + HEAP_HEADER; object + HEAP_OBJECT <= end;) {
    const uint64_t length = read_number(good + object + 8);
    if (good[object] || good[object + 1]) put_back(good, size, bytes, object, HEAP_OBJECT);
    if (length >= end - object - HEAP_OBJECT) break;
    object += HEAP_OBJECT + (length + 7) / 8 * 8;
  }
  for (size_t place = TEXT_LENGTH; place + TEXT_PLACE <= size; place++)
    if (read_number(good + place) == at)
      put_back(good, size, bytes, place - TEXT_LENGTH, TEXT_LENGTH + TEXT_PLACE);
}

void fuzz_spare_texts(const unsigned char *good, size_t size, unsigned char *bytes) {
  for (size_t at = 0; at + HEAP_HEADER <= size; at += 8)
    if (memcmp(good + at, "GCOL", 4) == 0) spare_heap(good, size, bytes, at);
}

/* ---- objects ----------------------------------------------------------------------------------------- */

enum { MOST_OBJECTS = 256, NAME_BYTES = 200 };

typedef struct object_list {
  int count;
  char names[MOST_OBJECTS][NAME_BYTES];
  bool is_group[MOST_OBJECTS];
} object_list;

static herr_t list_object(hid_t file, const char *name, const H5O_info_t *info, void *data) {
  object_list *list = data;
  (void)file;
  if (list->count < MOST_OBJECTS && strlen(name) < NAME_BYTES) {
    list->is_group[list->count] = info->type == H5O_TYPE_GROUP;
    strcpy(list->names[list->count++], name);
  }
  return 0;
}

/* A type that numbers and texts do not have, or have. */
static hid_t draw_type(fuzz_draw *draw) {
  const hsize_t three = 3;
  hid_t type = -1;
  switch (fuzz_choose(draw, 10)) {
  case 0:
    type = H5Tcopy(H5T_NATIVE_INT8);
    break;
  case 1:
    type = H5Tcopy(H5T_IEEE_F32BE);
    break;
  case 2:
    type = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(type, "a", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(type, "b", 8, H5T_NATIVE_INT32);
    break;
  case 3:
    type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, fuzz_choose(draw, 2) ? H5T_VARIABLE : (size_t)(1 + fuzz_choose(draw, 3000000)));
    break;
  case 4:
    type = H5Tcreate(H5T_OPAQUE, 8);
    break;
  case 5:
    type = H5Tcopy(H5T_STD_REF_OBJ);
    break;
  case 6:
    type = H5Tenum_create(H5T_NATIVE_INT32);
    H5Tenum_insert(type, "one", &(int){1});
    break;
  case 7:
    type = H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &three);
    break;
  case 8:
    type = H5Tvlen_create(H5T_NATIVE_DOUBLE);
    break;
  default:
    type = H5Tcopy(H5T_NATIVE_DOUBLE);
    break;
  }
  return type;
}

static hid_t draw_space(fuzz_draw *draw) {
  static const hsize_t sizes[] = {0, 1, 2, 3, 36, 1000, (hsize_t)1 << 31, (hsize_t)1 << 40, (hsize_t)1 << 62};
  hsize_t extents[8];
  const int rank = (int)fuzz_choose(draw, 9) - 1;
  if (rank < 0) return H5Screate(H5S_NULL);
  const int64_t largest = fuzz_choose(draw, 2) ? 9 : 6;
  for (int i = 0; i < rank; i++) extents[i] = sizes[fuzz_choose(draw, largest)];
  return H5Screate_simple(rank, extents, NULL);
}

/* A layout: plain, in chunks small and huge, compressed, in a file elsewhere, put together from others. */
static hid_t draw_layout(fuzz_draw *draw, hid_t space) {
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  hsize_t chunk[8] = {1, 1, 1, 1, 1, 1, 1, 1}, one = 1;
  const int rank = H5Sget_simple_extent_ndims(space);
  switch (fuzz_choose(draw, 6)) {
  case 0:
    H5Pset_external(creation, "/etc/hostname", 0, H5F_UNLIMITED);
    break;
  case 1: {
    const hid_t source = H5Screate_simple(1, &one, NULL);
    H5Pset_virtual(creation, space, "data.h5", "states", source);
    H5Sclose(source);
    break;
  }
  case 2:
  case 3:
    if (rank > 0 && fuzz_choose(draw, 2)) chunk[0] = (hsize_t)1 << fuzz_choose(draw, 29);
    if (rank > 0) H5Pset_chunk(creation, rank, chunk);
    if (rank > 0 && fuzz_choose(draw, 2)) H5Pset_deflate(creation, 1);
    break;
  default:
    break;
  }
  return creation;
}

static void replace_array(fuzz_draw *draw, hid_t file, const char *name) {
  const hid_t type = draw_type(draw), space = draw_space(draw), creation = draw_layout(draw, space);
  H5Ldelete(file, name, H5P_DEFAULT);
  const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (dataset >= 0 && count > 0 && count < 100000 && H5Tget_class(type) == H5T_FLOAT) {
    static const double strange[] = {0, -1, 1, 1e300, 1e-320};
    double *values = malloc((size_t)count * sizeof *values);
    for (hssize_t i = 0; values && i < count; i++) values[i] = strange[fuzz_choose(draw, 5)];
    if (values) H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    free(values);
  }
  if (dataset >= 0) H5Dclose(dataset);
  H5Pclose(creation);
  H5Sclose(space);
  H5Tclose(type);
}

static void replace_link(fuzz_draw *draw, hid_t file, const char *name, const char *other) {
  H5Ldelete(file, name, H5P_DEFAULT);
  switch (fuzz_choose(draw, 6)) {
  case 0:
    H5Lcreate_soft("/nowhere/at/all", file, name, H5P_DEFAULT, H5P_DEFAULT);
    break;
  case 1:
    H5Lcreate_soft(name, file, name, H5P_DEFAULT, H5P_DEFAULT);
    break;
  case 2:
    H5Lcreate_external("data.h5", "/states", file, name, H5P_DEFAULT, H5P_DEFAULT);
    break;
  case 3:
    H5Lcreate_hard(file, "/", file, name, H5P_DEFAULT, H5P_DEFAULT);
    break;
  case 4:
    H5Lcreate_hard(file, other, file, name, H5P_DEFAULT, H5P_DEFAULT);
    break;
  default: /* it is gone */
    break;
  }
}

/* A few numbers of an array become others. */
static void change_numbers(fuzz_draw *draw, hid_t file, const char *name) {
  static const double strange[] = {0, -1, 1, 2, NAN, INFINITY, -INFINITY, 1e19, 1e300, 4e9, 0.5};
  const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (dataset < 0) return;
  const hid_t space = H5Dget_space(dataset);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  double *values = count > 0 && count < 1000000 ? calloc((size_t)count, sizeof *values) : NULL;
  if (values && H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0) {
    for (int64_t i = fuzz_choose(draw, 4); i >= 0; i--)
      values[fuzz_choose(draw, count)] = strange[fuzz_choose(draw, sizeof strange / sizeof *strange)];
    H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  }
  free(values);
  H5Sclose(space);
  H5Dclose(dataset);
}

/* An attribute that is there becomes another: a number that makes no sense, or something that is no number;
 * texts are damaged. */
static void change_attribute(fuzz_draw *draw, hid_t file, const char *object_name) {
  static const double strange[] = {0, -1, 2, 7, NAN, INFINITY, 1e19, 4e9, 0.5};
  H5O_info_t info = {0};
  char name[NAME_BYTES], *text = NULL;
  const hid_t object = H5Oopen(file, object_name, H5P_DEFAULT);
  if (object < 0 || H5Oget_info2(object, &info, H5O_INFO_NUM_ATTRS) < 0 || info.num_attrs == 0) goto done;
  const hsize_t chosen = (hsize_t)fuzz_choose(draw, (int64_t)info.num_attrs);
  if (H5Aget_name_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, chosen, name, sizeof name, H5P_DEFAULT) <=
      0)
    goto done;
  const hid_t old = H5Aopen(object, name, H5P_DEFAULT);
  const hid_t old_type = old < 0 ? -1 : H5Aget_type(old);
  const hid_t old_space = old < 0 ? -1 : H5Aget_space(old);
  const bool one =
      old >= 0 && H5Tis_variable_str(old_type) > 0 && H5Sget_simple_extent_npoints(old_space) == 1;
  if (one && H5Aread(old, old_type, &text) < 0) text = NULL;
  if (old >= 0) H5Sclose(old_space);
  if (old >= 0) H5Tclose(old_type);
  if (old >= 0) H5Aclose(old);
  const bool damage = text && fuzz_choose(draw, 3) > 0;
  const hid_t space = damage || fuzz_choose(draw, 2) ? H5Screate(H5S_SCALAR) : draw_space(draw);
  hid_t type = draw_type(draw);
  if (damage) {
    const size_t length = fuzz_damage_bytes(draw, (unsigned char *)text, strlen(text));
    text[length] = '\0';
    H5Tclose(type);
    type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
  }
  H5Adelete(object, name);
  const hid_t made = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (made >= 0 && damage) H5Awrite(made, type, &text);
  if (made >= 0 && H5Tget_class(type) == H5T_FLOAT && H5Sget_simple_extent_npoints(space) == 1)
    H5Awrite(made, H5T_NATIVE_DOUBLE, &strange[fuzz_choose(draw, sizeof strange / sizeof *strange)]);
  if (made >= 0) H5Aclose(made);
  H5Tclose(type);
  H5Sclose(space);
done:
  if (text) H5free_memory(text);
  if (object >= 0) H5Oclose(object);
}

void fuzz_change_objects(fuzz_draw *draw, const char *path) {
  static object_list list;
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_file_locking(access, false, true);
  const hid_t file = H5Fopen(path, H5F_ACC_RDWR, access);
  H5Pclose(access);
  if (file < 0) return;
  list.count = 0;
  H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, list_object, &list, H5O_INFO_BASIC);
  for (int64_t edits = 1 + fuzz_choose(draw, 3); edits > 0 && list.count > 1; edits--) {
    const int64_t at = 1 + fuzz_choose(draw, list.count - 1); /* 0 is the root */
    const char *name = list.names[at], *other = list.names[1 + fuzz_choose(draw, list.count - 1)];
    switch (fuzz_choose(draw, 6)) {
    case 0:
    case 1:
      replace_array(draw, file, name);
      break;
    case 2:
      replace_link(draw, file, name, other);
      break;
    case 3:
      change_numbers(draw, file, name);
      break;
    case 4:
      change_attribute(draw, file, name);
      break;
    default:
      change_attribute(draw, file, "/");
      break;
    }
  }
  H5Fclose(file);
}
