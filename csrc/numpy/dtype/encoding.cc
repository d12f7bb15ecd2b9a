// Encoding with an eye on what it raises, decoding, and exceptions as NumPy reports them.
#include "../../halfulp/encode.hpp"
#include "../../halfulp/formats.hpp"
#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

constexpr u8 both = flag::overflow | flag::invalid;

// -- which elements may raise something

// Of floats, by their bits: a magnitude beyond the largest; Inf and NaN only where they are events. What is found has
// the sign bit set, so that no comparison is needed that a vector of 64-bit words may lack.
template <class Bits>
struct FloatRule {
  Bits sign;
  Bits largest;
  Bits end;
  Bits negatives;  // have no place: the sign bit

  Bits operator()(Bits x) const {
    const Bits magnitude = static_cast<Bits>(x & static_cast<Bits>(~sign));
    const Bits beyond = static_cast<Bits>(largest - magnitude) & static_cast<Bits>(magnitude - end);
    return static_cast<Bits>(beyond | (x & negatives));
  }
  bool found(Bits all) const { return (all & sign) != 0; }
};

template <class Bits>
FloatRule<Bits> float_rule(const Encoding& e, Bits largest, Bits inf) {
  const Bits sign = static_cast<Bits>(Bits{1} << (8 * sizeof(Bits) - 1));
  return {sign, largest, e.has_nan ? inf : sign, e.is_signed ? Bits{0} : sign};
}

template <class Int>
struct IntegerRule {
  Int low;
  Int high;
  Int operator()(Int x) const { return static_cast<Int>(static_cast<Int>(x > high) | static_cast<Int>(x < low)); }
  bool found(Int all) const { return all != 0; }
};

template <class Int>
IntegerRule<Int> integer_rule(const Encoding& e) {
  constexpr bool is_signed = static_cast<Int>(~Int{0}) < Int{0};
  constexpr u64 top = ~u64{0} >> (64 - 8 * sizeof(Int) + (is_signed ? 1 : 0));
  const u64 limit = static_cast<u64>(e.largest_integer);
  const Int high = static_cast<Int>(limit < top ? limit : top);
  return {is_signed && e.is_signed ? static_cast<Int>(-high) : Int{0}, high};
}

// The commonest scan, for every processor's own vectors where the compiler can make several of one function.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__) && \
    !defined(__SANITIZE_ADDRESS__)
__attribute__((target_clones("avx2", "default")))
#endif
u32 scan_binary32(const char* from, usize n, u32 sign, u32 largest, u32 end, u32 negatives) {
  u32 found = 0;
  for (usize i = 0; i < n; ++i) {
    u32 x;
    std::memcpy(&x, from + 4 * i, 4);
    const u32 magnitude = x & ~sign;
    found |= ((largest - magnitude) & (magnitude - end)) | (x & negatives);
  }
  return found;
}

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

bool may_raise(const Encoding& e, Source source, const char* from, isize stride, usize n) {
  switch (source) {
    case Source::boolean: return e.largest_integer < 1;
    case Source::int8: return any_of<i8>(from, stride, n, integer_rule<i8>(e));
    case Source::uint8: return any_of<u8>(from, stride, n, integer_rule<u8>(e));
    case Source::int16: return any_of<i16>(from, stride, n, integer_rule<i16>(e));
    case Source::uint16: return any_of<u16>(from, stride, n, integer_rule<u16>(e));
    case Source::int32: return any_of<i32>(from, stride, n, integer_rule<i32>(e));
    case Source::uint32: return any_of<u32>(from, stride, n, integer_rule<u32>(e));
    case Source::int64: return any_of<i64>(from, stride, n, integer_rule<i64>(e));
    case Source::uint64: return any_of<u64>(from, stride, n, integer_rule<u64>(e));
    case Source::binary16: return any_of<u16>(from, stride, n, float_rule<u16>(e, e.largest16, 0x7c00));
    case Source::binary32: {
      const FloatRule<u32> rule = float_rule<u32>(e, e.largest32, 0x7f800000);
      if (stride != 4) return any_of<u32>(from, stride, n, rule);
      return rule.found(scan_binary32(from, n, rule.sign, rule.largest, rule.end, rule.negatives));
    }
    case Source::binary64: return any_of<u64>(from, stride, n, float_rule<u64>(e, e.largest64, u64{0x7ff} << 52));
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

u8 flags_of(const Encoding& e, const Real& x) {
  if (x.is_nan()) return e.has_nan ? 0 : flag::invalid;
  if (x.is_infinite() && e.is_integer) return flag::invalid;
  if (x.is_infinite() && e.is_signed) return 0;
  return settle(x, e.result).flags & both;
}

u8 examine(const Encoding& e, Source source, const char* from, isize stride, usize n) {
  u8 flags = 0;
  for (usize i = 0; i < n && flags != both; ++i) {
    flags |= flags_of(e, real(unpack_one(source, from + static_cast<isize>(i) * stride)));
  }
  return flags;
}

constexpr usize encoded_at_once = 16384;

template <class Bits>
Bits toward_zero(u64 binary64, const char* name) {
  const Format& f = halfulp::format(name);
  const Policy policy{Rounding::toward_zero, Overflow::saturate, Subnormals::gradual, default_nan(f)};
  return static_cast<Bits>(encode(unpack_binary<11, 52>(binary64, false), make_codec<u64>(f, policy)).word);
}

}  // namespace

Encoding make_encoding(const Format& f) {
  const Policy policy{Rounding::nearest_even, Overflow::standard, Subnormals::gradual, default_nan(f)};
  Encoding e{};
  e.encoder = make_encoder(f, policy, false);
  e.result = make_result(f, policy, NanPropagation::canonical, Tininess::after);
  e.has_nan = f.has_nan();
  e.is_signed = f.is_signed;
  e.is_integer = f.is_integer();
  e.largest64 = decode(Wide{f.max_magnitude()}, make_decoder<u64>(f)).word;
  e.largest32 = toward_zero<u32>(e.largest64, "float32");
  e.largest16 = toward_zero<u16>(e.largest64, "float16");
  double largest;
  std::memcpy(&largest, &e.largest64, 8);
  e.largest_integer = largest < 0x1p62 ? static_cast<i64>(largest) : NPY_MAX_INT64;
  return e;
}

const Encoding* encoding_of_float(int type_num) {
  static const Encoding half = make_encoding(format("float16"));
  static const Encoding single = make_encoding(format("float32"));
  static const Encoding full = make_encoding(format("float64"));
  return type_num == NPY_HALF ? &half : type_num == NPY_FLOAT ? &single : type_num == NPY_DOUBLE ? &full : nullptr;
}

u8 encode_checked(const Encoding& e, Source source, const char* from, isize stride, char* codes, isize code_stride,
                  usize n, usize whole) {
  u8 flags = 0;
  for (usize start = 0; start < n; start += encoded_at_once) {
    const usize count = n - start < encoded_at_once ? n - start : encoded_at_once;
    const char* x = from + static_cast<isize>(start) * stride;
    // Before the codes are written: they may lie where the numbers are.
    if (flags != both && may_raise(e, source, x, stride, count)) flags |= examine(e, source, x, stride, count);
    encode(e.encoder, source, x, stride, codes + static_cast<isize>(start) * code_stride, code_stride, count, whole);
  }
  return flags;
}

void decode_codes(const Dtype& d, const char* codes, isize stride, Value value, char* to, isize to_stride, usize n) {
  const usize size = d.size();
  const usize good = decode(d.decoder, d.decoder.code_bytes, codes, stride, value, to, to_stride, n);
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
