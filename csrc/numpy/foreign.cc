// Arrays of codes that say so: the dtypes of formats, and the number types that ml_dtypes registers with NumPy.
#include "foreign.hpp"

#include <atomic>
#include <cstring>
#include <mutex>

#include "../halfulp/formats.hpp"
#include "dtype/dtype.hpp"

namespace halfulp::numpy {
namespace {

// Written under a lock, read by loops that hold none.
struct Known {
  std::atomic<int> type_num{-1};
  std::atomic<const ValueDecoder*> decoder{nullptr};
};
constexpr int capacity = 64;
Known known[capacity];

const ValueDecoder* lookup(int type_num) {
  for (const Known& k : known) {
    const ValueDecoder* decoder = k.decoder.load(std::memory_order_acquire);
    if (decoder == nullptr) return nullptr;
    if (k.type_num.load(std::memory_order_relaxed) == type_num) return decoder;
  }
  return nullptr;
}

// ml_dtypes names its types as our table does; int1, uint1 and the complex ones have no row.
const Format* format_of(PyTypeObject* scalar_type) {
  PyObject* type = reinterpret_cast<PyObject*>(scalar_type);
  PyObject* module = PyObject_GetAttrString(type, "__module__");
  PyObject* name = PyObject_GetAttrString(type, "__name__");
  const Format* found = nullptr;
  if (module != nullptr && name != nullptr && PyUnicode_Check(module) && PyUnicode_Check(name)) {
    const char* from = PyUnicode_AsUTF8(module);
    const char* word = PyUnicode_AsUTF8(name);
    if (from != nullptr && word != nullptr && std::strncmp(from, "ml_dtypes", 9) == 0) {
      for (const Format& f : formats) {
        if (std::strcmp(f.name, word) == 0) found = &f;
      }
    }
  }
  Py_XDECREF(module);
  Py_XDECREF(name);
  PyErr_Clear();
  return found;
}

}  // namespace

const ValueDecoder* foreign_decoder(PyArray_Descr* descr) {
  if (is_ours(descr)) {  // the kernels that take codes read them as binary32
    const ValueDecoder& decoder = dtype_of(descr).decoder;
    return decoder.binary32 ? &decoder : nullptr;
  }
  if (const ValueDecoder* decoder = lookup(descr->type_num)) return decoder;
  if (!PyTypeNum_ISUSERDEF(descr->type_num) || descr->typeobj == nullptr) return nullptr;
  const Format* format = format_of(descr->typeobj);
  if (format == nullptr || PyDataType_ELSIZE(descr) != code_bytes(*format)) return nullptr;
  static std::mutex adding;
  const std::lock_guard<std::mutex> lock(adding);
  for (Known& k : known) {
    if (k.type_num.load(std::memory_order_relaxed) == descr->type_num) break;
    if (k.decoder.load(std::memory_order_acquire) != nullptr) continue;
    k.type_num.store(descr->type_num, std::memory_order_relaxed);
    k.decoder.store(new ValueDecoder(make_value_decoder(*format)), std::memory_order_release);
    break;
  }
  return lookup(descr->type_num);
}

}  // namespace halfulp::numpy
