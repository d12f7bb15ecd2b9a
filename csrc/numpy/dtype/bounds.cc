// Python numbers beyond a format's range beside arrays of it: comparisons, extrema and neighbours take them as they
// are. Comparisons also those that would become zero.
//
// NumPy casts a Python number to the dtype that a loop has in its place. These loops have one of their own there, which
// holds any Python number; so the loop itself sees whether rounding it to the format raises something.
#include <cfloat>

#include "math.hpp"

namespace halfulp::numpy {
namespace {

constexpr const char* bounded[] = {"minimum", "maximum",   "fmin", "fmax",       "clip",    "nextafter",
                                   "equal",   "not_equal", "less", "less_equal", "greater", "greater_equal"};
constexpr int first_comparison = 6;

int index_of(const char* ufunc) {
  int index = 0;
  for (const char* name : bounded) {
    if (std::strcmp(ufunc, name) == 0) return index;
    ++index;
  }
  return -1;
}

// What an element of that dtype holds: an integer as it is, or the bits of a double; one rounded to odd where there is
// none for an integer, and the largest of all where binary64 ends. (No format has that one that is not NumPy's own.)
struct Number {
  u64 bits;
  u64 is_integer;
};

double as_double(u64 bits) {
  double value;
  std::memcpy(&value, &bits, 8);
  return value;
}

u64 bits_of(double value) {
  u64 bits;
  std::memcpy(&bits, &value, 8);
  return bits;
}

PyArray_DTypeMeta number_class;
PyArray_Descr* number_descr;
PyArray_Descr* double_descr;
PyTypeObject number_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

// Of the two doubles around an integer that is neither, the odd one.
int round_to_odd(PyObject* integer, double nearest, u64* bits) {
  *bits = bits_of(nearest);
  if ((*bits & 1) != 0) return 0;
  PyObject* back = PyLong_FromDouble(nearest);
  if (back == nullptr) return -1;
  const int below = PyObject_RichCompareBool(back, integer, Py_LT);
  const int above = below == 0 ? PyObject_RichCompareBool(back, integer, Py_GT) : 0;
  Py_DECREF(back);
  if (below < 0 || above < 0) return -1;
  if (below != 0 || above != 0) *bits += (below != 0) == (nearest > 0) ? 1 : ~u64{0};
  return 0;
}

int set_integer(PyObject* object, Number* number) {
  int overflow = 0;
  const i64 small = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow == 0) {
    *number = {static_cast<u64>(small), 1};
    return small == -1 && PyErr_Occurred() ? -1 : 0;
  }
  const double nearest = PyLong_AsDouble(object);
  number->is_integer = 0;
  if (!PyErr_Occurred()) return round_to_odd(object, nearest, &number->bits);
  PyErr_Clear();
  number->bits = bits_of(overflow > 0 ? DBL_MAX : -DBL_MAX);
  return 0;
}

int set_item(PyArray_Descr*, PyObject* object, char* to) {
  Number number{};
  if (PyLong_Check(object)) {
    if (set_integer(object, &number) < 0) return -1;
  } else {
    const double value = PyFloat_AsDouble(object);
    if (value == -1 && PyErr_Occurred()) return -1;
    number.bits = bits_of(value);
  }
  std::memcpy(to, &number, sizeof number);
  return 0;
}

PyObject* get_item(PyArray_Descr*, char* from) {
  Number number;
  std::memcpy(&number, from, sizeof number);
  if (number.is_integer != 0) return PyLong_FromLongLong(static_cast<i64>(number.bits));
  return PyFloat_FromDouble(as_double(number.bits));
}

PyArray_Descr* instance() { return reinterpret_cast<PyArray_Descr*>(Py_NewRef(number_descr)); }
PyArray_Descr* ensure_canonical(PyArray_Descr*) { return instance(); }
PyArray_Descr* default_descr(PyArray_DTypeMeta*) { return instance(); }
PyArray_Descr* discover(PyArray_DTypeMeta*, PyObject*) { return instance(); }

// With this NumPy sets the element from the Python number itself.
PyArray_DTypeMeta* common_with(PyArray_DTypeMeta* self, PyArray_DTypeMeta* other) {
  const bool python = other == &PyArray_PyLongDType || other == &PyArray_PyFloatDType;
  return reinterpret_cast<PyArray_DTypeMeta*>(
      Py_NewRef(python ? reinterpret_cast<PyObject*>(self) : Py_NotImplemented));
}

// -- casts, which NumPy only asks for

template <bool is_integer>
int from_word(PyArrayMethod_Context*, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
              NpyAuxData*) {
  for (npy_intp i = 0; i < dimensions[0]; ++i) {
    Number number{0, is_integer};
    std::memcpy(&number.bits, data[0] + i * strides[0], 8);
    std::memcpy(data[1] + i * strides[1], &number, sizeof number);
  }
  return 0;
}

int copy(PyArrayMethod_Context*, char* const* data, npy_intp const* dimensions, npy_intp const* strides, NpyAuxData*) {
  for (npy_intp i = 0; i < dimensions[0]; ++i) {
    std::memmove(data[1] + i * strides[1], data[0] + i * strides[0], sizeof(Number));
  }
  return 0;
}

PyArray_DTypeMeta* class_of(int type_num) {
  PyArray_Descr* descr = PyArray_DescrFromType(type_num);
  PyArray_DTypeMeta* meta = NPY_DTYPE(descr);  // builtin classes live forever
  Py_DECREF(descr);
  return meta;
}

// -- loops

// What stands for a Python number in the loop that does the work: a code if it is within the range, else a double.
struct Bound {
  u64 bits;
  bool beyond;
};

Bound bound_of(const Dtype& d, const char* from, bool compares) {
  Number number;
  std::memcpy(&number, from, sizeof number);
  const bool is_integer = number.is_integer != 0;
  u64 code = 0;
  const u8 flags =
      encode_checked(d.encoding, is_integer ? Source::int64 : Source::binary64,
                     reinterpret_cast<const char*>(&number.bits), 8, reinterpret_cast<char*>(&code), 8, 1, 1);
  const u64 bits = is_integer ? bits_of(static_cast<double>(static_cast<i64>(number.bits))) : number.bits;
  // Where there is no zero the range has a lower end, too, below which nothing is raised.
  const bool below = !d.format.has_zero && (bits & ~u64{0} >> 1) < bits_of(value_of(d, 0));
  const bool vanishes = compares && bits << 1 != 0 && is_zero(d.order, code);
  return flags == 0 && !below && !vanishes ? Bound{code, false} : Bound{bits, true};
}

bool is_number(PyArray_Descr* descr) { return Py_TYPE(descr) == &number_class.super.ht_type; }

int bounded_loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
                 NpyAuxData* auxiliary) {
  const auto* ufunc = reinterpret_cast<PyUFuncObject*>(context->caller);
  const int nin = ufunc->nin;
  Bound bounds[most_operands];
  char* columns[most_operands];
  npy_intp steps[most_operands];
  PyArray_Descr* descriptors[most_operands];
  const Dtype* d = nullptr;
  for (int i = 0; i < nin; ++i) {
    if (is_ours(context->descriptors[i])) d = &dtype_of(context->descriptors[i]);
  }
  bool beyond = false;
  for (int i = 0; i < ufunc->nargs; ++i) {
    columns[i] = data[i];
    steps[i] = strides[i];
    descriptors[i] = context->descriptors[i];
    if (!is_number(descriptors[i])) continue;
    bounds[i] = bound_of(*d, data[i], is_comparison(ufunc->name));  // one for all elements: it was a Python number
    beyond = beyond || bounds[i].beyond;
    columns[i] = reinterpret_cast<char*>(&bounds[i].bits);
    steps[i] = 0;
    descriptors[i] = bounds[i].beyond ? double_descr : d->descr;
  }
  PyArrayMethod_Context inner = *context;
  inner.descriptors = descriptors;
  PyArrayMethod_StridedLoop* loop = beyond ? math_loop(ufunc->name) : loop_for(ufunc->name, d->has_arithmetic());
  return loop(&inner, columns, dimensions, steps, auxiliary);
}

int add_loop(PyObject* ufunc, Dtype& d, unsigned numbers) {
  const auto* u = reinterpret_cast<PyUFuncObject*>(ufunc);
  std::vector<PyArray_DTypeMeta*> dtypes;
  for (int i = 0; i < u->nin; ++i) dtypes.push_back((numbers >> i & 1) != 0 ? &number_class : &d.meta);
  dtypes.push_back(is_comparison(u->name) ? class_of(NPY_BOOL) : &d.meta);
  PyType_Slot slots[] = {{NPY_METH_strided_loop, slot(in_usual_environment<bounded_loop>)},
                         {NPY_METH_unaligned_strided_loop, slot(in_usual_environment<bounded_loop>)},
                         {0, nullptr}};
  PyArrayMethod_Spec spec{};
  spec.name = "halfulp bounds";
  spec.nin = u->nin;
  spec.nout = u->nout;
  spec.casting = NPY_NO_CASTING;
  spec.flags = NPY_METH_SUPPORTS_UNALIGNED;
  spec.dtypes = dtypes.data();
  spec.slots = slots;
  return PyUFunc_AddLoopFromSpec(ufunc, &spec);
}

PyObject* class_new(PyTypeObject*, PyObject*, PyObject*) { return reinterpret_cast<PyObject*>(instance()); }
PyObject* class_text(PyObject*) { return PyUnicode_FromString("halfulp.Number"); }

int ready_classes() {
  number_type.tp_name = "halfulp.Number";
  number_type.tp_doc = "A Python number beside an array of a format.";
  number_type.tp_basicsize = sizeof(PyObject);
  number_type.tp_flags = Py_TPFLAGS_DEFAULT;
  if (PyType_Ready(&number_type) < 0) return -1;
  PyTypeObject* type = &number_class.super.ht_type;
  Py_SET_REFCNT(reinterpret_cast<PyObject*>(type), 1);
  Py_SET_TYPE(reinterpret_cast<PyObject*>(type), &PyArrayDTypeMeta_Type);
  type->tp_name = "halfulp.NumberDType";
  type->tp_basicsize = sizeof(PyArray_Descr);
  type->tp_flags = Py_TPFLAGS_DEFAULT;
  type->tp_base = &PyArrayDescr_Type;
  type->tp_new = class_new;
  type->tp_repr = class_text;
  type->tp_str = class_text;
  return PyType_Ready(type);
}

}  // namespace

int register_numbers() {
  if (ready_classes() < 0) return -1;
  Casts casts;
  casts.add_loop(&number_class, &number_class, NPY_NO_CASTING, copy);
  casts.add_loop(class_of(NPY_DOUBLE), &number_class, NPY_SAFE_CASTING, from_word<false>);
  for (const int type_num : {NPY_LONG, NPY_LONGLONG}) {
    if (class_of(type_num)->singleton->elsize != 8) continue;
    casts.add_loop(class_of(type_num), &number_class, NPY_SAFE_CASTING, from_word<true>);
  }
  casts.specs.push_back(nullptr);
  PyType_Slot slots[] = {
      {NPY_DT_ensure_canonical, slot(ensure_canonical)},
      {NPY_DT_default_descr, slot(default_descr)},
      {NPY_DT_discover_descr_from_pyobject, slot(discover)},
      {NPY_DT_common_dtype, slot(common_with)},
      {NPY_DT_setitem, slot(set_item)},
      {NPY_DT_getitem, slot(get_item)},
      {0, nullptr},
  };
  PyArrayDTypeMeta_Spec spec{};
  spec.typeobj = &number_type;
  spec.casts = casts.specs.data();
  spec.slots = slots;
  if (PyArrayInitDTypeMeta_FromSpec(&number_class, &spec) < 0) return -1;
  PyObject* made = PyArrayDescr_Type.tp_new(&number_class.super.ht_type, nullptr, nullptr);
  if (made == nullptr) return -1;
  double_descr = PyArray_DescrFromType(NPY_DOUBLE);
  number_descr = reinterpret_cast<PyArray_Descr*>(made);
  PyDataType_SET_ELSIZE(number_descr, static_cast<npy_intp>(sizeof(Number)));
  number_descr->alignment = alignof(Number);
  number_descr->kind = 'V';
  number_descr->type = 'V';
  number_descr->byteorder = '|';
  number_descr->type_num = -1;
  number_class.singleton = instance();
  return 0;
}

bool is_comparison(const char* ufunc) { return index_of(ufunc) >= first_comparison; }

PyArray_DTypeMeta* bound_class(const PyUFuncObject* ufunc, const PyArray_DTypeMeta* operand) {
  if (operand != &PyArray_PyLongDType && operand != &PyArray_PyFloatDType) return nullptr;
  return index_of(ufunc->name) >= 0 ? &number_class : nullptr;
}

int add_bounds(PyObject* ufunc, Dtype& d) {
  const auto* u = reinterpret_cast<PyUFuncObject*>(ufunc);
  const int index = index_of(u->name);
  if (index < 0 || (d.bounds.load() >> index & 1) != 0) return 0;
  for (unsigned numbers = 1; numbers < (1u << u->nin) - 1; ++numbers) {
    if (add_loop(ufunc, d, numbers) == 0) continue;
    // Another thread has been faster.
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
    PyErr_Clear();
  }
  d.bounds.fetch_or(1u << index);
  return 0;
}

}  // namespace halfulp::numpy
