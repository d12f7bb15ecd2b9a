// The scalars of a format: a static base in C that holds the code, and gives the numbers and the text of it.
//
// Per format there is a subclass made in Python, halfulp._scalar, with the methods that need no speed.
#include <atomic>
#include <cmath>
#include <cstddef>

#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

// NumPy reads the code right behind the header, and writes it there when it takes an element out of an array. It knows
// nothing of `dtype`, which is then looked up on first use.
struct Scalar {
  PyObject_HEAD u64 code;
  std::atomic<const Dtype*> dtype;
};

const Dtype* known_dtype(PyObject* self) {
  std::atomic<const Dtype*>& known = reinterpret_cast<Scalar*>(self)->dtype;
  const Dtype* d = known.load(std::memory_order_relaxed);
  if (d == nullptr) {
    d = dtype_of_scalar_type(Py_TYPE(self));
    known.store(d, std::memory_order_relaxed);
  }
  return d;
}

const Dtype* dtype_of_self(PyObject* self) {
  const Dtype* d = known_dtype(self);
  if (d == nullptr) PyErr_SetString(PyExc_TypeError, "a scalar without a format");
  return d;
}

PyObject* make(PyTypeObject* type, const Dtype& d, u64 code) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  reinterpret_cast<Scalar*>(self)->code = code;
  reinterpret_cast<Scalar*>(self)->dtype.store(&d, std::memory_order_relaxed);
  return self;
}

PyObject* scalar_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  const Dtype* d = dtype_of_scalar_type(type);
  if (d == nullptr) {
    PyErr_Format(PyExc_TypeError, "%s is no format: call the type of a dtype, as in halfulp.bfloat16.dtype.type(x)",
                 type->tp_name);
    return nullptr;
  }
  PyObject* value = nullptr;
  if (keywords != nullptr && PyDict_GET_SIZE(keywords) != 0) {
    PyErr_Format(PyExc_TypeError, "%s takes no keyword arguments", d->text);
    return nullptr;
  }
  if (!PyArg_UnpackTuple(args, d->text, 0, 1, &value)) return nullptr;
  u64 code = 0;
  if (value != nullptr && PyArray_Check(value) && PyArray_NDIM(reinterpret_cast<PyArrayObject*>(value)) != 0) {
    PyObject* dtype = reinterpret_cast<PyObject*>(d->descr);
    return PyObject_CallMethod(value, "astype", "O", dtype);
  }
  if (value != nullptr && (PyList_Check(value) || PyTuple_Check(value))) {
    Py_INCREF(reinterpret_cast<PyObject*>(d->descr));
    return PyArray_FromAny(value, d->descr, 0, 0, 0, nullptr);
  }
  if (value != nullptr && code_from_object(*d, value, &code) < 0) return nullptr;
  return make(type, *d, code);
}

void scalar_dealloc(PyObject* self) { Py_TYPE(self)->tp_free(self); }

PyObject* to_float(PyObject* self) {
  const Dtype* d = dtype_of_self(self);
  return d == nullptr ? nullptr : PyFloat_FromDouble(value_of(*d, code_of_scalar(self)));
}

// Python's own errors for Inf and NaN.
PyObject* to_int(PyObject* self) {
  const Dtype* d = dtype_of_self(self);
  return d == nullptr ? nullptr : PyLong_FromDouble(value_of(*d, code_of_scalar(self)));
}

int to_bool(PyObject* self) {
  const Dtype* d = dtype_of_self(self);
  return d == nullptr ? -1 : !is_zero(d->order, code_of_scalar(self));
}

Py_hash_t scalar_hash(PyObject* self) {
  const UsualEnvironment environment;
  PyObject* value = to_float(self);
  if (value == nullptr) return -1;
  // Two NaN are never equal: their hashes come from their addresses, as those of float do.
  const double x = PyFloat_AS_DOUBLE(value);
  const Py_hash_t hash = std::isnan(x) ? PyBaseObject_Type.tp_hash(self) : PyObject_Hash(value);
  Py_DECREF(value);
  return hash;
}

PyObject* scalar_str(PyObject* self) {
  const Dtype* d = dtype_of_self(self);
  return d == nullptr ? nullptr : text_of_code(*d, code_of_scalar(self));
}

PyObject* scalar_repr(PyObject* self) {
  PyObject* text = scalar_str(self);
  if (text == nullptr) return nullptr;
  PyObject* name = PyType_GetName(Py_TYPE(self));
  PyObject* repr = name != nullptr ? PyUnicode_FromFormat("%U(%U)", name, text) : nullptr;
  Py_XDECREF(name);
  Py_DECREF(text);
  return repr;
}

PyObject* get_code(PyObject* self, void*) { return PyLong_FromUnsignedLongLong(code_of_scalar(self)); }

PyObject* get_dtype(PyObject* self, void*) {
  const Dtype* d = dtype_of_self(self);
  if (d == nullptr) return nullptr;
  return Py_NewRef(reinterpret_cast<PyObject*>(d->descr));
}

PyObject* get_format(PyObject* self, void*) {
  const Dtype* d = dtype_of_self(self);
  return d == nullptr ? nullptr : Py_NewRef(d->owner);
}

PyObject* get_real(PyObject* self, void*) { return Py_NewRef(self); }

PyObject* get_imag(PyObject* self, void*) {
  const Dtype* d = dtype_of_self(self);
  return d == nullptr ? nullptr : make(Py_TYPE(self), *d, 0);
}

char code_doc[] = "The code, an integer.";
char dtype_doc[] = "The NumPy dtype.";
char format_doc[] = "The format.";
char real_doc[] = "The number itself.";
char imag_doc[] = "Zero; the lowest code where there is none.";
PyGetSetDef getset[] = {
    {"code", get_code, nullptr, code_doc, nullptr},       {"dtype", get_dtype, nullptr, dtype_doc, nullptr},
    {"format", get_format, nullptr, format_doc, nullptr}, {"real", get_real, nullptr, real_doc, nullptr},
    {"imag", get_imag, nullptr, imag_doc, nullptr},       {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyNumberMethods number_methods;
PyTypeObject scalar_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

}  // namespace

PyTypeObject* scalar_base() {
  if (scalar_type.tp_name != nullptr) return &scalar_type;
  number_methods.nb_float = to_float;
  number_methods.nb_int = to_int;
  number_methods.nb_bool = to_bool;
  scalar_type.tp_name = "halfulp.Scalar";
  scalar_type.tp_doc = "A number of some format.";
  scalar_type.tp_basicsize = sizeof(Scalar);
  scalar_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
  scalar_type.tp_base = &PyFloatingArrType_Type;
  scalar_type.tp_new = scalar_new;
  scalar_type.tp_dealloc = scalar_dealloc;
  scalar_type.tp_free = PyObject_Free;
  scalar_type.tp_repr = scalar_repr;
  scalar_type.tp_str = scalar_str;
  scalar_type.tp_hash = scalar_hash;
  scalar_type.tp_as_number = &number_methods;
  add_scalar_math(&scalar_type);
  scalar_type.tp_getset = getset;
  if (PyType_Ready(&scalar_type) < 0) return nullptr;
  return &scalar_type;
}

PyObject* scalar_from_code(const Dtype& d, u64 code) { return make(d.scalar_type, d, code); }

const Dtype* dtype_of_scalar(PyObject* object) {
  return Py_TYPE(object)->tp_base == &scalar_type ? known_dtype(object) : nullptr;
}

u64 code_of_scalar(PyObject* scalar) {
  const Dtype* d = known_dtype(scalar);
  return d == nullptr ? 0 : reinterpret_cast<Scalar*>(scalar)->code & d->decoder.code_mask;
}

}  // namespace halfulp::numpy
