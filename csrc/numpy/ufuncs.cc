// Making a numpy.ufunc: its work, its loops, its owner.
#define HALFULP_IMPORT_NUMPY
#include "ufuncs.hpp"

#include <memory>

#include "work.hpp"

namespace halfulp::numpy {
namespace {

void free_work(PyObject* capsule) { delete static_cast<Work*>(PyCapsule_GetPointer(capsule, capsule_name)); }

int set_attribute(PyObject* object, const char* attribute, const char* value) {
  PyObject* text = PyUnicode_FromString(value);
  if (text == nullptr) return -1;
  const int status = PyObject_SetAttrString(object, attribute, text);
  Py_DECREF(text);
  return status;
}

}  // namespace

int import_api() {
  if (PyArray_ImportNumPyAPI() < 0) return -1;
  return PyUFunc_ImportUFuncAPI();
}

PyObject* make_ufunc(Verb verb, const std::string& name, const std::string& doc, const Encoder& encoder,
                     const ValueDecoder& decoder, PyObject* owner) {
  auto work = std::make_unique<Work>(verb, name, doc, encoder, decoder);
  Work* w = work.get();
  PyObject* capsule = PyCapsule_New(w, capsule_name, free_work);
  if (capsule == nullptr) return nullptr;
  work.release();
  PyObject* held = PyTuple_Pack(2, capsule, owner);
  Py_DECREF(capsule);
  if (held == nullptr) return nullptr;
  PyObject* ufunc = PyUFunc_FromFuncAndData(nullptr, nullptr, nullptr, 0, w->takes_random() ? 2 : 1, 1, PyUFunc_None,
                                            w->name.c_str(), w->doc.c_str(), 0);
  if (ufunc == nullptr) {
    Py_DECREF(held);
    return nullptr;
  }
  auto* object = reinterpret_cast<PyUFuncObject*>(ufunc);
  object->obj = held;
  set_vectorcall(object);
  // NumPy leaves this to its caller: without it, the cycle of ufunc and owner would never be collected.
  if (!PyObject_GC_IsTracked(ufunc)) PyObject_GC_Track(ufunc);
  // pickle finds a ufunc by its __name__ in its __module__.
  if (add_builtin_loops(ufunc, *w) < 0 || set_attribute(ufunc, "__module__", "halfulp") < 0 ||
      set_attribute(ufunc, "__qualname__", w->name.c_str()) < 0) {
    Py_DECREF(ufunc);
    return nullptr;
  }
  return ufunc;
}

}  // namespace halfulp::numpy
