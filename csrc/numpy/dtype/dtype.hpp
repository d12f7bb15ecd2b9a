// A format as a NumPy dtype: one DType class per format, made at run time, whose functions are shared by all of them.
#pragma once

#include <atomic>
#include <cstring>
#include <vector>

#include "../../halfulp/settle.hpp"
#include "../../simd/operate.hpp"
#include "../environment.hpp"
#include "../operations.hpp"
#include "../types.hpp"
#include "order.hpp"

namespace halfulp::numpy {

// Everything that encodes into one type and tells what it raises: a format's, or NumPy's own floats.
struct Encoding {
  Encoder encoder;
  Result result;
  bool has_inf;
  bool has_nan;
  bool is_signed;
  bool is_integer;
  u8 beyond;    // what a finite number raises that is too large,
  u8 below;     // one that is too low,
  u8 raisable;  // and any number
  // Unless `watches` is false, whatever raises something gets one of these codes.
  Watch watch;
  bool watches;
  // The largest finite magnitude, toward zero, in the types that sources have.
  u16 largest16;
  u32 largest32;
  u64 largest64;
  i64 largest_integer;
};

// How many ufuncs are carried out by `operate`.
inline constexpr int operation_count = 32;

// At least as many as numpy_ufuncs() has.
inline constexpr usize most_ufuncs = 160;

// A DType class and what its functions read. The class comes first: a pointer to one is a pointer to the other. Never
// freed, as NumPy keeps pointers to classes.
struct Dtype {
  PyArray_DTypeMeta meta;
  Format format;
  Encoding encoding;
  ValueDecoder decoder;
  Order order;
  PyArray_Descr* descr;  // the only instance
  PyTypeObject* scalar_type;
  PyObject* owner;    // the Format of Python
  PyObject* support;  // module halfulp._scalar
  char* text;
  mutable std::atomic<const ArrayOperation*> operations[operation_count];  // each made on its first use
  std::atomic<unsigned> bounds;              // the ufuncs whose loops for Python numbers are there
  std::atomic<bool> has_loops[most_ufuncs];  // of numpy_ufuncs(): those used so far

  usize size() const { return static_cast<usize>(decoder.code_bytes); }
  bool has_arithmetic() const { return format.precision() <= max_precision_of_operands; }
};

// What a slot of NumPy's holds.
template <class Function>
void* slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

// factory.cc
PyTypeObject* base_class();                      // all our classes are subclasses of it
Dtype* dtype_of_class(PyArray_DTypeMeta* meta);  // null for others
Dtype* dtype_of_scalar_type(PyTypeObject* type);
inline Dtype& dtype_of(PyArray_Descr* descr) { return *reinterpret_cast<Dtype*>(Py_TYPE(descr)); }
bool is_ours(PyArray_Descr* descr);
// A new DType class; its instance as a new reference, or null with an exception set.
PyObject* make_dtype(const Format& format, PyObject* owner, const char* text, PyObject* scalar_type, PyObject* support);

// -- codes in memory, little-endian as all machines of ours

inline u64 load_code(const Dtype& d, const void* from) {
  u64 code = 0;
  switch (d.decoder.code_bytes) {  // a size known to the compiler is one instruction
    case 1: std::memcpy(&code, from, 1); break;
    case 2: std::memcpy(&code, from, 2); break;
    case 4: std::memcpy(&code, from, 4); break;
    default: std::memcpy(&code, from, 8);
  }
  return code & d.decoder.code_mask;
}
inline void store_code(const Dtype& d, u64 code, void* to) { std::memcpy(to, &code, d.size()); }
inline double value_of(const Dtype& d, u64 code) {
  const u64 bits = decode(Wide{code}, d.decoder.wide).word;
  double value;
  std::memcpy(&value, &bits, 8);
  return value;
}

// encoding.cc
Encoding make_encoding(const Format& format);
const Encoding* encoding_of_float(int type_num);  // float16, float32, float64; else null
// Inf has no place in formats without one. Where it stands for what has been raised already, nothing more is.
enum class Infinities : u8 { raise, are_quiet };
// Encodes, and returns flag::overflow and flag::invalid as they occur. `whole`: as of `encode`.
u8 encode_checked(const Encoding&, Source, const char* from, isize stride, char* codes, isize code_stride, usize n,
                  usize whole, Infinities = Infinities::raise);
// Codes whose bits above the width are ignored, as numbers of some type that holds them all.
void decode_codes(const Dtype&, const char* codes, isize stride, Value, char* to, isize to_stride, usize n,
                  usize whole = 0);
// Warns as NumPy does; -1 if np.errstate makes it an exception.
int give_floating_point(const char* what, u8 flags);

// subset.cc: whether every value of one type is one of another
bool holds(const Format& wide, const Format& narrow);
bool holds(const Format& wide, int type_num);
bool is_held(const Format& narrow, int type_num);
// Whether all values are integers by definition, as those of formats without a scale are.
inline bool is_whole(const Format& f) { return f.is_integer() && f.lsb_exponent() >= 0; }

// casts.cc, text.cc
struct Casts {
  std::vector<PyArrayMethod_Spec*> specs;  // the last one null
  Casts() = default;
  Casts(const Casts&) = delete;
  Casts& operator=(const Casts&) = delete;
  ~Casts();
  // `slots` end with 0.
  void add(PyArray_DTypeMeta* from, PyArray_DTypeMeta* to, NPY_CASTING level, int flags,
           std::vector<PyType_Slot> slots);
  void add_loop(PyArray_DTypeMeta* from, PyArray_DTypeMeta* to, NPY_CASTING level, PyArrayMethod_StridedLoop* loop);
};
void add_number_casts(Dtype& d, Casts* casts);
void add_format_casts(Dtype& d, const std::vector<Dtype*>& others, Casts* casts);
void add_text_casts(Dtype& d, Casts* casts);

// objects.cc: Python objects to codes and back
int code_from_object(const Dtype& d, PyObject* object, u64* code);  // -1 with an exception set
PyObject* text_of_code(const Dtype& d, u64 code);
int code_from_text(const Dtype& d, PyObject* text, u64* code);

// scalar.cc
PyObject* scalar_from_code(const Dtype& d, u64 code);
PyTypeObject* scalar_base();  // null with an exception set
u64 code_of_scalar(PyObject* scalar);
const Dtype* dtype_of_scalar(PyObject* object);  // null for others

// scalar_math.cc: its operators, before the type is ready
void add_scalar_math(PyTypeObject* type);

// array_functions.cc: what of the old interface NumPy still calls; the slots, the last one 0
const PyType_Slot* array_functions(usize size);

// stray.cc: `operate`, whatever the bits above a code are; the flags
u8 operate_on_codes(const Dtype& d, const ArrayOperation& o, const Columns& c, usize n);

// order.cc: those of the order of elements, and sorts of every kind, which have no slots
const PyType_Slot* order_functions(usize size);
void set_sorts(const Dtype& d);
inline constexpr usize extrema_at_once = 4096;
// The code of the greatest or the least of so many elements at most, and at least one, where -0 is less than +0; false
// if one of them is NaN.
bool extremum(const Dtype& d, bool greatest, const char* codes, isize stride, usize n, u64* code);

// loops.cc: the ufuncs of NumPy that formats take part in, borrowed, and the loops of one format
const std::vector<PyObject*>* numpy_ufuncs();  // null with an exception set
// The loops of a ufunc for a format, made when it is first asked for: most formats are used in few ufuncs. 0, or -1
// with an exception set.
int ensure_loops(PyObject* ufunc, Dtype& d);
// Of the ufuncs that do not ask us.
int add_loops(Dtype& d);
// What some of them carry out on codes: the place of a ufunc among these, and its operation, made on first use.
int carried_index(const char* ufunc);  // -1: another
const ArrayOperation& operation(const Dtype& d, int index);
bool is_silent(const Dtype& d, int index);    // whatever flags the operation has are not raised
bool is_exact_in_doubles(const char* ufunc);  // so that formats without arithmetic have it
PyArrayMethod_StridedLoop* loop_for(const char* ufunc, bool has_arithmetic);

// bounds.cc: ufuncs that take a Python number as it is where it is beyond the format
int register_numbers();                     // once, before all else
int add_bounds(PyObject* ufunc, Dtype& d);  // before its loop for such a number is first looked for
// The class of Python numbers if that is what an operand is, and the ufunc one of these; else null.
PyArray_DTypeMeta* bound_class(const PyUFuncObject* ufunc, const PyArray_DTypeMeta* operand);
bool is_comparison(const char* ufunc);

// promotion.cc
// Whether a ufunc's results are no numbers of the format: quotients of integers, and mantissas in [1/2, 1) of some.
bool leaves_format(const char* ufunc, const Format& format);
PyArray_DTypeMeta* common_dtype(PyArray_DTypeMeta* self, PyArray_DTypeMeta* other);
int add_promoters(const std::vector<PyObject*>& ufuncs, PyObject* base);
bool has_promoter(const PyUFuncObject* ufunc);
// Where the operands whose bits are set in `ours` are of formats, the others of any type.
int add_promoter(PyObject* ufunc, PyObject* base, unsigned ours, PyArrayMethod_PromoterFunction* function);

// elsewhere.cc: ufuncs without a loop for doubles
int add_promoters_elsewhere(PyObject* base);

}  // namespace halfulp::numpy
