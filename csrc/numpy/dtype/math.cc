// Everything NumPy computes in binary64: codes are decoded, NumPy's own loop runs, its results are rounded once.
#include "math.hpp"

#include <cmath>

#include "../../halfulp/ordering.hpp"

namespace halfulp::numpy {
namespace {

constexpr usize block = 512;

// The row of the ufunc's table whose types are these, the formats being doubles.
int row_of(const PyUFuncObject* ufunc, PyArray_Descr* const* descriptors) {
  for (int row = 0; row < ufunc->ntypes; ++row) {
    const char* types = ufunc->types + row * ufunc->nargs;
    bool same = ufunc->functions[row] != nullptr;
    for (int i = 0; same && i < ufunc->nargs; ++i) {
      const int type_num = is_ours(descriptors[i]) ? static_cast<int>(NPY_DOUBLE) : descriptors[i]->type_num;
      same = types[i] == type_num;
    }
    if (same) return row;
  }
  return -1;
}

// The sign of a NaN that a mathematical function gives is the processor's or the library's choice: ours is positive.
void make_nan_positive(double* numbers, usize n) {
  constexpr u64 inf = u64{0x7ff} << 52;
  for (usize i = 0; i < n; ++i) {
    u64 bits;
    std::memcpy(&bits, &numbers[i], 8);
    const u64 magnitude = bits & ~(u64{1} << 63);
    bits = magnitude > inf ? magnitude : bits;
    std::memcpy(&numbers[i], &bits, 8);
  }
}

// One call of NumPy's loop.
u8 compute(PyArrayMethod_Context* context, int row, char* const* data, npy_intp const* strides, usize start,
           usize count) {
  const auto* ufunc = reinterpret_cast<PyUFuncObject*>(context->caller);
  alignas(64) double numbers[most_operands][block];
  char* arrays[most_operands];
  npy_intp steps[most_operands];
  bool bounds = false;
  for (int i = 0; i < ufunc->nargs; ++i) {
    const bool ours = is_ours(context->descriptors[i]);
    char* here = data[i] + static_cast<isize>(start) * strides[i];
    arrays[i] = ours ? reinterpret_cast<char*>(numbers[i]) : here;
    steps[i] = ours ? 8 : strides[i];
    if (i >= ufunc->nin) continue;
    bounds = bounds || (!ours && context->descriptors[i]->type_num == NPY_DOUBLE);
    if (!ours) continue;
    decode_codes(dtype_of(context->descriptors[i]), here, strides[i], Value::binary64, arrays[i], 8, count);
  }
  const npy_intp size = static_cast<npy_intp>(count);
  ufunc->functions[row](arrays, &size, steps, ufunc->data != nullptr ? ufunc->data[row] : nullptr);
  u8 flags = 0;
  const bool keeps_signs = is_exact_in_doubles(ufunc->name) && !bounds;
  for (int i = ufunc->nin; i < ufunc->nargs; ++i) {
    if (!is_ours(context->descriptors[i])) continue;
    if (!keeps_signs) make_nan_positive(numbers[i], count);
    flags |= encode_checked(dtype_of(context->descriptors[i]).encoding, Source::binary64, arrays[i], 8,
                            data[i] + static_cast<isize>(start) * strides[i], strides[i], count, count,
                            bounds ? Infinities::raise : Infinities::are_quiet);
  }
  return flags;
}

int through_doubles(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions,
                    npy_intp const* strides, NpyAuxData*) {
  const int row = row_of(reinterpret_cast<PyUFuncObject*>(context->caller), context->descriptors);
  if (row < 0) return -1;
  u8 flags = 0;
  each_independent(context, data, strides, static_cast<usize>(dimensions[0]), [&](char* const* here, usize n) {
    for (usize start = 0; start < n; start += block) {
      flags |= compute(context, row, here, strides, start, n - start < block ? n - start : block);
    }
  });
  const int index = carried_index(reinterpret_cast<PyUFuncObject*>(context->caller)->name);
  const bool silent =
      index >= 0 && is_ours(context->descriptors[0]) && is_silent(dtype_of(context->descriptors[0]), index);
  if (!silent) raise_floating_point(flags);
  return 0;
}

// -- neighbours

// The distance to the next number away from zero were there no end, with the sign of x (zeros have none); NaN of Inf
// and NaN.
double spacing_of(const Format& f, double x) {
  if (!std::isfinite(x)) return std::nan("");
  const double distance = std::ldexp(1.0, f.place_exponent(x == 0 ? f.emin() : std::ilogb(x)));
  return x < 0 ? -distance : distance;
}

int spacing(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
            NpyAuxData*) {
  const Dtype& d = dtype_of(context->descriptors[0]);
  u8 flags = 0;
  for (npy_intp i = 0; i < dimensions[0]; ++i) {
    const double result = spacing_of(d.format, value_of(d, load_code(d, data[0] + i * strides[0])));
    flags |= encode_checked(d.encoding, Source::binary64, reinterpret_cast<const char*>(&result), 8,
                            data[1] + i * strides[1], 8, 1, 1);
  }
  raise_floating_point(flags);
  return 0;
}

u64 code_of_double(const Dtype& d, double value, u8* flags) {
  u64 code = 0;
  *flags |= encode_checked(d.encoding, Source::binary64, reinterpret_cast<const char*>(&value), 8,
                           reinterpret_cast<char*>(&code), 8, 1, 1);
  return code;
}

// From a bound the next number is the end of the format that is on its side; toward a bound there is Inf at an end, or
// nothing more. Bounds are beyond all numbers, and short of Inf where a format has it.
u64 next_of_bound(const Dtype& d, double bound, u64 toward, const Operand& operand) {
  if (read(toward, operand).is_nan()) return toward;
  const Policy policy{Rounding::toward_zero, Overflow::saturate, Subnormals::gradual, default_nan(d.format)};
  u64 bits;
  std::memcpy(&bits, &bound, 8);
  return encode(unpack_binary<11, 52>(bits, false), make_codec<u64>(d.format, policy)).word;
}

u64 next_toward_bound(const Dtype& d, u64 code, double bound, const Operand& operand, const CodeLayout& layout) {
  const Real x = read(code, operand);
  if (x.is_nan()) return code;
  u64 bits;
  std::memcpy(&bits, &bound, 8);
  const bool up = compare_values(x, real(unpack_binary<11, 52>(bits, false))) < 0;
  const u64 next = up ? next_up(code, x, layout) : next_down(code, x, layout);
  const Real found = read(next, operand);
  return found.is_nan() || compare_values(found, x) != (up ? 1 : -1) ? code : next;
}

// nextafter where one operand is a Python number beyond the format.
int next_after_bound(PyArrayMethod_Context* context, char* const* data, npy_intp n, npy_intp const* strides) {
  const Dtype& d = dtype_of(context->descriptors[2]);
  const Operand operand = make_operand(d.format, false);
  const CodeLayout layout = make_code_layout(d.format, Overflow::standard);
  const int other = is_ours(context->descriptors[0]) ? 0 : 1;  // the operand that may be ours
  u8 flags = 0;
  for (npy_intp i = 0; i < n; ++i) {
    double bound;
    std::memcpy(&bound, data[1 - other] + i * strides[1 - other], 8);
    u64 result = 0;
    if (!is_ours(context->descriptors[other]) || bound != bound) {
      result = code_of_double(d, bound, &flags);
    } else {
      const u64 code = load_code(d, data[other] + i * strides[other]);
      result = other == 0 ? next_toward_bound(d, code, bound, operand, layout) : next_of_bound(d, bound, code, operand);
    }
    store_code(d, result, data[2] + i * strides[2]);
  }
  raise_floating_point(flags);
  return 0;
}

int next_after(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
               NpyAuxData*) {
  if (!is_ours(context->descriptors[0]) || !is_ours(context->descriptors[1])) {
    return next_after_bound(context, data, dimensions[0], strides);
  }
  const Dtype& d = dtype_of(context->descriptors[0]);
  const Operand operand = make_operand(d.format, false);
  const CodeLayout layout = make_code_layout(d.format, Overflow::standard);
  for (npy_intp i = 0; i < dimensions[0]; ++i) {
    const u64 code = load_code(d, data[0] + i * strides[0]);
    const u64 toward = load_code(d, data[1] + i * strides[1]);
    const Real x = read(code, operand);
    const Real y = read(toward, operand);
    u64 result = toward;
    if (x.is_nan()) {
      result = code;
    } else if (!y.is_nan()) {
      const int order = compare_values(x, y);
      if (order != 0) result = order < 0 ? next_up(code, x, layout) : next_down(code, x, layout);
    }
    store_code(d, result, data[2] + i * strides[2]);
  }
  return 0;
}

}  // namespace

PyArrayMethod_StridedLoop* math_loop(const char* name) {
  if (std::strcmp(name, "spacing") == 0) return in_usual_environment<spacing>;
  return std::strcmp(name, "nextafter") == 0 ? next_after : in_usual_environment<through_doubles>;
}

}  // namespace halfulp::numpy
