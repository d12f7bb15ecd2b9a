// Changing the width of numbers in one target: any source to binary32, binary32 to binary64.

namespace halfulp {
inline namespace HALFULP_TARGET {

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

inline usize narrow_booleans(const void* from, u32* to, usize n) {
  const u8* p = static_cast<const u8*>(from);
  for (usize i = 0; i < n; ++i) to[i] = p[i] != 0 ? 0x3f800000 : 0;
  return n;
}

#if defined(HALFULP_SHORTCUTS)
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

// Integers of 64 bits are rounded to odd in 53 bits first, which makes them binary64 numbers.
template <class Int>
usize narrow_longs(const void* from, u32* to, usize n) {
  constexpr usize lanes = Narrow::lanes;
  const Int* p = static_cast<const Int*>(from);
  usize i = 0;
  for (; i + lanes <= n; i += lanes) {
    double exact[lanes];
    for (usize k = 0; k < lanes; ++k) {
      const bool negative = p[i + k] < 0;
      const u64 bits = static_cast<u64>(p[i + k]);
      const u64 magnitude = negative ? u64{0} - bits : bits;
      const u64 sticky = (magnitude & 0x7ff) != 0 ? 0x800 : 0;
      const u64 odd = (magnitude >> 53) != 0 ? (magnitude & ~u64{0x7ff}) | sticky : magnitude;
      const double value = static_cast<double>(odd >> 32) * 4294967296.0 + static_cast<double>(odd & 0xffffffff);
      exact[k] = negative ? -value : value;
    }
    store(to + i, round_to_odd(exact));
  }
  return i;
}

HALFULP_NOINLINE inline usize narrow_halves(const void* from, u32* to, usize n) {
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

HALFULP_NOINLINE inline usize round_doubles(const void* from, u32* to, usize n) {
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) store(to + i, round_to_nearest(static_cast<const double*>(from) + i));
  return i;
}
#endif

// As many elements from the start as the fast ways of this target take.
HALFULP_NOINLINE inline usize narrow_fast(Source source, [[maybe_unused]] bool flush, const void* from, u32* to,
                                          usize n) {
  switch (source) {
    case Source::boolean: return narrow_booleans(from, to, n);
    case Source::int8: return narrow_integers<i8>(from, to, n);
    case Source::uint8: return narrow_integers<u8>(from, to, n);
    case Source::int16: return narrow_integers<i16>(from, to, n);
    case Source::uint16: return narrow_integers<u16>(from, to, n);
#if defined(HALFULP_SHORTCUTS)
    case Source::int32: return narrow_through_double<i32>(from, to, n);
    case Source::uint32: return narrow_through_double<u32>(from, to, n);
    case Source::int64: return narrow_longs<i64>(from, to, n);
    case Source::uint64: return narrow_longs<u64>(from, to, n);
    case Source::binary16: return flush ? 0 : narrow_halves(from, to, n);
    case Source::binary64: return flush ? 0 : narrow_doubles(from, to, n);
#endif
    default: return 0;
  }
}

// Rounded to nearest, under an environment that does: for the format binary32 itself.
inline void narrow_to_nearest(Source source, const void* from, u32* to, usize n) {
  usize done = 0;
  switch (source) {
    case Source::boolean:
    case Source::int8:
    case Source::uint8:
    case Source::int16:
    case Source::uint16: done = narrow_fast(source, false, from, to, n); break;
#if defined(HALFULP_SHORTCUTS)
    case Source::binary16: done = narrow_halves(from, to, n); break;
    case Source::binary64: done = round_doubles(from, to, n); break;
#endif
    default: break;
  }
  const char* rest = static_cast<const char*>(from) + done * source_bytes(source);
  if (done < n) encode_wide_as(to_binary32_nearest, source, false, rest, to + done, n - done);
}

inline void narrow_block(Source source, bool flush, const void* from, u32* to, usize n) {
  const usize done = narrow_fast(source, flush, from, to, n);
  const char* rest = static_cast<const char*>(from) + done * source_bytes(source);
  if (done < n) encode_wide_as(to_binary32_odd, source, flush, rest, to + done, n - done);
}

inline void narrow_kernel(Source source, bool flush, const void* from, u32* to, usize n) {
  const Environment environment;
  narrow_block(source, flush, from, to, n);
}

#if defined(HALFULP_SHORTCUTS)
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
    to[i] = normal ? sign | ((u64{magnitude} << 29) + (u64{1023 - 127} << 52)) : decode(Wide{from[i]}, binary32).word;
  }
}
#endif

inline void widen_kernel(const u32* from, u64* to, usize n) {
  const Environment environment;
  widen_loop(from, to, n);
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
