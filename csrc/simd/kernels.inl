// The loops of one target, written once over its lane types. Included by kernels_<isa>.cc after its lanes.

#include <cstring>

#include "../halfulp/round_to_odd.hpp"
#include "kernels.hpp"

#if defined(_MSC_VER)
#define HALFULP_NOINLINE __declspec(noinline)
#else
#define HALFULP_NOINLINE __attribute__((noinline))
#endif

namespace halfulp {
inline namespace HALFULP_TARGET {

using One = Lane<u32>;

template <Route route, class V>
V encode_bits(V bits, const Codec<u32>& c) {
  if constexpr (route == Route::common) return encode_common(bits, c);
  if constexpr (route == Route::any) return encode(unpack_binary32(bits), c);
  return encode(normalized(unpack_binary32(bits)), c);
}

// The codec is copied: a local that no store can alias stays in registers.
template <Route route, class Code>
HALFULP_NOINLINE void encode_loop(const Codec<u32>& codec, const u32* from, Code* codes, usize n) {
  const Codec<u32> c = codec;
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    Narrow v[4];
    for (usize k = 0; k < 4; ++k) v[k] = encode_bits<route>(load(from + i + k * lanes), c);
    store_block(codes + i, v);
  }
  for (; i < n; ++i) codes[i] = static_cast<Code>(encode_bits<route>(One{from[i]}, c).word);
}

// NaN is rare: a block that has one is done again the longer way. A single lane has no blocks to speak of.
template <class Code>
HALFULP_NOINLINE void encode_prefix_loop(const Codec<u32>& codec, const u32* from, Code* codes, usize n) {
  const Codec<u32> c = codec;
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; lanes > 1 && i + 4 * lanes <= n; i += 4 * lanes) {
    Narrow v[4];
    Narrow nan = Narrow::set(0);
    for (usize k = 0; k < 4; ++k) {
      const Narrow bits = load(from + i + k * lanes);
      nan = nan | is_nan(bits);
      v[k] = encode_prefix_number(bits, c);
    }
    if (any(nan)) {
      for (usize k = 0; k < 4; ++k) v[k] = encode_prefix(load(from + i + k * lanes), c);
    }
    store_block(codes + i, v);
  }
  for (; i < n; ++i) codes[i] = static_cast<Code>(encode_prefix(One{from[i]}, c).word);
}

#if defined(HALFULP_HAS_HALF)
template <bool distinct_nan, bool unsigned_zero, class Code>
HALFULP_NOINLINE usize encode_half_loop(const HalfRoute& half, const u32* from, Code* codes, usize n) {
  const HalfRoute h = half;
  constexpr usize lanes = Half::lanes;
  usize i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const Half v[2] = {encode_half<distinct_nan, unsigned_zero>(truncate_to_half(from + i, h), h),
                       encode_half<distinct_nan, unsigned_zero>(truncate_to_half(from + i + lanes, h), h)};
    store_block(codes + i, v);
  }
  return i;
}

template <class Code>
usize encode_half_as(const HalfRoute& h, const u32* from, Code* codes, usize n) {
  if (h.unsigned_zero) {
    return h.distinct_nan ? encode_half_loop<true, true>(h, from, codes, n)
                          : encode_half_loop<false, true>(h, from, codes, n);
  }
  return h.distinct_nan ? encode_half_loop<true, false>(h, from, codes, n)
                        : encode_half_loop<false, false>(h, from, codes, n);
}
#endif

#if defined(HALFULP_HAS_HALF)
HALFULP_NOINLINE inline usize encode_binary16_loop(const Codec<u32>& codec, const u32* from, u16* codes, usize n) {
  const BySign<u32> nan = codec.nan;
  constexpr usize lanes = Half::lanes;
  usize i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    Half v[2];
    for (usize k = 0; k < 2; ++k) {
      const Half bits = round_to_half(from + i + k * lanes);
      const Half is_nan = greater(bits & Half::set(0x7fff), Half::set(0x7c00));
      const Half sign = bits & Half::set(static_cast<u16>(nan.positive ^ nan.negative));
      v[k] = select(is_nan, Half::set(static_cast<u16>(nan.positive)) | sign, bits);
    }
    store_block(codes + i, v);
  }
  return i;
}

template <Rounding mode, class Code>
HALFULP_NOINLINE usize encode_integer_loop(const IntegerRoute& route, const u32* from, Code* codes, usize n) {
  const IntegerRoute r = route;
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    Narrow v[4];
    for (usize k = 0; k < 4; ++k) v[k] = round_to_integer<mode>(load(from + i + k * lanes), r);
    store_block(codes + i, v);
  }
  return i;
}

template <class Code>
usize encode_integer_as(const IntegerRoute& r, const u32* from, Code* codes, usize n) {
  switch (r.rounding) {
    case Rounding::nearest_even: return encode_integer_loop<Rounding::nearest_even>(r, from, codes, n);
    case Rounding::toward_zero: return encode_integer_loop<Rounding::toward_zero>(r, from, codes, n);
    case Rounding::toward_positive: return encode_integer_loop<Rounding::toward_positive>(r, from, codes, n);
    default: return encode_integer_loop<Rounding::toward_negative>(r, from, codes, n);
  }
}
#endif

// As many elements from the start as the shortcut of this target takes.
template <class Code>
usize encode_fast([[maybe_unused]] const Encoder& e, [[maybe_unused]] const u32* from, [[maybe_unused]] Code* codes,
                  [[maybe_unused]] usize n) {
#if defined(HALFULP_HAS_HALF)
  if constexpr (sizeof(Code) <= 2) {
    if (e.shortcut == Shortcut::half_route) return encode_half_as(e.half, from, codes, n);
    if (e.shortcut == Shortcut::integer) return encode_integer_as(e.integer, from, codes, n);
  }
  if constexpr (sizeof(Code) == 2) {
    if (e.shortcut == Shortcut::binary16) return encode_binary16_loop(e.narrow, from, codes, n);
  }
#endif
  return 0;
}

template <class Code>
void encode_as(const Encoder& e, const u32* from, Code* codes, usize n) {
  const usize done = encode_fast(e, from, codes, n);
  from += done;
  codes += done;
  n -= done;
  if (n == 0) return;
  switch (e.route) {
    case Route::prefix: return encode_prefix_loop(e.narrow, from, codes, n);
    case Route::common: return encode_loop<Route::common>(e.narrow, from, codes, n);
    case Route::any: return encode_loop<Route::any>(e.narrow, from, codes, n);
    default: return encode_loop<Route::deep>(e.narrow, from, codes, n);
  }
}

inline void encode_kernel(const Encoder& e, const u32* from, void* codes, usize n) {
  const Environment environment(e.shortcut == Shortcut::binary16 ? Rounding::nearest_even : Rounding::toward_zero);
  switch (e.code_bytes) {
    case 1: return encode_as(e, from, static_cast<u8*>(codes), n);
    case 2: return encode_as(e, from, static_cast<u16*>(codes), n);
    default: return encode_as(e, from, static_cast<u32*>(codes), n);
  }
}

// Takes apart elements of one source type, a few at a time: the loops that follow are compiled once, not once a type.
constexpr usize unpack_block = 32;

template <class F>
void unpack_each(usize n, Unpacked<Wide>* to, F&& unpack) {
  for (usize i = 0; i < n; ++i) to[i] = unpack(i);
}

template <class Int>
void unpack_integers(const Int* from, usize n, Unpacked<Wide>* to) {
  unpack_each(n, to, [from](usize i) {
    const bool negative = from[i] < 0;
    const u64 bits = static_cast<u64>(from[i]);
    return unpack_integer(negative, negative ? u64{0} - bits : bits);
  });
}

HALFULP_NOINLINE inline void unpack(Source source, bool flush, const void* from, usize start, usize n,
                                    Unpacked<Wide>* to) {
  const char* p = static_cast<const char*>(from) + start * source_bytes(source);
  const auto as = [p](auto typed) { return reinterpret_cast<const decltype(typed)*>(p); };
  const u64* longs = as(u64{});
  switch (source) {
    case Source::boolean: return unpack_each(n, to, [p](usize i) { return unpack_integer(false, p[i] != 0 ? 1 : 0); });
    case Source::int8: return unpack_integers(as(i8{}), n, to);
    case Source::int16: return unpack_integers(as(i16{}), n, to);
    case Source::int32: return unpack_integers(as(i32{}), n, to);
    case Source::int64: return unpack_integers(as(i64{}), n, to);
    case Source::uint8: return unpack_integers(as(u8{}), n, to);
    case Source::uint16: return unpack_integers(as(u16{}), n, to);
    case Source::uint32: return unpack_integers(as(u32{}), n, to);
    case Source::uint64: return unpack_integers(as(u64{}), n, to);
    case Source::binary16:
      return unpack_each(n, to, [=](usize i) { return unpack_binary<5, 10>(as(u16{})[i], flush); });
    case Source::binary32:
      return unpack_each(n, to, [=](usize i) { return unpack_binary<8, 23>(as(u32{})[i], flush); });
    case Source::binary64:
      return unpack_each(n, to, [=](usize i) { return unpack_binary<11, 52>(longs[i], flush); });
    case Source::x87:  // sixteen bytes: the significand, then sign and exponent
      return unpack_each(n, to, [=](usize i) {
        return unpack_x87(longs[2 * i], static_cast<u16>(longs[2 * i + 1]), flush);
      });
    case Source::binary128:
      return unpack_each(n, to, [=](usize i) { return unpack_binary128(longs[2 * i + 1], longs[2 * i], flush); });
    case Source::number: return unpack_each(n, to, [=](usize i) { return unpack_number(as(Number{})[i]); });
  }
}

template <class Code>
HALFULP_NOINLINE void encode_wide_as(const Codec<u64>& codec, Source source, bool flush, const void* from, Code* codes,
                                     usize n) {
  const Codec<u64> c = codec;
  Unpacked<Wide> x[unpack_block];
  for (usize start = 0; start < n; start += unpack_block) {
    const usize count = n - start < unpack_block ? n - start : unpack_block;
    unpack(source, flush, from, start, count, x);
    for (usize i = 0; i < count; ++i) codes[start + i] = static_cast<Code>(encode(x[i], c).word);
  }
}

inline void encode_wide_kernel(const Codec<u64>& c, int code_bytes, Source source, bool flush, const void* from,
                               void* codes, usize n) {
  switch (code_bytes) {
    case 1: return encode_wide_as(c, source, flush, from, static_cast<u8*>(codes), n);
    case 2: return encode_wide_as(c, source, flush, from, static_cast<u16*>(codes), n);
    case 4: return encode_wide_as(c, source, flush, from, static_cast<u32*>(codes), n);
    default: return encode_wide_as(c, source, flush, from, static_cast<u64*>(codes), n);
  }
}

// Integers of at most 24 bits are binary32 numbers: the conversion is exact, so no control word matters.
template <class Int>
usize narrow_integers(const void* from, u32* to, usize n) {
  const Int* p = static_cast<const Int*>(from);
  for (usize i = 0; i < n; ++i) {
    const float value = static_cast<float>(p[i]);
    std::memcpy(to + i, &value, sizeof value);
  }
  return n;
}

#if defined(HALFULP_HAS_HALF)
// Integers of 32 bits are binary64 numbers.
template <class Int>
usize narrow_through_double(const void* from, u32* to, usize n) {
  constexpr usize lanes = Narrow::lanes;
  const Int* p = static_cast<const Int*>(from);
  usize i = 0;
  for (; i + lanes <= n; i += lanes) {
    double exact[lanes];
    for (usize k = 0; k < lanes; ++k) exact[k] = static_cast<double>(p[i + k]);
    store(to + i, round_to_odd(exact));
  }
  return i;
}

inline usize narrow_halves(const void* from, u32* to, usize n) {
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) store(to + i, widen_half(static_cast<const u16*>(from) + i));
  return i;
}

inline usize narrow_doubles(const void* from, u32* to, usize n) {
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) store(to + i, round_to_odd(static_cast<const double*>(from) + i));
  return i;
}
#endif

// As many elements from the start as the fast ways of this target take.
HALFULP_NOINLINE inline usize narrow_fast(Source source, [[maybe_unused]] bool flush, const void* from, u32* to, usize n) {
  switch (source) {
    case Source::int8: return narrow_integers<i8>(from, to, n);
    case Source::uint8: return narrow_integers<u8>(from, to, n);
    case Source::int16: return narrow_integers<i16>(from, to, n);
    case Source::uint16: return narrow_integers<u16>(from, to, n);
#if defined(HALFULP_HAS_HALF)
    case Source::int32: return narrow_through_double<i32>(from, to, n);
    case Source::uint32: return narrow_through_double<u32>(from, to, n);
    case Source::binary16: return flush ? 0 : narrow_halves(from, to, n);
    case Source::binary64: return flush ? 0 : narrow_doubles(from, to, n);
#endif
    default: return 0;
  }
}

inline void narrow_kernel(Source source, bool flush, const void* from, u32* to, usize n) {
  usize done = 0;
  {
    const Environment environment;
    done = narrow_fast(source, flush, from, to, n);
  }
  const char* rest = static_cast<const char*>(from) + done * source_bytes(source);
  if (done < n) encode_wide_as(to_binary32_odd, source, flush, rest, to + done, n - done);
}

#if defined(HALFULP_HAS_HALF)
HALFULP_NOINLINE inline void widen_loop(const u32* from, u64* to, usize n) {
  for (usize i = 0; i < n; ++i) {
    float narrow;
    std::memcpy(&narrow, from + i, sizeof narrow);
    const double wide = narrow;
    std::memcpy(to + i, &wide, sizeof wide);
  }
}
#else
// In integers, for the processor may be set to flush the subnormals of binary32.
inline void widen_loop(const u32* from, u64* to, usize n) {
  constexpr Decoder<u64> binary32 = make_decoder<u64>(format("float32"));
  for (usize i = 0; i < n; ++i) {
    const u32 magnitude = from[i] & 0x7fffffff;
    const u64 sign = u64{from[i] >> 31} << 63;
    const bool normal = magnitude - 0x00800000u < 0x7f000000u;
    to[i] = normal ? sign | ((u64{magnitude} << 29) + (u64{1023 - 127} << 52))
                   : decode(Wide{from[i]}, binary32).word;
  }
}
#endif

inline void widen_kernel(const u32* from, u64* to, usize n) {
  const Environment environment;
  widen_loop(from, to, n);
}

template <DecodeRoute route, class V>
V decode_code(V code, const Decoder<u32>& d) {
  if constexpr (route == DecodeRoute::prefix) return decode_prefix(code, d);
  return decode(code, d);
}

template <DecodeRoute route, class Code>
HALFULP_NOINLINE void decode_loop(const Decoder<u32>& decoder, const Code* codes, u32* to, usize n) {
  const Decoder<u32> d = decoder;
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) store(to + i, decode_code<route>(load(codes + i), d));
  for (; i < n; ++i) to[i] = decode_code<route>(One{codes[i]}, d).word;
}

template <class Code>
HALFULP_NOINLINE void decode_wide_loop(const Decoder<u64>& decoder, const Code* codes, u64* to, usize n) {
  const Decoder<u64> d = decoder;
  for (usize i = 0; i < n; ++i) to[i] = decode(Wide{codes[i]}, d).word;
}

HALFULP_NOINLINE inline void decode_table_loop(const u32 (&table)[256], const u8* codes, u32* to, usize n) {
  for (usize i = 0; i < n; ++i) to[i] = table[codes[i]];
}

#if defined(HALFULP_HAS_HALF)
template <HalfSpecials specials, class Code>
HALFULP_NOINLINE usize decode_half_loop(const HalfDecoder& decoder, const Code* codes, u32* to, usize n) {
  const HalfDecoder d = decoder;
  constexpr usize lanes = Half::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) store_scaled(to + i, half_of_code<specials>(load_half(codes + i), d), d.scale);
  return i;
}

template <class Code>
usize decode_half_as(const HalfDecoder& d, const Code* codes, u32* to, usize n) {
  switch (d.specials) {
    case HalfSpecials::same: return decode_half_loop<HalfSpecials::same>(d, codes, to, n);
    case HalfSpecials::one_nan: return decode_half_loop<HalfSpecials::one_nan>(d, codes, to, n);
    default: return decode_half_loop<HalfSpecials::other>(d, codes, to, n);
  }
}

template <class Code>
HALFULP_NOINLINE usize decode_integer_loop(const IntegerRoute& route, const Code* codes, u32* to, usize n) {
  const IntegerRoute r = route;
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) store(to + i, integer_value(load(codes + i), r));
  return i;
}

HALFULP_NOINLINE inline usize decode_nibbles_loop(const ValueDecoder& d, const u8* codes, u32* to, usize n) {
  usize i = 0;
  for (; i + 16 <= n; i += 16) store_nibbles(to + i, codes + i, d.nibbles[0], d.nibbles[1]);
  return i;
}
#endif

// As many codes from the start as the fast ways of this target take.
template <class Code>
usize decode_fast([[maybe_unused]] const ValueDecoder& d, [[maybe_unused]] const Code* codes, [[maybe_unused]] u32* to,
                  [[maybe_unused]] usize n) {
#if defined(HALFULP_HAS_HALF)
  if constexpr (sizeof(Code) <= 2) {
    if (d.route == DecodeRoute::half) return decode_half_as(d.half, codes, to, n);
    if (d.route == DecodeRoute::integer) return decode_integer_loop(d.integer, codes, to, n);
  }
  if constexpr (sizeof(Code) == 1) {
    if (d.route == DecodeRoute::nibbles) return decode_nibbles_loop(d, codes, to, n);
  }
#endif
  return 0;
}

template <class Code>
void decode_as(const ValueDecoder& d, const Code* codes, u32* to, usize n) {
  const usize done = decode_fast(d, codes, to, n);
  codes += done;
  to += done;
  n -= done;
  if constexpr (sizeof(Code) == 1) {
    if (d.has_table) return decode_table_loop(d.table, codes, to, n);
  }
  if (d.route == DecodeRoute::prefix) return decode_loop<DecodeRoute::prefix>(d.narrow, codes, to, n);
  decode_loop<DecodeRoute::any>(d.narrow, codes, to, n);
}

inline void decode_kernel(const ValueDecoder& d, const void* codes, void* to, usize n) {
  const Environment environment;
  const auto as = [&](auto typed) {
    const auto* p = static_cast<const decltype(typed)*>(codes);
    return d.binary32 ? decode_as(d, p, static_cast<u32*>(to), n)
                      : decode_wide_loop(d.wide, p, static_cast<u64*>(to), n);
  };
  switch (d.code_bytes) {
    case 1: return as(u8{});
    case 2: return as(u16{});
    case 4: return as(u32{});
    default: return decode_wide_loop(d.wide, static_cast<const u64*>(codes), static_cast<u64*>(to), n);
  }
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
