// Ufuncs of NumPy in which formats have no loop: Fourier transforms go through NumPy's own floats, and all others,
// which are for integers, dates and text, say what to write instead.
#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

int refuse(PyObject* ufunc, PyArray_DTypeMeta* const operands[], PyArray_DTypeMeta* const*, PyArray_DTypeMeta**) {
  const auto* u = reinterpret_cast<PyUFuncObject*>(ufunc);
  for (int i = 0; i < u->nin; ++i) {
    const Dtype* d = operands[i] != nullptr ? dtype_of_class(operands[i]) : nullptr;
    if (d == nullptr) continue;
    PyErr_Format(PyExc_TypeError,
                 "%s is not for numbers of %s: x.astype(np.%s) has the values, x.view(np.uint%d) the codes", u->name,
                 d->text, is_held(d->format, NPY_FLOAT) ? "float32" : "float64", static_cast<int>(8 * d->size()));
    break;
  }
  return -1;
}

// The loop of doubles, which NumPy also takes for float32.
int promote_transform(PyObject* ufunc, PyArray_DTypeMeta* const operands[], PyArray_DTypeMeta* const*,
                      PyArray_DTypeMeta* promoted[]) {
  const auto* u = reinterpret_cast<PyUFuncObject*>(ufunc);
  for (int row = 0; row < u->ntypes; ++row) {
    const char* types = u->types + row * u->nargs;
    if (types[1] != NPY_DOUBLE) continue;  // the scale's
    for (int i = 0; i < u->nargs; ++i) {
      PyArray_Descr* descr = PyArray_DescrFromType(types[i]);
      promoted[i] = reinterpret_cast<PyArray_DTypeMeta*>(Py_NewRef(NPY_DTYPE(descr)));
      Py_DECREF(descr);
    }
    return 0;
  }
  return refuse(ufunc, operands, nullptr, nullptr);
}

bool is_known(PyObject* ufunc) {
  const std::vector<PyObject*>* known = numpy_ufuncs();
  for (usize i = 0; known != nullptr && i < known->size(); ++i) {
    if ((*known)[i] == ufunc) return true;
  }
  return false;
}

// Of all operands, where there are at most two; else of the first.
int add_refusals(PyObject* ufunc, PyObject* base) {
  const unsigned nin = static_cast<unsigned>(reinterpret_cast<PyUFuncObject*>(ufunc)->nin);
  for (unsigned ours = nin > 2 ? 1 : (1u << nin) - 1; ours > 0; --ours) {
    if (add_promoter(ufunc, base, ours, refuse) < 0) return -1;
  }
  return 0;
}

template <class F>
int each_ufunc(const char* module_name, F&& f) {
  PyObject* module = PyImport_ImportModule(module_name);
  PyObject* names = module != nullptr ? PyObject_Dir(module) : nullptr;
  int status = names != nullptr ? 0 : -1;
  for (Py_ssize_t i = 0; status == 0 && i < PyList_GET_SIZE(names); ++i) {
    PyObject* object = PyObject_GetAttr(module, PyList_GET_ITEM(names, i));
    if (object == nullptr) PyErr_Clear();
    if (object != nullptr && PyObject_TypeCheck(object, &PyUFunc_Type)) status = f(object);
    Py_XDECREF(object);
  }
  Py_XDECREF(names);
  Py_XDECREF(module);
  return status;
}

}  // namespace

int add_promoters_elsewhere(PyObject* base) {
  std::vector<PyObject*> seen;
  const int status = each_ufunc("numpy._core.umath", [&](PyObject* ufunc) {
    for (PyObject* other : seen) {
      if (other == ufunc) return 0;
    }
    seen.push_back(ufunc);  // the module keeps it
    return is_known(ufunc) ? 0 : add_refusals(ufunc, base);
  });
  if (status < 0) return -1;
  if (each_ufunc("numpy.fft._pocketfft_umath",
                 [&](PyObject* ufunc) { return add_promoter(ufunc, base, 1, promote_transform); }) == 0) {
    return 0;
  }
  // A NumPy that has moved its transforms raises an error of its own for them.
  if (!PyErr_ExceptionMatches(PyExc_ImportError)) return -1;
  PyErr_Clear();
  return 0;
}

}  // namespace halfulp::numpy
