// The loops of NumPy's ufuncs: those of IEEE 754 operations on codes, and all others by way of NumPy's own in binary64.
#include <array>
#include <initializer_list>
#include <utility>

#include "dtype.hpp"
#include "math.hpp"

namespace halfulp::numpy {
namespace {

// What is done in another way than element by element when all of an array becomes one.
enum class Reduction : u8 { none, sum, product, least, greatest };

// Ufuncs of NumPy that are operations on codes. With `twice` the only operand is both of the operation's. The magnitude
// of the lowest integer, which is the highest one, is silent as in NumPy's integers: printing asks for it.
struct Carried {
  const char* ufunc;
  const char* operation;
  Rounding to_integer;
  bool twice;
  Reduction reduction = Reduction::none;
  bool silent_in_integers = false;
};

constexpr Carried carried[operation_count] = {
    {"add", "add", {}, false, Reduction::sum},
    {"subtract", "subtract", {}, false},
    {"multiply", "multiply", {}, false, Reduction::product},
    {"divide", "divide", {}, false},
    {"fmod", "fmod", {}, false},
    {"sqrt", "sqrt", {}, false},
    {"square", "multiply", {}, true},
    {"negative", "negate", {}, false},
    {"positive", "copy", {}, false},
    {"absolute", "abs", {}, false, Reduction::none, true},
    {"fabs", "abs", {}, false, Reduction::none, true},
    {"conjugate", "copy", {}, false},
    {"copysign", "copysign", {}, false},
    {"minimum", "minimum", {}, false, Reduction::least},
    {"maximum", "maximum", {}, false, Reduction::greatest},
    {"fmin", "minimum_number", {}, false, Reduction::least},
    {"fmax", "maximum_number", {}, false, Reduction::greatest},
    {"rint", "round_to_integral", Rounding::nearest_even, false},
    {"floor", "round_to_integral", Rounding::toward_negative, false},
    {"ceil", "round_to_integral", Rounding::toward_positive, false},
    {"trunc", "round_to_integral", Rounding::toward_zero, false},
    {"ldexp", "scaleb", {}, false},
    {"equal", "equal", {}, false},
    {"not_equal", "not_equal", {}, false},
    {"less", "less", {}, false},
    {"less_equal", "less_equal", {}, false},
    {"greater", "greater", {}, false},
    {"greater_equal", "greater_equal", {}, false},
    {"isnan", "is_nan", {}, false},
    {"isinf", "is_infinite", {}, false},
    {"isfinite", "is_finite", {}, false},
    {"signbit", "is_sign_minus", {}, false},
};

const NamedOperator& named(const char* name) {
  for (const NamedOperator& o : operators) {
    if (std::strcmp(o.name, name) == 0) return o;
  }
  return operators[0];
}

Columns columns(PyArrayMethod_Context* context, char* const* data, npy_intp const* strides, bool twice) {
  const auto* ufunc = reinterpret_cast<PyUFuncObject*>(context->caller);
  Columns c{};
  const auto column = [&](int i) {
    return Column{data[i], strides[i], static_cast<int>(context->descriptors[i]->elsize),
                  !is_ours(context->descriptors[i])};
  };
  c.operands = twice ? 2 : ufunc->nin;
  c.results = 1;
  for (int i = 0; i < c.operands; ++i) c.in[i] = column(twice ? 0 : i);
  c.out[0] = column(ufunc->nin);
  return c;
}

// add.reduce and multiply.reduce into the format itself (with out= or dtype=): one accumulator in binary64 for as much
// as NumPy hands over at once, and one rounding.
bool is_reduction(char* const* data, npy_intp const* strides) {
  return strides[0] == 0 && strides[2] == 0 && data[0] == data[2];
}

u8 reduce(const Dtype& d, bool product, char* const* data, npy_intp n, npy_intp stride) {
  double total = value_of(d, load_code(d, data[0]));
  for (npy_intp i = 0; i < n; ++i) {
    const double x = value_of(d, load_code(d, data[1] + i * stride));
    total = product ? total * x : total + x;
  }
  return encode_checked(d.encoding, Source::binary64, reinterpret_cast<const char*>(&total), 8, data[0], 8, 1, 1);
}

// Some elements of a call, none of which needs the result of another.
u8 operate_part(PyArrayMethod_Context* context, int index, const ArrayOperation& o, char* const* data,
                npy_intp const* strides, usize n) {
  const Columns c = columns(context, data, strides, carried[index].twice);
  return operate_on_codes(dtype_of(context->descriptors[0]), o, c, n);
}

u8 operate_in_order(PyArrayMethod_Context* context, int index, const ArrayOperation& o, char* const* data,
                    npy_intp const* strides, usize n) {
  u8 flags = 0;
  each_independent(context, data, strides, n, [&](char* const* here, usize count) {
    flags |= operate_part(context, index, o, here, strides, count);
  });
  return flags;
}

// minimum.reduce and the like: of a block without NaN only the extremum counts.
u8 reduce_extrema(PyArrayMethod_Context* context, int index, const ArrayOperation& o, char* const* data,
                  npy_intp const* strides, usize n) {
  const Dtype& d = dtype_of(context->descriptors[0]);
  const bool greatest = carried[index].reduction == Reduction::greatest;
  u8 flags = 0;
  for (usize start = 0; start < n; start += extrema_at_once) {
    const usize count = n - start < extrema_at_once ? n - start : extrema_at_once;
    char* here[3] = {data[0], data[1] + static_cast<isize>(start) * strides[1], data[2]};
    u64 code = 0;
    if (!extremum(d, greatest, here[1], strides[1], count, &code)) {
      flags |= operate_in_order(context, index, o, here, strides, count);
      continue;
    }
    here[1] = reinterpret_cast<char*>(&code);
    flags |= operate_part(context, index, o, here, strides, 1);
  }
  return flags;
}

template <int index>
int carried_loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
                 NpyAuxData*) {
  const Dtype& d = dtype_of(context->descriptors[0]);
  constexpr Reduction reduction = carried[index].reduction;
  constexpr bool total = reduction == Reduction::sum || reduction == Reduction::product;
  const bool reduces = reduction != Reduction::none && is_reduction(data, strides);
  if (reduces && total) {
    raise_floating_point(reduce(d, reduction == Reduction::product, data, dimensions[0], strides[1]));
    return 0;
  }
  const ArrayOperation& o = operation(d, index);
  const usize n = static_cast<usize>(dimensions[0]);
  const u8 flags = reduces ? reduce_extrema(context, index, o, data, strides, n)
                           : operate_in_order(context, index, o, data, strides, n);
  if (!is_silent(d, index)) raise_floating_point(flags);
  return 0;
}

template <int... indices>
constexpr std::array<PyArrayMethod_StridedLoop*, sizeof...(indices)> carried_loops(
    std::integer_sequence<int, indices...>) {
  return {in_usual_environment<carried_loop<indices>>...};
}
constexpr auto loops_of_carried = carried_loops(std::make_integer_sequence<int, operation_count>());

// -- identities of reductions

int initial(const Dtype& d, double value, void* to) {
  if (!d.format.has_zero && value == 0) return 0;
  encode_checked(d.encoding, Source::binary64, reinterpret_cast<const char*>(&value), 8, static_cast<char*>(to), 8, 1,
                 1);
  return 1;
}

int initial_of_sum(PyArrayMethod_Context* context, npy_bool empty, void* to) {
  const Dtype& d = dtype_of(context->descriptors[0]);
  return initial(d, empty || !d.format.has_negative_zero() ? 0.0 : -0.0, to);
}

int initial_of_product(PyArrayMethod_Context* context, npy_bool, void* to) {
  return initial(dtype_of(context->descriptors[0]), 1.0, to);
}

// -- registration

bool is_one_of(const char* name, std::initializer_list<const char*> names) {
  for (const char* each : names) {
    if (std::strcmp(each, name) == 0) return true;
  }
  return false;
}

// `types`: one of the ufunc's own signatures, whose doubles are replaced by the format.
int add_loop(PyObject* ufunc, Dtype& d, const char* types) {
  const auto* u = reinterpret_cast<PyUFuncObject*>(ufunc);
  std::vector<PyArray_DTypeMeta*> dtypes;
  for (int i = 0; i < u->nargs; ++i) {
    if (types[i] == NPY_DOUBLE) {
      dtypes.push_back(&d.meta);
      continue;
    }
    PyArray_Descr* descr = PyArray_DescrFromType(types[i]);
    if (descr == nullptr) return -1;
    dtypes.push_back(NPY_DTYPE(descr));  // builtin classes live forever
    Py_DECREF(descr);
  }
  PyArrayMethod_StridedLoop* bits = bits_loop(d, u->name);
  PyArrayMethod_StridedLoop* loop = bits != nullptr ? bits : loop_for(u->name, d.has_arithmetic());
  std::vector<PyType_Slot> slots = {{NPY_METH_strided_loop, slot(loop)}, {NPY_METH_unaligned_strided_loop, slot(loop)}};
  if (std::strcmp(u->name, "add") == 0) slots.push_back({NPY_METH_get_reduction_initial, slot(initial_of_sum)});
  if (std::strcmp(u->name, "multiply") == 0)
    slots.push_back({NPY_METH_get_reduction_initial, slot(initial_of_product)});
  slots.push_back({0, nullptr});
  int flags = NPY_METH_SUPPORTS_UNALIGNED;
  if (is_one_of(u->name, {"add", "multiply", "minimum", "maximum", "fmin", "fmax"})) flags |= NPY_METH_IS_REORDERABLE;
  if (bits != nullptr) flags |= NPY_METH_NO_FLOATINGPOINT_ERRORS;
  PyArrayMethod_Spec spec{};
  spec.name = "halfulp";
  spec.nin = u->nin;
  spec.nout = u->nout;
  spec.casting = NPY_NO_CASTING;
  spec.flags = static_cast<NPY_ARRAYMETHOD_FLAGS>(flags);
  spec.dtypes = dtypes.data();
  spec.slots = slots.data();
  return PyUFunc_AddLoopFromSpec(ufunc, &spec);
}

// Whether a signature takes doubles, and beside them nothing but integers.
bool takes_doubles(const char* types, int nin) {
  bool doubles = false;
  for (int i = 0; i < nin; ++i) {
    if (types[i] == NPY_DOUBLE) {
      doubles = true;
    } else if (i == 0 || !PyTypeNum_ISINTEGER(types[i])) {
      return false;
    }
  }
  return doubles;
}

bool has_doubles(const PyUFuncObject* u) {
  for (int i = 0; i < u->ntypes; ++i) {
    if (takes_doubles(u->types + i * u->nargs, u->nin)) return true;
  }
  return false;
}

int add_loops_to(PyObject* ufunc, Dtype& d) {
  const auto* u = reinterpret_cast<PyUFuncObject*>(ufunc);
  std::vector<std::vector<char>> added;
  for (int i = 0; i < u->ntypes; ++i) {
    const char* types = u->types + i * u->nargs;
    if (!takes_doubles(types, u->nin) || u->functions[i] == nullptr) continue;
    // Some are there twice: for machines with and without vectors.
    const std::vector<char> signature(types, types + u->nargs);
    bool known = false;
    for (const auto& other : added) known = known || other == signature;
    if (known) continue;
    added.push_back(signature);
    if (add_loop(ufunc, d, types) < 0) {
      if (!PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
      PyErr_Clear();  // another thread has just added it
    }
  }
  return 0;
}

}  // namespace

PyArrayMethod_StridedLoop* loop_for(const char* ufunc, bool has_arithmetic) {
  const int index = has_arithmetic ? carried_index(ufunc) : -1;
  return index >= 0 ? loops_of_carried[static_cast<usize>(index)] : math_loop(ufunc);
}

int carried_index(const char* ufunc) {
  for (int i = 0; i < operation_count; ++i) {
    if (std::strcmp(carried[i].ufunc, ufunc) == 0) return i;
  }
  return -1;
}

bool is_silent(const Dtype& d, int index) { return d.format.is_integer() && carried[index].silent_in_integers; }

const ArrayOperation& operation(const Dtype& d, int index) {
  std::atomic<const ArrayOperation*>& place = d.operations[index];
  if (const ArrayOperation* made = place.load(std::memory_order_acquire)) return *made;
  OperationParameters p{};
  for (Format& f : p.operands) f = d.format;
  p.result = d.format;
  NanRule nan = default_nan(d.format);
  nan.negative = nan.positive;
  p.policy = {Rounding::nearest_even, Overflow::standard, Subnormals::gradual, nan};
  p.nan = NanPropagation::canonical;
  p.tininess = Tininess::after;
  p.integer_rounding = carried[index].to_integer;
  p.integer_bits = 64;
  p.integer_signed = true;
  const auto* mine = new ArrayOperation(make_operation(named(carried[index].operation), p));
  const ArrayOperation* first = nullptr;
  if (place.compare_exchange_strong(first, mine)) return *mine;
  delete mine;
  return *first;
}

bool is_exact_in_doubles(const char* ufunc) {
  return is_comparison(ufunc) ||
         is_one_of(ufunc, {"absolute", "fabs", "negative", "positive", "isnan", "isinf", "isfinite", "signbit",
                           "minimum", "maximum", "fmin", "fmax", "clip", "logical_not", "nextafter", "spacing"});
}

// Every ufunc of numpy._core.umath with a loop of doubles, each once.
const std::vector<PyObject*>* numpy_ufuncs() {
  static std::vector<PyObject*> found;
  if (!found.empty()) return &found;
  PyObject* module = PyImport_ImportModule("numpy._core.umath");
  PyObject* names = module != nullptr ? PyObject_Dir(module) : nullptr;
  for (Py_ssize_t i = 0; names != nullptr && i < PyList_GET_SIZE(names); ++i) {
    PyObject* object = PyObject_GetAttr(module, PyList_GET_ITEM(names, i));
    if (object != nullptr && PyObject_TypeCheck(object, &PyUFunc_Type)) {
      bool known = false;
      for (PyObject* other : found) known = known || other == object;
      if (!known && has_doubles(reinterpret_cast<PyUFuncObject*>(object))) found.push_back(Py_NewRef(object));
    }
    Py_XDECREF(object);
    PyErr_Clear();
  }
  Py_XDECREF(names);
  Py_XDECREF(module);
  if (found.size() > most_ufuncs) {
    PyErr_SetString(PyExc_ImportError, "this NumPy has more ufuncs than halfulp knows");
    found.clear();
  }
  return names != nullptr && !found.empty() ? &found : nullptr;
}

int ensure_loops(PyObject* ufunc, Dtype& d) {
  const std::vector<PyObject*>* ufuncs = numpy_ufuncs();
  if (ufuncs == nullptr) return -1;
  const auto* u = reinterpret_cast<PyUFuncObject*>(ufunc);
  if (u->core_enabled != 0 || std::strcmp(u->name, "float_power") == 0) return 0;
  if (!d.has_arithmetic() && !is_exact_in_doubles(u->name)) return 0;
  if (leaves_format(u->name, d.format)) return 0;
  for (usize i = 0; i < ufuncs->size() && i < most_ufuncs; ++i) {
    if ((*ufuncs)[i] != ufunc) continue;
    if (!d.has_loops[i] && add_loops_to(ufunc, d) < 0) return -1;
    d.has_loops[i] = true;
  }
  return 0;
}

int add_loops(Dtype& d) {
  const std::vector<PyObject*>* ufuncs = numpy_ufuncs();
  if (ufuncs == nullptr) return -1;
  for (PyObject* ufunc : *ufuncs) {
#ifdef Py_GIL_DISABLED
    // All at once: a promoter that added one would do so beside others.
    if (ensure_loops(ufunc, d) < 0 || add_bounds(ufunc, d) < 0) return -1;
#else
    if (has_promoter(reinterpret_cast<PyUFuncObject*>(ufunc))) continue;
    if (ensure_loops(ufunc, d) < 0) return -1;
#endif
  }
  return 0;
}

}  // namespace halfulp::numpy
