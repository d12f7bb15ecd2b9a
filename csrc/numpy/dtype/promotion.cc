// Which dtype an operation on several dtypes is carried out in.
#include "../../halfulp/formats.hpp"
#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

PyArray_DTypeMeta* new_reference(PyArray_DTypeMeta* meta) {
  Py_XINCREF(reinterpret_cast<PyObject*>(meta));
  return meta;
}

PyArray_DTypeMeta* not_implemented() { return reinterpret_cast<PyArray_DTypeMeta*>(Py_NewRef(Py_NotImplemented)); }

PyArray_DTypeMeta* builtin(int type_num) {
  PyArray_Descr* descr = PyArray_DescrFromType(type_num);
  PyArray_DTypeMeta* meta = NPY_DTYPE(descr);  // builtin classes live forever
  Py_DECREF(descr);
  return new_reference(meta);
}

const Format& format_of_float(int type_num) {
  return format(type_num == NPY_HALF ? "float16" : type_num == NPY_FLOAT ? "float32" : "float64");
}

// The first of NumPy's floats that holds the format and what else is asked for. (The last one holds every format;
// 64-bit integers are rounded to it, as NumPy does.)
template <class Holds>
int float_for(const Format& f, const Holds& and_holds) {
  for (const int type_num : {NPY_HALF, NPY_FLOAT}) {
    if (is_held(f, type_num) && and_holds(format_of_float(type_num))) return type_num;
  }
  return NPY_DOUBLE;
}

int single_or_double(const Format& f) { return is_held(f, NPY_FLOAT) ? NPY_FLOAT : NPY_DOUBLE; }

// Formats of the same values, as one may have a name and the other none: which one wins.
bool is_first(const Dtype& a, const Dtype& b) {
  const bool named = std::strchr(a.text, ':') == nullptr;
  const bool other = std::strchr(b.text, ':') == nullptr;
  return named != other ? named : std::strcmp(a.text, b.text) < 0;
}

PyArray_DTypeMeta* with_format(Dtype& d, const Dtype& other) {
  const bool same = holds(d.format, other.format) && holds(other.format, d.format);
  if (same && is_first(other, d)) return not_implemented();
  if (holds(d.format, other.format)) return new_reference(&d.meta);
  if (holds(other.format, d.format)) return not_implemented();  // NumPy asks the other way round
  return builtin(float_for(d.format, [&](const Format& wide) { return holds(wide, other.format); }));
}

// The first of NumPy's integers that holds an integer format and another of them; -1 if none does.
int integer_for(const Format& f, int type_num) {
  for (const int wide : {NPY_SHORT, NPY_INT, NPY_LONGLONG}) {
    PyArray_Descr* descr = PyArray_DescrFromType(wide);
    PyArray_Descr* other = PyArray_DescrFromType(type_num);
    const bool both = is_held(f, wide) && PyArray_CanCastTypeTo(other, descr, NPY_SAFE_CASTING);
    Py_DECREF(descr);
    Py_DECREF(other);
    if (both) return wide;
  }
  return -1;
}

PyArray_DTypeMeta* with_builtin(Dtype& d, int type_num) {
  if (type_num == NPY_CFLOAT) return builtin(single_or_double(d.format) == NPY_FLOAT ? NPY_CFLOAT : NPY_CDOUBLE);
  if (type_num == NPY_CDOUBLE || type_num == NPY_CLONGDOUBLE || type_num == NPY_LONGDOUBLE) return builtin(type_num);
  if (element_type(type_num) == nullptr) return not_implemented();
  if (is_held(d.format, type_num)) return builtin(type_num);
  if (holds(d.format, type_num)) return new_reference(&d.meta);
  if (is_whole(d.format) && PyTypeNum_ISINTEGER(type_num)) {
    const int integer = integer_for(d.format, type_num);
    if (integer >= 0) return builtin(integer);
  }
  return builtin(float_for(d.format, [&](const Format& wide) { return holds(wide, type_num); }));
}

// -- promoters of ufuncs

// For ufuncs whose result is not of the format: products of matrices, and what NumPy does in double precision.
bool is_wide(const PyUFuncObject* ufunc) {
  return ufunc->core_enabled != 0 || std::strcmp(ufunc->name, "float_power") == 0;
}

PyArray_DTypeMeta* wide_type(const PyUFuncObject* ufunc, const Dtype& d) {
  const bool narrowest = ufunc->core_enabled != 0 || leaves_format(ufunc->name, d.format);
  return builtin(narrowest ? single_or_double(d.format) : static_cast<int>(NPY_DOUBLE));
}

// A type of NumPy's that the ufunc has a loop for: the first that holds all of the given one, as NumPy itself finds it
// for its integers in functions that are for floats. Takes a reference and gives one.
PyArray_DTypeMeta* with_loop(const PyUFuncObject* ufunc, PyArray_DTypeMeta* common) {
  if (element_type(common->type_num) == nullptr || ufunc->core_enabled != 0) return common;
  PyArray_Descr* given = PyArray_DescrFromType(common->type_num);
  int found = common->type_num;
  const bool quotient = std::strcmp(ufunc->name, "divide") == 0 && !PyTypeNum_ISFLOAT(found);
  if (quotient) found = NPY_DOUBLE;  // of small ones, too
  for (int row = 0; row < ufunc->ntypes && !quotient; ++row) {
    const char* types = ufunc->types + row * ufunc->nargs;
    bool same = true;
    for (int i = 1; i < ufunc->nin; ++i) same = same && types[i] == types[0];
    PyArray_Descr* descr = same ? PyArray_DescrFromType(types[0]) : nullptr;
    const bool holds_all = descr != nullptr && PyArray_CanCastTypeTo(given, descr, NPY_SAFE_CASTING);
    Py_XDECREF(descr);
    if (!holds_all) continue;
    found = types[0];
    break;
  }
  Py_DECREF(given);
  if (found == common->type_num) return common;
  Py_DECREF(reinterpret_cast<PyObject*>(common));
  return builtin(found);
}

// Comparisons of values that binary64 has: with types of other packages, whose values no dtype of ours need hold, and
// of integer formats with Python's floats, which float32 may not reach.
bool compares_in_doubles(const PyUFuncObject* ufunc, PyArray_DTypeMeta* const* given, npy_intp count) {
  if (!is_comparison(ufunc->name)) return false;
  for (npy_intp i = 0; i < count; ++i) {
    const Dtype* d = dtype_of_class(given[1 - i]);
    if (PyTypeNum_ISUSERDEF(given[i]->type_num)) return true;
    if (given[i] == &PyArray_PyFloatDType && d != nullptr && d->format.is_integer()) return true;
  }
  return false;
}

// Whether two integer formats, which float16 holds, are divided.
bool leaves_integers(const PyUFuncObject* ufunc, PyArray_DTypeMeta* const* given, npy_intp count) {
  bool all = count > 1;
  for (npy_intp i = 0; i < count; ++i) {
    const Dtype* d = dtype_of_class(given[i]);
    all = all && d != nullptr && leaves_format(ufunc->name, d->format) && is_held(d->format, NPY_HALF);
  }
  return all && std::strcmp(ufunc->name, "divide") == 0;
}

// Types of other packages have none in common with ours.
void explain_foreign(const PyUFuncObject* ufunc, PyArray_DTypeMeta* const* operands, npy_intp count) {
  for (npy_intp i = 0; i < count; ++i) {
    if (!PyTypeNum_ISUSERDEF(operands[i]->type_num)) continue;
    const char* type = operands[i]->scalar_type->tp_name;
    const char* dot = std::strrchr(type, '.');
    const char* name = dot != nullptr ? dot + 1 : type;
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError,
                 "%s: there is no common dtype of a format and %s; view that array as the same format here, as in "
                 "x.view(halfulp.%s.dtype), which copies nothing",
                 ufunc->name, type, name);
    return;
  }
}

// What all operands are cast to, as a new reference.
PyArray_DTypeMeta* common_type(const PyUFuncObject* ufunc, PyArray_DTypeMeta* const* operands,
                               PyArray_DTypeMeta* const* signature) {
  PyArray_DTypeMeta* given[NPY_MAXARGS];
  npy_intp count = 0;
  for (int i = 0; i < ufunc->nargs; ++i) {
    const bool predicate = i >= ufunc->nin && signature[i] != nullptr && signature[i]->type_num == NPY_BOOL;
    if (signature[i] != nullptr && !predicate) return new_reference(signature[i]);
  }
  for (int i = 0; i < ufunc->nin; ++i) {
    if (operands[i] != nullptr) given[count++] = operands[i];
  }
  if (count == 2 && compares_in_doubles(ufunc, given, count)) return builtin(NPY_DOUBLE);
  PyArray_DTypeMeta* common = PyArray_PromoteDTypeSequence(count, given);
  if (common == nullptr) explain_foreign(ufunc, given, count);
  const Dtype* d = common != nullptr ? dtype_of_class(common) : nullptr;
  if (common != nullptr && d == nullptr && leaves_integers(ufunc, given, count)) {
    Py_DECREF(reinterpret_cast<PyObject*>(common));
    return builtin(NPY_FLOAT);
  }
  if (d == nullptr) return common != nullptr ? with_loop(ufunc, common) : nullptr;
  if (is_wide(ufunc) || leaves_format(ufunc->name, d->format)) {
    Py_DECREF(reinterpret_cast<PyObject*>(common));
    return wide_type(ufunc, *d);
  }
  // Formats of more significant bits than arithmetic is for are float64 in it, and so are its results.
  if (!d->has_arithmetic() && !is_exact_in_doubles(ufunc->name)) {
    Py_DECREF(reinterpret_cast<PyObject*>(common));
    return builtin(NPY_DOUBLE);
  }
  return common;
}

// Sums and products of many numbers are wide, as NumPy's of narrow integers are. (In a reduction NumPy leaves
// the first operand open.)
PyArray_DTypeMeta* reduction_type(const PyUFuncObject* ufunc, PyArray_DTypeMeta* const* operands,
                                  PyArray_DTypeMeta* const* signature) {
  const bool accumulates = std::strcmp(ufunc->name, "add") == 0 || std::strcmp(ufunc->name, "multiply") == 0;
  if (!accumulates || operands[0] != nullptr || signature[0] != nullptr || signature[2] != nullptr) return nullptr;
  const Dtype* d = dtype_of_class(operands[1]);
  return d == nullptr ? nullptr : builtin(single_or_double(d->format));
}

// After a promotion that changes nothing NumPy does not look for a loop again, though there is one now. Where a result
// is open it gets the type that it will have, else it is opened.
void look_again(const PyUFuncObject* ufunc, PyArray_DTypeMeta* const* operands, PyArray_DTypeMeta** promoted) {
  const int last = ufunc->nargs - 1;
  if (operands[last] != nullptr) {
    Py_DECREF(reinterpret_cast<PyObject*>(promoted[last]));
    promoted[last] = nullptr;
    return;
  }
  for (int row = 0; row < ufunc->ntypes; ++row) {
    const char* types = ufunc->types + row * ufunc->nargs;
    if (types[0] != NPY_DOUBLE) continue;
    promoted[last] = types[last] == NPY_DOUBLE ? new_reference(operands[0]) : builtin(types[last]);
    return;
  }
}

int promote(PyObject* ufunc, PyArray_DTypeMeta* const operands[], PyArray_DTypeMeta* const signature[],
            PyArray_DTypeMeta* promoted[]) {
  const auto* u = reinterpret_cast<PyUFuncObject*>(ufunc);
  PyArray_DTypeMeta* common = reduction_type(u, operands, signature);
  if (common == nullptr) common = common_type(u, operands, signature);
  if (common == nullptr) return -1;
  Dtype* d = dtype_of_class(common);
  const auto is_bound = [&](int i) {
    return i < u->nin && signature[i] == nullptr && bound_class(u, operands[i]) != nullptr;
  };
  int status = d != nullptr ? ensure_loops(ufunc, *d) : 0;
  for (int i = 0; d != nullptr && i < u->nin && status == 0; ++i) {
    if (is_bound(i)) status = add_bounds(ufunc, *d);
  }
  bool changed = false;
  for (int i = 0; i < u->nargs && status == 0; ++i) {
    PyArray_DTypeMeta* own = signature[i] != nullptr ? signature[i] : i < u->nin ? common : operands[i];
    if (d != nullptr && is_bound(i)) own = bound_class(u, operands[i]);
    // Of objects there are two loops, and nothing else says which.
    const bool truth = i >= u->nin && own == nullptr && is_comparison(u->name);
    promoted[i] = truth ? builtin(NPY_BOOL) : new_reference(own);
    changed = changed || promoted[i] != operands[i];
  }
  if (status == 0 && !changed) look_again(u, operands, promoted);
  Py_DECREF(reinterpret_cast<PyObject*>(common));
  return status;
}

// ldexp: whatever the integers are, NumPy casts them to long.
int promote_ldexp(PyObject* ufunc, PyArray_DTypeMeta* const operands[], PyArray_DTypeMeta* const signature[],
                  PyArray_DTypeMeta* promoted[]) {
  Dtype* d = dtype_of_class(operands[0]);
  if (d != nullptr && ensure_loops(ufunc, *d) < 0) return -1;
  promoted[1] = builtin(NPY_LONG);
  if (d != nullptr && !d->has_arithmetic()) {
    promoted[0] = builtin(NPY_DOUBLE);
    promoted[2] = builtin(NPY_DOUBLE);
    return 0;
  }
  promoted[0] = new_reference(signature[0] != nullptr ? signature[0] : operands[0]);
  promoted[2] = new_reference(signature[2] != nullptr ? signature[2] : operands[2]);
  if (operands[1] == promoted[1]) look_again(reinterpret_cast<PyUFuncObject*>(ufunc), operands, promoted);
  return 0;
}

// Every combination of operands of which one at least is ours, most of ours first.
int add_promoters_to(PyObject* ufunc, PyObject* base) {
  const auto* u = reinterpret_cast<PyUFuncObject*>(ufunc);
  const bool integers = std::strcmp(u->name, "ldexp") == 0;
  for (unsigned ours = (1u << u->nin) - 1; ours > 0; --ours) {
    if (integers && ours != 1) continue;
    if (add_promoter(ufunc, base, ours, integers ? promote_ldexp : promote) < 0) return -1;
  }
  return 0;
}

}  // namespace

bool leaves_format(const char* ufunc, const Format& format) {
  if (std::strcmp(ufunc, "divide") == 0) return format.is_integer();
  return std::strcmp(ufunc, "frexp") == 0 && (format.is_integer() || format.emin() > -1);
}

PyArray_DTypeMeta* common_dtype(PyArray_DTypeMeta* self, PyArray_DTypeMeta* other) {
  Dtype* d = dtype_of_class(self);
  if (d == nullptr) return not_implemented();
  if (const Dtype* format = dtype_of_class(other)) return with_format(*d, *format);
  // As NumPy's integers beside a float become floats.
  if (other == &PyArray_PyFloatDType && d->format.is_integer()) return builtin(single_or_double(d->format));
  if (other == &PyArray_PyLongDType || other == &PyArray_PyFloatDType) return new_reference(self);
  if (other == &PyArray_PyComplexDType) return with_builtin(*d, NPY_CFLOAT);
  return with_builtin(*d, other->type_num);
}

int add_promoter(PyObject* ufunc, PyObject* base, unsigned ours, PyArrayMethod_PromoterFunction* function) {
  PyObject* capsule = PyCapsule_New(reinterpret_cast<void*>(function), "numpy._ufunc_promoter", nullptr);
  const int nargs = reinterpret_cast<PyUFuncObject*>(ufunc)->nargs;
  PyObject* tuple = PyTuple_New(nargs);
  int status = -1;
  if (capsule != nullptr && tuple != nullptr) {
    for (int i = 0; i < nargs; ++i) PyTuple_SET_ITEM(tuple, i, Py_NewRef((ours >> i & 1) != 0 ? base : Py_None));
    status = PyUFunc_AddPromoter(ufunc, tuple, capsule);
  }
  Py_XDECREF(tuple);
  Py_XDECREF(capsule);
  return status;
}

// The logical ones have a promoter of NumPy's own, beside which a second is an error.
bool has_promoter(const PyUFuncObject* ufunc) { return std::strncmp(ufunc->name, "logical_", 8) != 0; }

int add_promoters(const std::vector<PyObject*>& ufuncs, PyObject* base) {
  for (PyObject* ufunc : ufuncs) {
    if (!has_promoter(reinterpret_cast<PyUFuncObject*>(ufunc))) continue;
    if (add_promoters_to(ufunc, base) < 0) return -1;
  }
  return 0;
}

}  // namespace halfulp::numpy
