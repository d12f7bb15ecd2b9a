// Casts between a format and NumPy's numbers, and between formats: one rounding each, from the exact value.
#include <cmath>

#include "../../simd/parallel.hpp"
#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

constexpr usize block = 512;

// The parts of a call, from several threads if there are any; what they raise is raised where NumPy looks.
template <class F>
int run(npy_intp n, F&& part) {
  std::atomic<unsigned> flags{0};
  in_parallel(static_cast<usize>(n), [&](usize start, usize count) {
    const UsualEnvironment environment;  // of each thread
    flags.fetch_or(part(static_cast<isize>(start), count), std::memory_order_relaxed);
  });
  raise_floating_point(static_cast<u8>(flags));
  return 0;
}

// The real part comes first in a complex number.
Source source_of(int type_num) {
  switch (type_num) {
    case NPY_CFLOAT: return Source::binary32;
    case NPY_CDOUBLE: return Source::binary64;
    case NPY_CLONGDOUBLE: return longdouble_source;
    default: return element_type(type_num)->source;
  }
}

// -- to a format

int from_number(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
                NpyAuxData*) {
  const Dtype& d = dtype_of(context->descriptors[1]);
  const Source source = source_of(context->descriptors[0]->type_num);
  return run(dimensions[0], [&](isize start, usize n) {
    return encode_checked(d.encoding, source, data[0] + start * strides[0], strides[0], data[1] + start * strides[1],
                          strides[1], n, static_cast<usize>(dimensions[0]));
  });
}

// Whether no value of a format raises anything.
bool is_quiet(const Encoding& from, const Encoding& to) {
  const u64 largest = from.largest64 + (from.is_integer ? u64{1} << 52 : 0);  // an integer's lowest is the next power
  return largest <= to.largest64 && (to.is_signed || !from.is_signed) && (to.has_nan || !from.has_nan) &&
         (to.has_inf || !from.has_inf) && (!to.is_integer || from.is_integer);
}

// Codes of one format into another encoding, by way of the numbers they are.
u8 transcode(const Dtype& from, const Encoding& to, const char* codes, isize stride, char* out, isize out_stride,
             usize n) {
  const bool quiet = is_quiet(from.encoding, to);
  alignas(64) double numbers[block];
  char* buffer = reinterpret_cast<char*>(numbers);
  const Value value = from.decoder.binary32 ? Value::binary32 : Value::binary64;
  const Source source = from.decoder.binary32 ? Source::binary32 : Source::binary64;
  const isize size = static_cast<isize>(value_bytes(value));
  u8 flags = 0;
  for (usize start = 0; start < n; start += block) {
    const usize count = n - start < block ? n - start : block;
    decode_codes(from, codes + static_cast<isize>(start) * stride, stride, value, buffer, size, count);
    char* here = out + static_cast<isize>(start) * out_stride;
    if (quiet) {
      encode(to.encoder, source, buffer, size, here, out_stride, count);
    } else {
      flags |= encode_checked(to, source, buffer, size, here, out_stride, count, count);
    }
  }
  return flags;
}

int between_formats(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions,
                    npy_intp const* strides, NpyAuxData*) {
  const Dtype& from = dtype_of(context->descriptors[0]);
  const Dtype& to = dtype_of(context->descriptors[1]);
  return run(dimensions[0], [&](isize start, usize n) {
    return transcode(from, to.encoding, data[0] + start * strides[0], strides[0], data[1] + start * strides[1],
                     strides[1], n);
  });
}

int within_format(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions,
                  npy_intp const* strides, NpyAuxData*) {
  const usize size = dtype_of(context->descriptors[0]).size();
  if (strides[0] == static_cast<npy_intp>(size) && strides[1] == strides[0]) {
    std::memmove(data[1], data[0], size * static_cast<usize>(dimensions[0]));
    return 0;
  }
  for (npy_intp i = 0; i < dimensions[0]; ++i) std::memmove(data[1] + i * strides[1], data[0] + i * strides[0], size);
  return 0;
}

// -- from a format

// Whether every value is one of float16, float32 and so on.
bool fits(const Dtype& d, Value value) {
  if (value == Value::binary16) return d.decoder.smallest == Value::binary16;
  return value != Value::binary32 || d.decoder.binary32;
}

u8 to_floats(const Dtype& d, int type_num, const char* codes, isize stride, char* to, isize to_stride, usize n,
             usize whole) {
  const Value value = value_of_type(type_num);
  if (!fits(d, value)) return transcode(d, *encoding_of_float(type_num), codes, stride, to, to_stride, n);
  decode_codes(d, codes, stride, value, to, to_stride, n, whole);
  return 0;
}

int to_float(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
             NpyAuxData*) {
  const Dtype& d = dtype_of(context->descriptors[0]);
  const int type_num = context->descriptors[1]->type_num;
  return run(dimensions[0], [&](isize start, usize n) {
    return to_floats(d, type_num, data[0] + start * strides[0], strides[0], data[1] + start * strides[1], strides[1], n,
                     static_cast<usize>(dimensions[0]));
  });
}

int to_complex(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
               NpyAuxData*) {
  const Dtype& d = dtype_of(context->descriptors[0]);
  const int type_num = context->descriptors[1]->type_num;
  const int part = type_num == NPY_CFLOAT ? NPY_FLOAT : type_num == NPY_CDOUBLE ? NPY_DOUBLE : NPY_LONGDOUBLE;
  const usize size = static_cast<usize>(context->descriptors[1]->elsize) / 2;
  return run(dimensions[0], [&](isize start, usize n) {
    char* to = data[1] + start * strides[1];
    const u8 flags = to_floats(d, part, data[0] + start * strides[0], strides[0], to, strides[1], n, n);
    for (usize i = 0; i < n; ++i) std::memset(to + static_cast<isize>(i) * strides[1] + size, 0, size);
    return flags;
  });
}

// Toward zero; beyond the ends the nearest end, NaN is 0.
template <class Int>
u8 to_integers(const double* from, char* to, isize stride, usize n) {
  constexpr bool is_signed = static_cast<Int>(~Int{0}) < Int{0};
  const double end = std::ldexp(1.0, static_cast<int>(8 * sizeof(Int)) - (is_signed ? 1 : 0));
  const double least = is_signed ? -end : 0.0;
  u8 flags = 0;
  for (usize i = 0; i < n; ++i) {
    const double x = std::trunc(from[i]);
    Int integer = 0;
    if (x >= least && x < end) {
      integer = static_cast<Int>(x);
    } else {
      flags = flag::invalid;
      const Int largest = static_cast<Int>(is_signed ? ~(Int{1} << (8 * sizeof(Int) - 1)) : ~Int{0});
      if (x >= end) integer = largest;
      if (x < least) integer = static_cast<Int>(is_signed ? ~largest : Int{0});
    }
    std::memcpy(to + static_cast<isize>(i) * stride, &integer, sizeof(Int));
  }
  return flags;
}

// By bits: a processor set to take subnormals for zero would not see them.
u8 to_truth(const double* from, char* to, isize stride, usize n) {
  for (usize i = 0; i < n; ++i) {
    u64 bits;
    std::memcpy(&bits, &from[i], 8);
    to[static_cast<isize>(i) * stride] = bits << 1 != 0 ? 1 : 0;
  }
  return 0;
}

u8 to_integers(Source target, const double* from, char* to, isize stride, usize n) {
  switch (target) {
    case Source::boolean: return to_truth(from, to, stride, n);
    case Source::int8: return to_integers<i8>(from, to, stride, n);
    case Source::uint8: return to_integers<u8>(from, to, stride, n);
    case Source::int16: return to_integers<i16>(from, to, stride, n);
    case Source::uint16: return to_integers<u16>(from, to, stride, n);
    case Source::int32: return to_integers<i32>(from, to, stride, n);
    case Source::uint32: return to_integers<u32>(from, to, stride, n);
    case Source::int64: return to_integers<i64>(from, to, stride, n);
    default: return to_integers<u64>(from, to, stride, n);
  }
}

int to_integer(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
               NpyAuxData*) {
  const Dtype& d = dtype_of(context->descriptors[0]);
  const Source target = element_type(context->descriptors[1]->type_num)->source;
  return run(dimensions[0], [&](isize first, usize n) {
    double numbers[block];
    u8 flags = 0;
    for (usize start = 0; start < n; start += block) {
      const usize count = n - start < block ? n - start : block;
      const isize at = first + static_cast<isize>(start);
      decode_codes(d, data[0] + at * strides[0], strides[0], Value::binary64, reinterpret_cast<char*>(numbers), 8,
                   count);
      flags |= to_integers(target, numbers, data[1] + at * strides[1], strides[1], count);
    }
    return flags;
  });
}

// -- special cases

// NumPy warns of a lost imaginary part in its own casts only.
int from_complex_loop(PyArrayMethod_Context*, int, int, npy_intp const*, PyArrayMethod_StridedLoop** loop,
                      NpyAuxData** data, NPY_ARRAYMETHOD_FLAGS* flags) {
  PyObject* exceptions = PyImport_ImportModule("numpy.exceptions");
  PyObject* warning = exceptions != nullptr ? PyObject_GetAttrString(exceptions, "ComplexWarning") : nullptr;
  Py_XDECREF(exceptions);
  if (warning == nullptr) return -1;
  const int status = PyErr_WarnEx(warning, "Casting complex values to real discards the imaginary part", 1);
  Py_DECREF(warning);
  *loop = from_number;
  *data = nullptr;
  *flags = static_cast<NPY_ARRAYMETHOD_FLAGS>(0);
  return status;
}

// Without a cast of our own NumPy would go on without one, and crash.
NPY_CASTING refuse_void(PyArrayMethodObject_tag*, PyArray_DTypeMeta* const* dtypes, PyArray_Descr* const*,
                        PyArray_Descr**, npy_intp*) {
  PyErr_Format(PyExc_TypeError, "cannot cast void to %s; .view() the bytes as codes instead",
               reinterpret_cast<Dtype*>(dtypes[1])->text);
  return static_cast<NPY_CASTING>(-1);
}

int refuse_loop(PyArrayMethod_Context*, char* const*, npy_intp const*, npy_intp const*, NpyAuxData*) {
  NPY_ALLOW_C_API_DEF
  NPY_ALLOW_C_API;
  PyErr_SetString(PyExc_TypeError, "there is no such cast");
  NPY_DISABLE_C_API;
  return -1;
}

PyArray_DTypeMeta* class_of(int type_num) {
  PyArray_Descr* descr = PyArray_DescrFromType(type_num);
  PyArray_DTypeMeta* meta = NPY_DTYPE(descr);  // builtin classes live forever
  Py_DECREF(descr);
  return meta;
}

}  // namespace

Casts::~Casts() {
  for (PyArrayMethod_Spec* spec : specs) {
    if (spec == nullptr) continue;
    delete[] spec->dtypes;
    delete[] spec->slots;
    delete spec;
  }
}

void Casts::add(PyArray_DTypeMeta* from, PyArray_DTypeMeta* to, NPY_CASTING level, int flags,
                std::vector<PyType_Slot> slots) {
  auto* spec = new PyArrayMethod_Spec{};
  spec->name = "halfulp cast";
  spec->nin = 1;
  spec->nout = 1;
  spec->casting = level;
  spec->flags = static_cast<NPY_ARRAYMETHOD_FLAGS>(flags);
  spec->dtypes = new PyArray_DTypeMeta*[2]{from, to};
  spec->slots = new PyType_Slot[slots.size() + 1]();
  for (usize i = 0; i < slots.size(); ++i) spec->slots[i] = slots[i];
  specs.push_back(spec);
}

void Casts::add_loop(PyArray_DTypeMeta* from, PyArray_DTypeMeta* to, NPY_CASTING level,
                     PyArrayMethod_StridedLoop* loop) {
  add(from, to, level, NPY_METH_SUPPORTS_UNALIGNED,
      {{NPY_METH_strided_loop, slot(loop)}, {NPY_METH_unaligned_strided_loop, slot(loop)}});
}

// What NumPy calls the same kind: from integers to floats, and within either, but not to integers without a sign.
// Integers with a scale are numbers of a fixed point, which lose as floats do; and those that compute in float64 must
// take its results.
NPY_CASTING level(bool exact, bool refuses_fractions, bool from_whole, bool loses_sign) {
  if (exact) return NPY_SAFE_CASTING;
  return (refuses_fractions && !from_whole) || loses_sign ? NPY_UNSAFE_CASTING : NPY_SAME_KIND_CASTING;
}

bool refuses_fractions(const Format& f) { return is_whole(f) && f.precision() <= max_precision_of_operands; }

void add_number_casts(Dtype& d, Casts* casts) {
  PyArray_DTypeMeta* self = &d.meta;
  casts->add_loop(self, self, NPY_NO_CASTING, within_format);
  for (const ElementType& type : element_types) {
    PyArray_DTypeMeta* other = class_of(type.type_num);
    const bool is_float = PyTypeNum_ISFLOAT(type.type_num);
    const bool whole = is_whole(d.format);
    const bool integers = whole && !is_float;
    const bool is_signed = PyTypeNum_ISSIGNED(type.type_num);
    const bool to_unsigned = integers && is_signed && !d.format.is_signed;
    casts->add_loop(other, self,
                    level(holds(d.format, type.type_num), refuses_fractions(d.format), !is_float, to_unsigned),
                    from_number);
    const bool from_signed = integers && d.format.is_signed && !is_signed;
    const bool loses = from_signed || type.type_num == NPY_BOOL;
    casts->add_loop(self, other, level(is_held(d.format, type.type_num), !is_float, whole, loses),
                    is_float ? to_float : to_integer);
  }
  for (const int type_num : {NPY_CFLOAT, NPY_CDOUBLE, NPY_CLONGDOUBLE}) {
    const bool exact = type_num != NPY_CFLOAT || is_held(d.format, NPY_FLOAT);
    casts->add_loop(self, class_of(type_num), exact ? NPY_SAFE_CASTING : NPY_SAME_KIND_CASTING, to_complex);
    casts->add(class_of(type_num), self, NPY_UNSAFE_CASTING, NPY_METH_SUPPORTS_UNALIGNED,
               {{NPY_METH_get_loop, slot(from_complex_loop)},
                {NPY_METH_strided_loop, slot(from_number)},
                {NPY_METH_unaligned_strided_loop, slot(from_number)}});
  }
  casts->add(class_of(NPY_VOID), self, NPY_UNSAFE_CASTING, 0,
             {{NPY_METH_resolve_descriptors, slot(refuse_void)}, {NPY_METH_strided_loop, slot(refuse_loop)}});
}

void add_format_casts(Dtype& d, const std::vector<Dtype*>& others, Casts* casts) {
  for (Dtype* other : others) {
    const auto of = [](const Format& to, const Format& from) {
      const bool to_unsigned = is_whole(to) && is_whole(from) && from.is_signed && !to.is_signed;
      return level(holds(to, from), refuses_fractions(to), is_whole(from), to_unsigned);
    };
    casts->add_loop(&d.meta, &other->meta, of(other->format, d.format), between_formats);
    casts->add_loop(&other->meta, &d.meta, of(d.format, other->format), between_formats);
  }
}

}  // namespace halfulp::numpy
