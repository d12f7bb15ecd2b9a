// Encoding with an eye on what it raises, decoding, and exceptions as NumPy reports them.
#include "../../halfulp/encode.hpp"
#include "../../halfulp/formats.hpp"
#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

constexpr u8 both = flag::overflow | flag::invalid;

// -- which elements may raise something that nothing has raised yet

// The bits of a float type: its sign, Inf, and the largest finite number of the format, toward zero.
struct FloatBits {
  u64 sign;
  u64 inf;
  u64 largest;
};

FloatBits float_bits(const Encoding& e, Source source) {
  switch (source) {
    case Source::binary16: return {0x8000, 0x7c00, e.largest16};
    case Source::binary32: return {0x80000000, 0x7f800000, e.largest32};
    default: return {u64{1} << 63, u64{0x7ff} << 52, e.largest64};
  }
}

// Up to which magnitude nothing is raised.
u64 highest_quiet(const Encoding& e, const FloatBits& b, u8 wanted) {
  if ((wanted & e.beyond) != 0) return b.largest;
  return e.has_inf ? b.inf : b.inf - 1;
}

// By their bits: a magnitude beyond the largest; Inf and NaN only where they are events; the sign where negative
// numbers have no place. What is found has the sign bit set, so that no comparison is needed that a vector of 64-bit
// words may lack.
template <class Bits>
struct FloatRule {
  Bits sign;
  Bits largest;
  Bits end;
  Bits negatives;

  Bits operator()(Bits x) const {
    const Bits magnitude = static_cast<Bits>(x & static_cast<Bits>(~sign));
    const Bits beyond = static_cast<Bits>(largest - magnitude) & static_cast<Bits>(magnitude - end);
    return static_cast<Bits>(beyond | (x & negatives));
  }
  bool found(Bits all) const { return (all & sign) != 0; }
};

template <class Int>
struct IntegerRule {
  Int low;
  Int high;
  Int operator()(Int x) const { return static_cast<Int>(static_cast<Int>(x > high) | static_cast<Int>(x < low)); }
  bool found(Int all) const { return all != 0; }
};

template <class T, class Rule>
bool any_of(const char* from, isize stride, usize n, const Rule& rule) {
  T all = 0;
  const auto scan = [&](isize step) {
    T found = 0;
    for (usize i = 0; i < n; ++i) {
      T x;
      std::memcpy(&x, from + static_cast<isize>(i) * step, sizeof(T));
      found = static_cast<T>(found | rule(x));
    }
    all = found;
  };
  if (stride == static_cast<isize>(sizeof(T))) {
    scan(sizeof(T));  // a constant: so the loop is of vectors
  } else {
    scan(stride);
  }
  return rule.found(all);
}

template <class Bits>
bool any_float(const Encoding& e, Source source, const char* from, isize stride, usize n, u8 wanted) {
  const FloatBits b = float_bits(e, source);
  const u64 quiet = highest_quiet(e, b, wanted);
  const bool negatives = !e.is_signed && ((e.below | flag::invalid) & wanted) != 0;
  const u64 quiet_nan = b.inf + (e.has_inf ? 0 : 1);  // from here on
  // In most arrays nothing is: that is seen soonest.
  if (stride == static_cast<isize>(sizeof(Bits))) {
    const u64 mask = negatives ? ~u64{0} : ~b.sign;
    if (kernels().largest(from, sizeof(Bits), mask, n) <= quiet) return false;
  }
  const FloatRule<Bits> rule{static_cast<Bits>(b.sign), static_cast<Bits>(quiet),
                             static_cast<Bits>(e.has_nan ? quiet_nan : b.sign),
                             static_cast<Bits>(negatives ? b.sign : 0)};
  return any_of<Bits>(from, stride, n, rule);
}

template <class Int>
bool any_integer(const Encoding& e, const char* from, isize stride, usize n) {
  constexpr bool is_signed = static_cast<Int>(~Int{0}) < Int{0};
  constexpr u64 top = ~u64{0} >> (64 - 8 * sizeof(Int) + (is_signed ? 1 : 0));
  const u64 limit = static_cast<u64>(e.largest_integer);
  if (limit > top && (e.is_signed || !is_signed)) return false;
  const Int high = static_cast<Int>(limit < top ? limit : top);
  const IntegerRule<Int> rule{is_signed && e.is_signed ? static_cast<Int>(-high) : Int{0}, high};
  return any_of<Int>(from, stride, n, rule);
}

bool may_raise(const Encoding& e, Source source, const char* from, isize stride, usize n, u8 wanted) {
  switch (source) {
    case Source::boolean: return e.largest_integer < 1;
    case Source::int8: return any_integer<i8>(e, from, stride, n);
    case Source::uint8: return any_integer<u8>(e, from, stride, n);
    case Source::int16: return any_integer<i16>(e, from, stride, n);
    case Source::uint16: return any_integer<u16>(e, from, stride, n);
    case Source::int32: return any_integer<i32>(e, from, stride, n);
    case Source::uint32: return any_integer<u32>(e, from, stride, n);
    case Source::int64: return any_integer<i64>(e, from, stride, n);
    case Source::uint64: return any_integer<u64>(e, from, stride, n);
    case Source::binary16: return any_float<u16>(e, source, from, stride, n, wanted);
    case Source::binary32: return any_float<u32>(e, source, from, stride, n, wanted);
    case Source::binary64: return any_float<u64>(e, source, from, stride, n, wanted);
    default: return true;
  }
}

// -- and what each of those does

template <class Int>
Unpacked<Wide> unpack_as(const char* from) {
  Int x;
  std::memcpy(&x, from, sizeof(Int));
  const bool negative = x < Int{0};
  const u64 bits = static_cast<u64>(x);
  return unpack_integer(negative, negative ? u64{0} - bits : bits);
}

Unpacked<Wide> unpack_one(Source source, const char* from) {
  u64 words[2] = {};
  std::memcpy(words, from, source_bytes(source) < 16 ? source_bytes(source) : 16);
  switch (source) {
    case Source::boolean: return unpack_integer(false, words[0] != 0 ? 1 : 0);
    case Source::int8: return unpack_as<i8>(from);
    case Source::int16: return unpack_as<i16>(from);
    case Source::int32: return unpack_as<i32>(from);
    case Source::int64: return unpack_as<i64>(from);
    case Source::binary16: return unpack_binary<5, 10>(words[0], false);
    case Source::binary32: return unpack_binary<8, 23>(words[0], false);
    case Source::binary64: return unpack_binary<11, 52>(words[0], false);
    case Source::x87: return unpack_x87(words[0], static_cast<u16>(words[1]), false);
    case Source::binary128: return unpack_binary128(words[1], words[0], false);
    default: return unpack_integer(false, words[0]);
  }
}

u8 flags_of(const Encoding& e, const Real& x, Infinities infinities) {
  if (x.is_nan()) return e.has_nan ? 0 : flag::invalid;
  if (x.is_infinite()) {
    const bool has_place = e.has_inf && (e.is_signed || !x.negative);
    return has_place || (infinities == Infinities::are_quiet && !e.is_integer) ? 0 : flag::invalid;
  }
  return settle(x, e.result).flags & both;
}

u8 examine(const Encoding& e, Source source, const char* from, isize stride, usize n, u8 wanted,
           Infinities infinities) {
  u8 flags = 0;
  for (usize i = 0; i < n && (wanted & ~flags) != 0; ++i) {
    flags |= flags_of(e, real(unpack_one(source, from + static_cast<isize>(i) * stride)), infinities);
  }
  return flags;
}

// What can be raised by numbers of a type, beside what has been.
u8 wanted_flags(const Encoding& e, Source source, u8 seen) {
  const bool finite = source < Source::binary16;
  const u8 raisable = finite ? static_cast<u8>(e.beyond | e.below) : e.raisable;
  return static_cast<u8>(raisable & ~seen);
}

// Numbers that are still in the L1 cache when they are encoded, or in the L2 cache when they are examined after that.
constexpr usize examined_before = 4096;
constexpr usize examined_after = 32768;

// A block of which those after it begin with a cache line.
usize block_to_line(const char* codes, usize most) { return most - reinterpret_cast<usize>(codes) % 64; }

// The code under the watch's mask for what raises something; false if that is not one code of either sign.
bool make_watch(const Format& f, const Encoding& e, Watch* watch) {
  if (!f.is_signed || f.is_integer()) return false;
  const auto code = [&](const Unpacked<Wide>& x) { return encode(x, e.encoder.wide).word; };
  const u64 high = code(unpack_binary<11, 52>(u64{0x7fe} << 52, false));
  const u64 low = code(unpack_binary<11, 52>(u64{0xffe} << 52, false));
  const u64 nan = e.has_nan ? high : code(unpack_binary<11, 52>(u64{0xfff} << 51, false));
  const u64 inf = e.has_inf ? high : code(unpack_binary<11, 52>(u64{0x7ff} << 52, false));
  const u64 minus_inf = e.has_inf ? low : code(unpack_binary<11, 52>(u64{0xfff} << 52, false));
  watch->mask = ((u64{1} << (f.bits() - 1)) << 1) - 1;
  if (high != low) watch->mask &= ~f.sign_bit();
  watch->bits = high & watch->mask;
  const auto watched = [&](u64 found) { return (found & watch->mask) == watch->bits; };
  return watched(low) && watched(nan) && watched(inf) && watched(minus_inf);
}

template <class Bits>
Bits toward_zero(u64 binary64, const char* name) {
  const Format& f = halfulp::format(name);
  const Policy policy{Rounding::toward_zero, Overflow::saturate, Subnormals::gradual, default_nan(f)};
  return static_cast<Bits>(encode(unpack_binary<11, 52>(binary64, false), make_codec<u64>(f, policy)).word);
}

// Whether codes lie where numbers do.
bool overlap(const char* from, isize stride, usize size, const char* codes, isize code_stride, usize code_size,
             usize n) {
  const isize last = static_cast<isize>(n) - 1;
  const auto first = [&](const char* p, isize step) { return step < 0 ? p + last * step : p; };
  const auto end = [&](const char* p, isize step, usize bytes) { return (step < 0 ? p : p + last * step) + bytes; };
  return first(from, stride) < end(codes, code_stride, code_size) &&
         first(codes, code_stride) < end(from, stride, size);
}

}  // namespace

Encoding make_encoding(const Format& f) {
  const Policy policy{Rounding::nearest_even, Overflow::standard, Subnormals::gradual, default_nan(f)};
  Encoding e{};
  e.encoder = make_encoder(f, policy, false);
  e.result = make_result(f, policy, NanPropagation::canonical, Tininess::after);
  e.has_inf = f.has_inf();
  e.has_nan = f.has_nan();
  e.is_signed = f.is_signed;
  e.is_integer = f.is_integer();
  e.largest64 = decode(Wide{f.max_magnitude()}, make_decoder<u64>(f)).word;
  e.largest32 = toward_zero<u32>(e.largest64, "float32");
  e.largest16 = toward_zero<u16>(e.largest64, "float16");
  double largest;
  std::memcpy(&largest, &e.largest64, 8);
  e.largest_integer = largest < 0x1p62 ? static_cast<i64>(largest) : NPY_MAX_INT64;
  constexpr u16 longest_exponent = 0x7ffe;  // of x87
  e.beyond = settle(real(unpack_x87(~u64{0}, longest_exponent, false)), e.result).flags & both;
  e.below = settle(real(unpack_x87(~u64{0}, longest_exponent | 0x8000, false)), e.result).flags & both;
  e.raisable = static_cast<u8>(e.beyond | e.below | (e.has_nan && e.has_inf && e.is_signed ? 0 : flag::invalid));
  e.watches = make_watch(f, e, &e.watch);
  return e;
}

const Encoding* encoding_of_float(int type_num) {
  static const Encoding half = make_encoding(format("float16"));
  static const Encoding single = make_encoding(format("float32"));
  static const Encoding full = make_encoding(format("float64"));
  return type_num == NPY_HALF ? &half : type_num == NPY_FLOAT ? &single : type_num == NPY_DOUBLE ? &full : nullptr;
}

u8 encode_checked(const Encoding& e, Source source, const char* from, isize stride, char* codes, isize code_stride,
                  usize n, usize whole, Infinities infinities) {
  u8 flags = 0;
  const auto examine_block = [&](const char* x, usize count, u8 wanted) {
    if (may_raise(e, source, x, stride, count, wanted)) {
      flags |= examine(e, source, x, stride, count, wanted, infinities);
    }
  };
  // Where codes lie in the place of numbers, what has been encoded cannot be examined.
  const bool watches = e.watches && !overlap(from, stride, source_bytes(source), codes, code_stride,
                                             static_cast<usize>(e.encoder.code_bytes), n);
  const usize most = watches ? examined_after : examined_before;
  for (usize start = 0, count = 0; start < n; start += count) {
    count = start == 0 ? block_to_line(codes, most) : most;
    if (count > n - start) count = n - start;
    const char* x = from + static_cast<isize>(start) * stride;
    char* to = codes + static_cast<isize>(start) * code_stride;
    const u8 wanted = wanted_flags(e, source, flags);
    bool found = false;
    if (wanted != 0 && watches &&
        encode_watched(e.encoder, e.watch, source, x, stride, to, code_stride, count, whole, &found)) {
      if (found) examine_block(x, count, wanted);
      continue;
    }
    if (wanted != 0) examine_block(x, count, wanted);
    encode(e.encoder, source, x, stride, to, code_stride, count, whole);
  }
  return flags;
}

void decode_codes(const Dtype& d, const char* codes, isize stride, Value value, char* to, isize to_stride, usize n,
                  usize whole) {
  const usize size = d.size();
  const usize good = decode(d.decoder, d.decoder.code_bytes, codes, stride, value, to, to_stride, n, whole);
  for (usize i = good; i < n; ++i) {  // a code with bits above its width: one at a time
    const u64 code = load_code(d, codes + static_cast<isize>(i) * stride);
    char one[8];
    std::memcpy(one, &code, 8);
    decode(d.decoder, d.decoder.code_bytes, one, static_cast<isize>(size), value,
           to + static_cast<isize>(i) * to_stride, to_stride, 1);
  }
}

int give_floating_point(const char* what, u8 flags) {
  int found = 0;
  if ((flags & flag::invalid) != 0) found |= NPY_FPE_INVALID;
  if ((flags & flag::divide_by_zero) != 0) found |= NPY_FPE_DIVIDEBYZERO;
  if ((flags & flag::overflow) != 0) found |= NPY_FPE_OVERFLOW;
  if ((flags & flag::underflow) != 0) found |= NPY_FPE_UNDERFLOW;
  return found == 0 ? 0 : PyUFunc_GiveFloatingpointErrors(what, found);
}

}  // namespace halfulp::numpy
