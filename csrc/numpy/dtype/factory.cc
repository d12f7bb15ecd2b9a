// Making a DType class at run time: one per format, all with the same functions.
#include <array>
#include <cmath>
#include <mutex>
#include <string>
#include <unordered_map>

#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

// Whose number no dtype of NumPy's has, and which lies beyond the last that it looks up in tables: einsum then says
// that it cannot, where with -1 it would read before the table.
constexpr int unused_type_num = 4000;

// Written with the lock held that Python's interning has; read by everyone.
std::mutex guard;
std::unordered_map<PyTypeObject*, Dtype*>& by_scalar_type() {
  static std::unordered_map<PyTypeObject*, Dtype*> map;
  return map;
}
std::vector<Dtype*>& all() {
  static std::vector<Dtype*> made;
  return made;
}

Dtype& of_class(PyArray_DTypeMeta* meta) { return *reinterpret_cast<Dtype*>(meta); }

PyArray_Descr* new_reference(PyArray_Descr* descr) {
  Py_XINCREF(reinterpret_cast<PyObject*>(descr));
  return descr;
}

// -- slots

PyArray_Descr* ensure_canonical(PyArray_Descr* descr) { return new_reference(descr); }
PyArray_Descr* default_descr(PyArray_DTypeMeta* meta) { return new_reference(of_class(meta).descr); }
PyArray_Descr* discover(PyArray_DTypeMeta* meta, PyObject*) { return new_reference(of_class(meta).descr); }

int set_item(PyArray_Descr* descr, PyObject* object, char* to) {
  const Dtype& d = dtype_of(descr);
  u64 code = 0;
  if (code_from_object(d, object, &code) < 0) return -1;
  store_code(d, code, to);
  return 0;
}

// What .item(), .tolist() and .astype(object) give: Python's float, which every value is.
PyObject* get_item(PyArray_Descr* descr, char* from) {
  const Dtype& d = dtype_of(descr);
  return PyFloat_FromDouble(value_of(d, load_code(d, from)));
}

int constant_value(const Dtype& d, int id, double* value) {
  const Format& f = d.format;
  switch (id) {
    case NPY_CONSTANT_zero: return *value = 0, f.has_zero;
    case NPY_CONSTANT_one: return *value = 1, 1;
    case NPY_CONSTANT_maximum_finite: return *value = value_of(d, f.max_magnitude()), 1;
    case NPY_CONSTANT_minimum_finite:
      *value = !f.is_signed     ? value_of(d, 0)
               : f.is_integer() ? value_of(d, f.sign_bit())
                                : -value_of(d, f.max_magnitude());
      return 1;
    case NPY_CONSTANT_inf: return *value = HUGE_VAL, f.has_inf();
    case NPY_CONSTANT_ninf: return *value = -HUGE_VAL, f.has_inf() && f.is_signed;
    case NPY_CONSTANT_nan: return *value = std::nan(""), f.has_nan();
    case NPY_CONSTANT_finfo_radix: return *value = 2, 1;
    case NPY_CONSTANT_finfo_eps: return *value = std::ldexp(1.0, f.place_exponent(0)), 1;
    case NPY_CONSTANT_finfo_smallest_normal: return *value = std::ldexp(1.0, f.min_normal_exponent()), 1;
    case NPY_CONSTANT_finfo_smallest_subnormal: return *value = value_of(d, f.has_zero ? 1 : 0), 1;
    default: return 0;
  }
}

// Numbers a format may lack are said to be unavailable rather than rounded.
int get_constant(PyArray_Descr* descr, int id, void* to) {
  const UsualEnvironment environment;
  const Dtype& d = dtype_of(descr);
  const Format& f = d.format;
  npy_intp integer = 0;
  switch (id) {
    case NPY_CONSTANT_finfo_nmant: integer = f.mantissa_bits; break;
    case NPY_CONSTANT_finfo_min_exp: integer = f.min_normal_exponent(); break;
    case NPY_CONSTANT_finfo_max_exp: integer = f.emax() + 1; break;
    case NPY_CONSTANT_finfo_decimal_digits: {
      // Printing keeps so many digits at most: fewer than three would show nothing of a number.
      const int digits = static_cast<int>((f.precision() - 1) * 0.30103);
      integer = digits > 3 ? digits : 3;
      break;
    }
    default: {
      double value = 0;
      const int found = constant_value(d, id, &value);
      u64 code = 0;
      encode_checked(d.encoding, Source::binary64, reinterpret_cast<const char*>(&value), 8,
                     reinterpret_cast<char*>(&code), 8, 1, 1);
      if (found == 0 || (!std::isnan(value) && value_of(d, code) != value)) return 0;
      store_code(d, code, to);
      return 1;
    }
  }
  std::memcpy(to, &integer, sizeof integer);
  return 1;
}

// -- the instance as a Python object

PyObject* type_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  Dtype* d = dtype_of_class(reinterpret_cast<PyArray_DTypeMeta*>(type));
  if (d == nullptr) {
    PyErr_SetString(PyExc_TypeError, "take the dtype of a format, as in halfulp.bfloat16.dtype");
    return nullptr;
  }
  if ((args != nullptr && PyTuple_GET_SIZE(args) != 0) || (keywords != nullptr && PyDict_GET_SIZE(keywords) != 0)) {
    PyErr_Format(PyExc_TypeError, "the dtype %s takes no arguments", d->text);
    return nullptr;
  }
  return reinterpret_cast<PyObject*>(new_reference(d->descr));
}

const Dtype& self_of(PyObject* self) { return dtype_of(reinterpret_cast<PyArray_Descr*>(self)); }

PyObject* type_repr(PyObject* self) {
  const Dtype& d = self_of(self);
  const bool named = std::strchr(d.text, ':') == nullptr;
  return named ? PyUnicode_FromFormat("halfulp.%s", d.text) : PyUnicode_FromFormat("halfulp.Format('%s')", d.text);
}

PyObject* type_str(PyObject* self) { return PyUnicode_FromFormat("halfulp.%s", self_of(self).text); }

PyObject* get_name(PyObject* self, void*) { return PyObject_GetAttrString(self_of(self).owner, "name"); }
PyObject* get_format(PyObject* self, void*) { return Py_NewRef(self_of(self).owner); }

PyObject* reduce(PyObject* self, PyObject*) {
  const Dtype& d = self_of(self);
  PyObject* function = PyObject_GetAttrString(d.support, "dtype_from_text");
  return function != nullptr ? Py_BuildValue("N(s)", function, d.text) : nullptr;
}

PyObject* copied(PyObject* self, PyObject*) { return Py_NewRef(self); }

// Codes are in the machine's order, always. (Bytes that are not: x.view(np.uint16).byteswap().)
PyObject* new_byte_order(PyObject* self, PyObject* args) {
  const char* order = "S";
  if (!PyArg_ParseTuple(args, "|s:newbyteorder", &order)) return nullptr;
  const Dtype& d = self_of(self);
  if (d.size() == 1 || std::strchr("=|<NnIiLl", order[0]) != nullptr) return Py_NewRef(self);
  PyErr_Format(PyExc_TypeError,
               "%s: there is no dtype of the other byte order; swap the codes, as in "
               "x.view(np.uint%d).byteswap().view(x.dtype)",
               d.text, static_cast<int>(8 * d.size()));
  return nullptr;
}

char name_doc[] = "The format's name.";
char format_doc[] = "The format.";
PyGetSetDef getset[] = {
    {"name", get_name, nullptr, name_doc, nullptr},
    {"format", get_format, nullptr, format_doc, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__reduce_ex__", reduce, METH_O, nullptr},
    {"newbyteorder", new_byte_order, METH_VARARGS, nullptr},
    {"__copy__", copied, METH_NOARGS, nullptr},
    {"__deepcopy__", copied, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

// -- classes

std::vector<PyType_Slot> slots(usize size) {
  std::vector<PyType_Slot> made = {
      {NPY_DT_ensure_canonical, slot(ensure_canonical)},
      {NPY_DT_default_descr, slot(default_descr)},
      {NPY_DT_discover_descr_from_pyobject, slot(discover)},
      {NPY_DT_common_dtype, slot(common_dtype)},
      {NPY_DT_setitem, slot(set_item)},
      {NPY_DT_getitem, slot(get_item)},
      {NPY_DT_get_constant, slot(get_constant)},
  };
  for (const PyType_Slot* more : {array_functions(size), order_functions(size)}) {
    for (; more->slot != 0; ++more) made.push_back(*more);
  }
  made.push_back({0, nullptr});
  return made;
}

// A class object of NumPy's metaclass; not a heap type, as NumPy demands of its users.
int ready(PyArray_DTypeMeta* meta, const char* name, PyTypeObject* parent) {
  PyTypeObject* type = &meta->super.ht_type;
  Py_SET_REFCNT(reinterpret_cast<PyObject*>(type), 1);
  Py_SET_TYPE(reinterpret_cast<PyObject*>(type), &PyArrayDTypeMeta_Type);
  type->tp_name = name;
  type->tp_basicsize = sizeof(PyArray_Descr);
  type->tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
  type->tp_base = parent;
  type->tp_new = type_new;
  type->tp_repr = type_repr;
  type->tp_str = type_str;
  type->tp_getset = getset;
  type->tp_methods = methods;
  return PyType_Ready(type);
}

int refuse(PyArrayMethod_Context*, char* const*, npy_intp const*, npy_intp const*, NpyAuxData*) { return -1; }

PyArray_DTypeMeta base;

int register_base() {
  if (base.super.ht_type.tp_name != nullptr) return 0;
  PyTypeObject* scalar = scalar_base();
  if (scalar == nullptr || register_numbers() < 0 || ready(&base, "halfulp.DType", &PyArrayDescr_Type) < 0) return -1;
  Casts casts;
  casts.add_loop(nullptr, nullptr, NPY_NO_CASTING, refuse);
  casts.specs.push_back(nullptr);
  std::vector<PyType_Slot> all_slots = slots(1);
  PyArrayDTypeMeta_Spec spec{};
  spec.typeobj = scalar;
  spec.flags = (NPY_DT_ABSTRACT) | (NPY_DT_NUMERIC);
  spec.casts = casts.specs.data();
  spec.slots = all_slots.data();
  if (PyArrayInitDTypeMeta_FromSpec(&base, &spec) < 0) return -1;
  const std::vector<PyObject*>* ufuncs = numpy_ufuncs();
  PyObject* self = reinterpret_cast<PyObject*>(&base);
  return ufuncs == nullptr || add_promoters(*ufuncs, self) < 0 ? -1 : add_promoters_elsewhere(self);
}

char* copy_of(const std::string& text) {
  char* copy = new char[text.size() + 1];
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

int make_instance(Dtype& d) {
  PyObject* made = PyArrayDescr_Type.tp_new(&d.meta.super.ht_type, nullptr, nullptr);
  if (made == nullptr) return -1;
  auto* descr = reinterpret_cast<PyArray_Descr*>(made);
  PyDataType_SET_ELSIZE(descr, static_cast<npy_intp>(d.size()));
  descr->alignment = static_cast<npy_intp>(d.size());
  descr->kind = 'f';  // of integers too: where NumPy reads 'i' it counts or indexes with the elements as with its own
  descr->type = 'V';
  descr->byteorder = d.size() == 1 ? '|' : '=';
  descr->type_num = unused_type_num;
  // An element taken by its index is a scalar of the format, as those of NumPy's own types are; what get_item makes of
  // it is for Python's lists.
  descr->flags &= ~static_cast<npy_uint64>(NPY_USE_GETITEM);
  d.descr = descr;
  d.meta.singleton = new_reference(descr);
  set_sorts(d);
  return 0;
}

int register_class(Dtype& d) {
  Casts casts;
  add_number_casts(d, &casts);
  add_format_casts(d, all(), &casts);
  add_text_casts(d, &casts);
  casts.specs.push_back(nullptr);
  std::vector<PyType_Slot> all_slots = slots(d.size());
  PyArrayDTypeMeta_Spec spec{};
  spec.typeobj = d.scalar_type;
  spec.flags = NPY_DT_NUMERIC;
  spec.casts = casts.specs.data();
  spec.slots = all_slots.data();
  spec.baseclass = &base.super.ht_type;
  return PyArrayInitDTypeMeta_FromSpec(&d.meta, &spec);
}

}  // namespace

PyTypeObject* base_class() { return &base.super.ht_type; }

Dtype* dtype_of_class(PyArray_DTypeMeta* meta) {
  return meta->super.ht_type.tp_base == base_class() ? reinterpret_cast<Dtype*>(meta) : nullptr;
}

bool is_ours(PyArray_Descr* descr) { return Py_TYPE(descr)->tp_base == base_class(); }

Dtype* dtype_of_scalar_type(PyTypeObject* type) {
  const std::lock_guard<std::mutex> lock(guard);
  const auto found = by_scalar_type().find(type);
  return found != by_scalar_type().end() ? found->second : nullptr;
}

PyObject* make_dtype(const Format& format, PyObject* owner, const char* text, PyObject* scalar_type,
                     PyObject* support) {
  if (register_base() < 0) return nullptr;
  auto* d = new Dtype{};  // never freed
  d->format = format;
  d->encoding = make_encoding(format);
  d->decoder = make_value_decoder(format);
  d->order = make_order(format);
  d->owner = Py_NewRef(owner);
  d->support = Py_NewRef(support);
  d->scalar_type = reinterpret_cast<PyTypeObject*>(Py_NewRef(scalar_type));
  d->text = copy_of(text);
  if (ready(&d->meta, copy_of(std::string("halfulp.DType[") + text + "]"), base_class()) < 0) return nullptr;
  if (register_class(*d) < 0 || make_instance(*d) < 0) return nullptr;
  {
    const std::lock_guard<std::mutex> lock(guard);
    by_scalar_type()[d->scalar_type] = d;
  }
  all().push_back(d);
  if (add_loops(*d) < 0) return nullptr;
  return reinterpret_cast<PyObject*>(new_reference(d->descr));
}

}  // namespace halfulp::numpy
