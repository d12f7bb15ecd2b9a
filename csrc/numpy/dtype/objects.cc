// Python objects to codes and back: what is assigned to an element, and what an element is given as.
#include "../foreign.hpp"
#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

int encode_one(const Dtype& d, Source source, const void* number, u64* code) {
  *code = 0;
  const isize size = static_cast<isize>(source_bytes(source));
  const u8 flags = encode_checked(d.encoding, source, static_cast<const char*>(number), size,
                                  reinterpret_cast<char*>(code), static_cast<isize>(d.size()), 1, 1);
  return give_floating_point("cast", flags);
}

// Whatever needs more than a machine's numbers: halfulp._scalar.code(format, object) gives a code and flags.
int code_from_anything(const Dtype& d, PyObject* object, u64* code) {
  const UsualEnvironment environment;
  PyObject* found = PyObject_CallMethod(d.support, "code", "OO", d.owner, object);
  if (found == nullptr) return -1;
  unsigned long long number = 0;
  int flags = 0;
  const int good = PyArg_ParseTuple(found, "Ki", &number, &flags);
  Py_DECREF(found);
  if (!good) return -1;
  *code = number;
  return give_floating_point("cast", static_cast<u8>(flags));
}

int code_from_integer(const Dtype& d, PyObject* object, u64* code) {
  int overflow = 0;
  const long long integer = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (integer == -1 && PyErr_Occurred()) return -1;
  if (overflow != 0) return code_from_anything(d, object, code);
  const i64 number = integer;
  return encode_one(d, Source::int64, &number, code);
}

// A scalar of NumPy or of ml_dtypes, or of another format. 1: it is none of these.
int code_from_numpy(const Dtype& d, PyObject* object, u64* code) {
  if (const Dtype* other = dtype_of_scalar_type(Py_TYPE(object))) {
    const double value = value_of(*other, code_of_scalar(object));
    return encode_one(d, Source::binary64, &value, code);
  }
  PyArray_Descr* descr = PyArray_DescrFromScalar(object);
  if (descr == nullptr) return -1;
  const ElementType* type = element_type(descr->type_num);
  const ValueDecoder* foreign = type == nullptr ? foreign_decoder(descr) : nullptr;
  const usize size = static_cast<usize>(descr->elsize);
  Py_DECREF(descr);
  if (type == nullptr && (foreign == nullptr || size > 8)) return 1;
  alignas(16) char bytes[32] = {};
  if (type != nullptr) {
    PyArray_ScalarAsCtype(object, bytes);
    return encode_one(d, type->source, bytes, code);
  }
  PyObject* array = PyArray_FromScalar(object, nullptr);
  if (array == nullptr) return -1;
  std::memcpy(bytes, PyArray_DATA(reinterpret_cast<PyArrayObject*>(array)), size);
  Py_DECREF(array);
  double value;
  decode(*foreign, foreign->code_bytes, bytes, 8, Value::binary64, reinterpret_cast<char*>(&value), 8, 1);
  return encode_one(d, Source::binary64, &value, code);
}

// An array without dimensions. Those of a subclass say themselves what they hold; what gives no element, as the masked
// one of numpy.ma, says what float it is.
int code_from_array(const Dtype& d, PyArrayObject* array, u64* code) {
  if (PyArray_NDIM(array) != 0) {
    PyErr_SetString(PyExc_ValueError, "setting an array element with a sequence");
    return -1;
  }
  PyObject* element = nullptr;
  if (PyArray_CheckExact(array)) {
    element = PyArray_ToScalar(PyArray_DATA(array), array);
  } else {
    PyObject* object = reinterpret_cast<PyObject*>(array);
    PyObject* nowhere = PyTuple_New(0);
    element = nowhere != nullptr ? PyObject_GetItem(object, nowhere) : nullptr;
    Py_XDECREF(nowhere);
    if (element != nullptr && PyArray_Check(element)) Py_SETREF(element, PyNumber_Float(object));
  }
  if (element == nullptr) return -1;
  int status = -1;
  if (PyArray_Check(element)) {
    PyErr_SetString(PyExc_TypeError, "an element cannot be an array");
  } else {
    status = code_from_object(d, element, code);
  }
  Py_DECREF(element);
  return status;
}

}  // namespace

int code_from_object(const Dtype& d, PyObject* object, u64* code) {
  if (Py_TYPE(object) == d.scalar_type) {
    *code = code_of_scalar(object) & d.decoder.code_mask;
    return 0;
  }
  if (PyFloat_Check(object)) {
    const double value = PyFloat_AS_DOUBLE(object);
    return encode_one(d, Source::binary64, &value, code);
  }
  if (PyLong_CheckExact(object) || PyBool_Check(object)) return code_from_integer(d, object, code);
  if (PyArray_Check(object)) return code_from_array(d, reinterpret_cast<PyArrayObject*>(object), code);
  if (PyArray_IsScalar(object, Generic)) {
    const int status = code_from_numpy(d, object, code);
    if (status <= 0) return status;
  }
  return code_from_anything(d, object, code);
}

PyObject* text_of_code(const Dtype& d, u64 code) {
  const UsualEnvironment environment;
  return PyObject_CallMethod(d.support, "text", "OK", d.owner, static_cast<unsigned long long>(code));
}

int code_from_text(const Dtype& d, PyObject* text, u64* code) { return code_from_anything(d, text, code); }

}  // namespace halfulp::numpy
