// Encoding loops of one target: binary32 to codes, by the shortcut or the route of the codec.

namespace halfulp {
inline namespace HALFULP_TARGET {

template <Route route, class V>
inline V encode_bits(V bits, const Codec<u32>& c) {
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

#if defined(HALFULP_SHORTCUTS)
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
#if defined(HALFULP_SHORTCUTS)
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

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
