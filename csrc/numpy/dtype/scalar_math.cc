// Arithmetic and comparison of two scalars, straight from the definition; all other operands are left to NumPy.
#include "dtype.hpp"

#include <numpy/arrayscalars.h>

namespace halfulp::numpy {
namespace {

// The code of an operand: a scalar of this format, or a Python number that raises nothing on its way into it.
bool code_of_operand(const Dtype& d, PyObject* x, u64* code) {
  if (Py_TYPE(x) == d.scalar_type) {
    *code = code_of_scalar(x);
    return true;
  }
  *code = 0;
  Source source = Source::binary64;
  u64 bits = 0;
  if (PyFloat_CheckExact(x)) {
    if (d.format.is_integer()) return false;  // they become floats
    const double value = PyFloat_AS_DOUBLE(x);
    std::memcpy(&bits, &value, 8);
  } else if (PyLong_CheckExact(x)) {
    int overflow = 0;
    const i64 value = PyLong_AsLongLongAndOverflow(x, &overflow);
    if (overflow != 0) return false;
    source = Source::int64;
    std::memcpy(&bits, &value, 8);
  } else {
    return false;
  }
  return encode_checked(d.encoding, source, reinterpret_cast<const char*>(&bits), 8, reinterpret_cast<char*>(code), 8,
                        1, 1) == 0;
}

// The scalar of a result, or null with the exception that np.errstate makes of its flags.
PyObject* deliver(const Dtype& d, const char* ufunc, const Outcome& outcome) {
  if (outcome.flags != 0 && give_floating_point(ufunc, outcome.flags) < 0) return nullptr;
  return scalar_from_code(d, outcome.code);
}

const Dtype* format_of_operands(PyObject* a, PyObject* b) {
  const Dtype* d = dtype_of_scalar(a);
  if (d == nullptr) d = dtype_of_scalar(b);
  return d != nullptr && d->has_arithmetic() ? d : nullptr;
}

struct Add {
  static constexpr const char* ufunc = "add";
  static binaryfunc fallback() { return PyFloatingArrType_Type.tp_as_number->nb_add; }
};
struct Subtract {
  static constexpr const char* ufunc = "subtract";
  static binaryfunc fallback() { return PyFloatingArrType_Type.tp_as_number->nb_subtract; }
};
struct Multiply {
  static constexpr const char* ufunc = "multiply";
  static binaryfunc fallback() { return PyFloatingArrType_Type.tp_as_number->nb_multiply; }
};
struct Divide {
  static constexpr const char* ufunc = "divide";
  static binaryfunc fallback() { return PyFloatingArrType_Type.tp_as_number->nb_true_divide; }
};
struct Negative {
  static constexpr const char* ufunc = "negative";
  static unaryfunc fallback() { return PyFloatingArrType_Type.tp_as_number->nb_negative; }
};
struct Absolute {
  static constexpr const char* ufunc = "absolute";
  static unaryfunc fallback() { return PyFloatingArrType_Type.tp_as_number->nb_absolute; }
};

// Whether the second operand asks to be asked. NumPy's own operators find that out for operators of their own only.
bool gives_way(PyObject* a, PyObject* b) {
  if (dtype_of_scalar(a) == nullptr || PyType_IsSubtype(Py_TYPE(b), Py_TYPE(a))) return false;
  if (PyObject* own = PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(b)), "__array_ufunc__")) {
    Py_DECREF(own);
    return own == Py_None;
  }
  PyErr_Clear();
  return PyArray_GetPriority(a, NPY_SCALAR_PRIORITY) < PyArray_GetPriority(b, NPY_SCALAR_PRIORITY);
}

template <class Op>
PyObject* binary(PyObject* a, PyObject* b) {
  static const int index = carried_index(Op::ufunc);
  const Dtype* d = format_of_operands(a, b);
  u64 codes[3] = {};
  if (d == nullptr || (d->format.is_integer() && leaves_format(Op::ufunc, d->format)) ||
      !code_of_operand(*d, a, &codes[0]) || !code_of_operand(*d, b, &codes[1])) {
    return gives_way(a, b) ? Py_NewRef(Py_NotImplemented) : Op::fallback()(a, b);
  }
  return deliver(*d, Op::ufunc, apply(operation(*d, index).definition, codes, nullptr));
}

template <class Op>
PyObject* unary(PyObject* a) {
  static const int index = carried_index(Op::ufunc);
  const Dtype* d = format_of_operands(a, a);
  if (d == nullptr) return Op::fallback()(a);
  const u64 codes[3] = {code_of_scalar(a)};
  Outcome outcome = apply(operation(*d, index).definition, codes, nullptr);
  if (is_silent(*d, index)) outcome.flags = 0;
  return deliver(*d, Op::ufunc, outcome);
}

// Keys order numbers as their values do; NaN is left to the ufunc, as it may raise something.
PyObject* compare(PyObject* a, PyObject* b, int op) {
  const Dtype* d = Py_TYPE(a) == Py_TYPE(b) ? dtype_of_scalar(a) : nullptr;
  if (d == nullptr || !d->has_arithmetic()) return PyGenericArrType_Type.tp_richcompare(a, b, op);
  const u64 x = key(d->order, code_of_scalar(a));
  const u64 y = key(d->order, code_of_scalar(b));
  if (d->order.has_nan && (x == d->order.code_mask || y == d->order.code_mask)) {
    return PyGenericArrType_Type.tp_richcompare(a, b, op);
  }
  bool holds = false;
  switch (op) {
    case Py_LT: holds = x < y; break;
    case Py_LE: holds = x <= y; break;
    case Py_EQ: holds = x == y; break;
    case Py_NE: holds = x != y; break;
    case Py_GT: holds = x > y; break;
    default: holds = x >= y;
  }
  return Py_NewRef(PyArrayScalar_FromLong(holds ? 1 : 0));
}

}  // namespace

void add_scalar_math(PyTypeObject* type) {
  PyNumberMethods* numbers = type->tp_as_number;
  numbers->nb_add = binary<Add>;
  numbers->nb_subtract = binary<Subtract>;
  numbers->nb_multiply = binary<Multiply>;
  numbers->nb_true_divide = binary<Divide>;
  numbers->nb_negative = unary<Negative>;
  numbers->nb_absolute = unary<Absolute>;
  type->tp_richcompare = compare;
}

}  // namespace halfulp::numpy
