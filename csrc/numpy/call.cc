// A call of a ufunc, before and after NumPy: loops for arrays of ml_dtypes, and errors that name a way out.
#include <atomic>

#include "foreign.hpp"
#include "work.hpp"

namespace halfulp::numpy {
namespace {

// The dtype of an array or NumPy scalar as a new reference; null, without an exception, for anything else.
PyArray_Descr* descr_of(PyObject* argument) {
  if (PyArray_Check(argument)) {
    PyArray_Descr* descr = PyArray_DESCR(reinterpret_cast<PyArrayObject*>(argument));
    Py_INCREF(descr);
    return descr;
  }
  if (PyObject_TypeCheck(argument, &PyGenericArrType_Type)) return PyArray_DescrFromScalar(argument);
  return nullptr;
}

// Whether the ufunc has a loop for this input, so that an error must be about something else.
bool takes(const Work& w, PyArray_Descr* descr) {
  if (descr == nullptr) return false;
  const ElementType* type = element_type(descr->type_num);
  return type != nullptr && (type->is_integer || w.verb != Verb::decode);
}

// NumPy's own message about a missing loop names no way out. (The exception that has `dtypes` is that one.)
void explain_missing_loop(const Work& w, PyObject* argument) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  PyArray_Descr* descr = descr_of(argument);
  if (!PyObject_HasAttrString(value, "dtypes") || takes(w, descr)) {
    Py_XDECREF(descr);
    return PyErr_Restore(type, value, traceback);
  }
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
  if (descr == nullptr) descr = PyArray_DescrFromObject(argument, nullptr);
  PyErr_Clear();
  PyObject* given = descr != nullptr ? PyObject_Str(reinterpret_cast<PyObject*>(descr))
                                     : PyUnicode_FromString(Py_TYPE(argument)->tp_name);
  Py_XDECREF(descr);
  if (given == nullptr) return;
  if (w.verb == Verb::decode) {
    PyErr_Format(PyExc_TypeError,
                 "%s takes codes of an integer dtype, not %U; view other storage as unsigned integers first, as in "
                 "codes.view(np.uint8)",
                 w.name.c_str(), given);
  } else {
    PyErr_Format(PyExc_TypeError,
                 "%s takes float16, float32, float64, longdouble, integer, bool or ml_dtypes input, not %U; for Python "
                 "ints beyond 64 bits, Fractions, Decimals, strings and object arrays use halfulp.%s(x, format); for "
                 "complex numbers pass .real and .imag",
                 w.name.c_str(), given, w.verb == Verb::encode ? "encode" : "round");
  }
  Py_DECREF(given);
}

std::atomic<vectorcallfunc> numpy_vectorcall{nullptr};

PyObject* call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  const Py_ssize_t n = PyVectorcall_NARGS(nargsf);
  if (n > 0) {
    PyArray_Descr* descr = descr_of(args[0]);
    const int status = descr != nullptr && PyTypeNum_ISUSERDEF(descr->type_num) ? add_foreign_loop(self, descr) : 0;
    Py_XDECREF(descr);
    if (status < 0) return nullptr;
  }
  PyObject* result = numpy_vectorcall.load(std::memory_order_relaxed)(self, args, nargsf, kwnames);
  if (result == nullptr && n > 0 && PyErr_ExceptionMatches(PyExc_TypeError)) {
    explain_missing_loop(*work_of(self), args[0]);
  }
  return result;
}

}  // namespace

void set_vectorcall(PyUFuncObject* ufunc) {
  numpy_vectorcall.store(ufunc->vectorcall, std::memory_order_relaxed);
  ufunc->vectorcall = call;
}

}  // namespace halfulp::numpy
