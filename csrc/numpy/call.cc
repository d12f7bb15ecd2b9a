// A call of a ufunc, before and after NumPy: loops for arrays of formats and of ml_dtypes, and errors that name a way
// out.
#include <atomic>
#include <vector>

#include "dtype/dtype.hpp"
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
  return type != nullptr && result_type(w, *type) >= 0;
}

// The name of the dtype that NumPy would give this argument, as a new reference.
PyObject* dtype_name(PyObject* argument) {
  PyArray_Descr* descr = PyArray_DescrFromObject(argument, nullptr);
  PyErr_Clear();
  PyObject* name = descr != nullptr ? PyObject_Str(reinterpret_cast<PyObject*>(descr))
                                    : PyUnicode_FromString(Py_TYPE(argument)->tp_name);
  Py_XDECREF(descr);
  return name;
}

// Sets a TypeError if the random integers are missing or are no integers.
void explain_random(const Work& w, PyObject* const* args, Py_ssize_t n) {
  const int bits = w.encoder.random_bits;
  if (n == 1) {
    PyErr_Format(PyExc_TypeError,
                 "%s: stochastic rounding takes random integers 0 <= r < 2**%d as its second operand: %s(x, r), with r "
                 "= halfulp.random_bits(x.shape, %d, seed) for example",
                 w.name.c_str(), bits, w.verb == Verb::encode ? "encode" : "round", bits);
    return;
  }
  PyObject* given = dtype_name(args[1]);
  if (given == nullptr) return;
  PyErr_Format(PyExc_TypeError, "%s takes random integers r of an integer dtype, not %U", w.name.c_str(), given);
  Py_DECREF(given);
}

// NumPy's own message about a missing loop names no way out. (The exception that has `dtypes` is that one.)
void explain_missing_loop(const Work& w, PyObject* const* args, Py_ssize_t n) {
  PyObject* argument = args[0];
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  PyArray_Descr* descr = descr_of(argument);
  const bool taken = takes(w, descr) || (w.takes_random() && descr != nullptr && foreign_decoder(descr) != nullptr);
  Py_XDECREF(descr);
  PyArray_Descr* second = n > 1 ? descr_of(args[1]) : nullptr;
  const ElementType* random = second != nullptr ? element_type(second->type_num) : nullptr;
  const bool good_random = random != nullptr && (random->is_integer || random->source == Source::boolean);
  Py_XDECREF(second);
  // If both operands are right, something else asked for a loop that there is none of: dtype=, signature=.
  const bool missing = PyObject_HasAttrString(value, "dtypes") != 0 && !(taken && good_random);
  if (!missing || (taken && !w.takes_random())) return PyErr_Restore(type, value, traceback);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
  if (taken) return explain_random(w, args, n);
  PyObject* given = dtype_name(argument);
  if (given == nullptr) return;
  if (w.verb == Verb::decode) {
    PyErr_Format(PyExc_TypeError,
                 "%s takes codes of an integer dtype, not %U; view other storage as unsigned integers first, as in "
                 "codes.view(np.uint8); an array of a format's dtype has its values in x.astype(np.float32)",
                 w.name.c_str(), given);
  } else {
    PyErr_Format(
        PyExc_TypeError,
        "%s takes float16, float32, float64, longdouble, integer, bool, ml_dtypes or (if float32 holds it) format input, "
        "not %U; for Python ints beyond 64 bits, Fractions, Decimals, strings and object arrays use "
        "halfulp.%s(x, format); for complex numbers pass .real and .imag",
        w.name.c_str(), given, w.verb == Verb::encode ? "encode" : "round");
  }
  Py_DECREF(given);
}

// NumPy's own flag for arrays whose writing it deprecates, such as those of broadcast_arrays; it has no public name.
constexpr int warn_on_write = static_cast<int>(0x80000000u);

// The whole of `out` as an array that the result can be written to as it is computed; null if NumPy must look closer.
PyArrayObject* plain_out(PyObject* argument, PyArrayObject* from, int to_type) {
  if (!PyArray_CheckExact(argument)) return nullptr;
  PyArrayObject* out = reinterpret_cast<PyArrayObject*>(argument);
  const bool same_shape = PyArray_NDIM(out) == PyArray_NDIM(from) &&
                          PyArray_CompareLists(PyArray_DIMS(out), PyArray_DIMS(from), PyArray_NDIM(from)) != 0;
  if (PyArray_TYPE(out) != to_type || !PyArray_ISCARRAY(out) || !same_shape) return nullptr;
  const char* in_start = PyArray_BYTES(from);
  const char* out_start = PyArray_BYTES(out);
  const bool apart = in_start + PyArray_NBYTES(from) <= out_start || out_start + PyArray_NBYTES(out) <= in_start;
  return apart && !PyArray_CHKFLAGS(out, warn_on_write) ? out : nullptr;
}

// Elements that are not worth a release of the GIL, as in NumPy.
constexpr npy_intp few = 500;

// A call f(x), f(x, out) or f(x, out=out) on plain contiguous arrays does not need NumPy's machinery, which takes
// longer than a hundred elements do. False if the call is another one: nothing has happened then.
bool call_plain(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames, PyObject** result) {
  if (n < 1 || n > 2 || !PyArray_CheckExact(args[0])) return false;
  PyObject* given_out = n == 2 ? args[1] : nullptr;
  if (kwnames != nullptr && PyTuple_GET_SIZE(kwnames) != 0) {
    if (n != 1 || PyTuple_GET_SIZE(kwnames) != 1) return false;
    if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "out") != 0) return false;
    given_out = args[1];
  }
  PyArrayObject* from = reinterpret_cast<PyArrayObject*>(args[0]);
  const ElementType* type = element_type(PyArray_TYPE(from));
  if (type == nullptr || PyArray_NDIM(from) == 0 || !PyArray_ISCARRAY_RO(from)) return false;
  const Work& w = *work_of(self);
  if (w.takes_random()) return false;
  const int to_type = result_type(w, *type);
  if (to_type < 0) return false;
  PyArrayObject* out = nullptr;
  if (given_out != nullptr && given_out != Py_None) {
    out = plain_out(given_out, from, to_type);
    if (out == nullptr) return false;
    Py_INCREF(out);
  } else {
    out = reinterpret_cast<PyArrayObject*>(PyArray_SimpleNew(PyArray_NDIM(from), PyArray_DIMS(from), to_type));
  }
  *result = reinterpret_cast<PyObject*>(out);
  if (out == nullptr) return true;
  const npy_intp size = PyArray_SIZE(from);
  const Arrays arrays = {PyArray_BYTES(from), PyArray_ITEMSIZE(from), PyArray_BYTES(out), PyArray_ITEMSIZE(out),
                         static_cast<usize>(size)};
  int status = 0;
  NPY_BEGIN_THREADS_DEF;
  NPY_BEGIN_THREADS_THRESHOLDED(size > few ? size : 0);
  status = run(w, *type, to_type, arrays);
  NPY_END_THREADS;
  if (status < 0) Py_CLEAR(*result);
  return true;
}

std::atomic<vectorcallfunc> numpy_vectorcall{nullptr};

bool is_python_number(PyObject* argument) { return PyFloat_CheckExact(argument) || PyLong_Check(argument); }

PyObject* call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames);

// NumPy takes the dtype of a Python number from the other operand, which says nothing here: each has its own.
PyObject* call_with_scalars(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  const Py_ssize_t n = PyVectorcall_NARGS(nargsf);
  const Py_ssize_t keywords = kwnames != nullptr ? PyTuple_GET_SIZE(kwnames) : 0;
  std::vector<PyObject*> all(args, args + n + keywords);
  PyObject* scalars[2] = {nullptr, nullptr};
  bool good = true;
  for (int i = 0; i < 2 && good; ++i) {
    if (!is_python_number(args[i])) continue;
    PyObject* array = PyArray_FromAny(args[i], nullptr, 0, 0, 0, nullptr);
    scalars[i] = array != nullptr ? PyArray_Return(reinterpret_cast<PyArrayObject*>(array)) : nullptr;
    good = scalars[i] != nullptr;
    all[static_cast<size_t>(i)] = scalars[i];
  }
  // An integer too large for NumPy is an object, and still a Python number.
  const bool converted = good && !is_python_number(all[0]) && !is_python_number(all[1]);
  PyObject* result = nullptr;
  if (converted) {
    result = call(self, all.data(), static_cast<size_t>(n), kwnames);
  } else if (good) {
    PyErr_Format(PyExc_TypeError, "%s takes integers of at most 64 bits", work_of(self)->name.c_str());
  }
  Py_XDECREF(scalars[0]);
  Py_XDECREF(scalars[1]);
  return result;
}

PyObject* call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  const Py_ssize_t n = PyVectorcall_NARGS(nargsf);
  PyObject* plain = nullptr;
  if (call_plain(self, args, n, kwnames, &plain)) return plain;
  if (n > 0) {
    PyArray_Descr* descr = descr_of(args[0]);
    const bool foreign = descr != nullptr && (is_ours(descr) || PyTypeNum_ISUSERDEF(descr->type_num));
    const int status = foreign ? add_foreign_loop(self, descr) : 0;
    Py_XDECREF(descr);
    if (status < 0) return nullptr;
  }
  const Work& w = *work_of(self);
  if (n == 1 && w.takes_random()) {
    explain_random(w, args, n);
    return nullptr;
  }
  if (n > 1 && w.takes_random() && (is_python_number(args[0]) || is_python_number(args[1]))) {
    return call_with_scalars(self, args, nargsf, kwnames);
  }
  PyObject* result = numpy_vectorcall.load(std::memory_order_relaxed)(self, args, nargsf, kwnames);
  if (result == nullptr && n > 0 && PyErr_ExceptionMatches(PyExc_TypeError)) {
    explain_missing_loop(w, args, n);
  }
  return result;
}

}  // namespace

void set_vectorcall(PyUFuncObject* ufunc) {
  numpy_vectorcall.store(ufunc->vectorcall, std::memory_order_relaxed);
  ufunc->vectorcall = call;
}

}  // namespace halfulp::numpy
