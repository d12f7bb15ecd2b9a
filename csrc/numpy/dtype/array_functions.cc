// The functions of NumPy's older interface that it still calls for every dtype: ranges, copies, text.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>

#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

const Dtype& dtype_of_array(const void* array) {
  return dtype_of(PyArray_DESCR(static_cast<PyArrayObject*>(const_cast<void*>(array))));
}

double load(const Dtype& d, const void* from) { return value_of(d, load_code(d, from)); }

// The first two elements are there; the others go on in their steps, each rounded once.
int fill(void* data, npy_intp n, void* array) {
  const UsualEnvironment environment;
  const Dtype& d = dtype_of_array(array);
  char* at = static_cast<char*>(data);
  const isize size = static_cast<isize>(d.size());
  if (n < 2) return 0;
  const double start = load(d, at);
  const double step = load(d, at + size) - start;
  for (npy_intp i = 2; i < n; ++i) {
    const double value = start + static_cast<double>(i) * step;
    encode_checked(d.encoding, Source::binary64, reinterpret_cast<const char*>(&value), 8, at + i * size, size, 1, 1);
  }
  return 0;
}

// -- text: exactly rounded by Python's reader; NumPy may or may not hold the GIL here

bool read_text(const Dtype& d, const std::string& text, void* to) {
  PyObject* object = PyUnicode_DecodeLatin1(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr);
  u64 code = 0;
  const bool good = object != nullptr && code_from_text(d, object, &code) == 0;
  Py_XDECREF(object);
  PyErr_Clear();
  if (good) store_code(d, code, to);
  return good;
}

int from_text(char* text, void* to, char** end, PyArray_Descr* descr) {
  const PyGILState_STATE gil = PyGILState_Ensure();
  char* stop = text;
  PyOS_string_to_double(text, &stop, nullptr);
  const bool good = !PyErr_Occurred() && stop != text;
  PyErr_Clear();
  const bool read = good && read_text(dtype_of(descr), std::string(text, stop), to);
  PyGILState_Release(gil);
  *end = read ? stop : text;
  return 0;
}

int scan(FILE* file, void* to, char*, PyArray_Descr* descr) {
  int c = std::getc(file);
  while (c != EOF && std::isspace(c)) c = std::getc(file);
  if (c == EOF) return EOF;
  std::string text;
  while (c != EOF && text.size() < 1000 && (std::isalnum(c) || c == '+' || c == '-' || c == '.')) {
    text.push_back(static_cast<char>(c));
    c = std::getc(file);
  }
  if (c != EOF) std::ungetc(c, file);
  const PyGILState_STATE gil = PyGILState_Ensure();
  const bool good = !text.empty() && read_text(dtype_of(descr), text, to);
  PyGILState_Release(gil);
  return good ? 1 : 0;
}

// NumPy 2.5 gives it neither an array nor a dtype, and 2.4 does not come so far: what there is to say instead of a
// number. It may run without the GIL, and often after the first time.
void dot(void*, npy_intp, void*, npy_intp, void*, npy_intp, void*) {
  const PyGILState_STATE gil = PyGILState_Ensure();
  if (!PyErr_Occurred()) {
    PyErr_SetString(PyExc_TypeError,
                    "np.dot, np.convolve and what is made of them are not for arrays of formats: a @ b, np.vecdot, "
                    "np.matvec, halfulp.dot and halfulp.matmul are; or take x.astype(np.float32)");
  }
  PyGILState_Release(gil);
}

// -- copies, by size alone: NumPy passes no array for a scalar

template <usize size>
void copy_swapped(void* to, void* from, int swap, void*) {
  if (from != nullptr && from != to) std::memmove(to, from, size);
  if (swap != 0) std::reverse(static_cast<char*>(to), static_cast<char*>(to) + size);
}

template <usize size>
void copy_all_swapped(void* to, npy_intp to_stride, void* from, npy_intp from_stride, npy_intp n, int swap, void*) {
  for (npy_intp i = 0; i < n; ++i) {
    char* source = from != nullptr ? static_cast<char*>(from) + i * from_stride : nullptr;
    copy_swapped<size>(static_cast<char*>(to) + i * to_stride, source, swap, nullptr);
  }
}

// The header has no names for these two; NumPy takes them.
constexpr int slot_copyswapn = 3 + _NPY_DT_ARRFUNCS_OFFSET;
constexpr int slot_copyswap = 4 + _NPY_DT_ARRFUNCS_OFFSET;

template <usize size>
const PyType_Slot* slots() {
  static const PyType_Slot all[] = {
      {slot_copyswapn, slot(copy_all_swapped<size>)},
      {slot_copyswap, slot(copy_swapped<size>)},
      {NPY_DT_PyArray_ArrFuncs_scanfunc, slot(scan)},
      {NPY_DT_PyArray_ArrFuncs_fromstr, slot(from_text)},
      {NPY_DT_PyArray_ArrFuncs_fill, slot(fill)},
      {NPY_DT_PyArray_ArrFuncs_dotfunc, slot(dot)},
      {0, nullptr},
  };
  return all;
}

}  // namespace

const PyType_Slot* array_functions(usize size) {
  return size == 1 ? slots<1>() : size == 2 ? slots<2>() : size == 4 ? slots<4>() : slots<8>();
}

}  // namespace halfulp::numpy
