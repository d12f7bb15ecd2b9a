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
template <Increment kind, class Code>
HALFULP_NOINLINE void encode_prefix_loop(const Codec<u32>& codec, const u32* from, Code* codes, usize n) {
  const Codec<u32> c = codec;
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; lanes > 1 && i + 4 * lanes <= n; i += 4 * lanes) {
    Narrow bits[4], v[4];
    for (usize k = 0; k < 4; ++k) {
      bits[k] = load(from + i + k * lanes);
      v[k] = encode_prefix_number<kind>(bits[k], c);
    }
    if (any_nan(bits)) {
      for (usize k = 0; k < 4; ++k) v[k] = encode_prefix<kind>(bits[k], c);
    }
    store_block(codes + i, v);
  }
  for (; i < n; ++i) codes[i] = static_cast<Code>(encode_prefix<kind>(One{from[i]}, c).word);
}

template <class Code>
void encode_prefix_as(const Codec<u32>& c, const u32* from, Code* codes, usize n) {
  switch (increment_kind(c)) {
    case Increment::nearest_even: return encode_prefix_loop<Increment::nearest_even>(c, from, codes, n);
    case Increment::by_sign: return encode_prefix_loop<Increment::by_sign>(c, from, codes, n);
    default: return encode_prefix_loop<Increment::to_odd>(c, from, codes, n);
  }
}

#if defined(HALFULP_UPPER_HALVES)
// bfloat16 is the upper half, so all of the rounding is done in 16-bit lanes.
template <Increment kind>
HALFULP_NOINLINE usize encode_upper_halves_loop(const Codec<u32>& codec, const u32* from, u16* codes, usize n) {
  const Codec<u32> c = codec;
  const BySign<u16> stays = halves_to_stay(codec);
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    Narrow bits[4];
    for (usize k = 0; k < 4; ++k) bits[k] = load(from + i + k * lanes);
    if (any_nan(bits)) {
      for (Narrow& each : bits) each = encode_prefix<kind>(each, c);
      store_block(codes + i, bits);
    } else {
      store(codes + i, round_upper_halves<kind>(bits[0], bits[1], stays));
      store(codes + i + 2 * lanes, round_upper_halves<kind>(bits[2], bits[3], stays));
    }
  }
  return i;
}

inline usize encode_upper_halves_as(const Codec<u32>& c, const u32* from, u16* codes, usize n) {
  switch (increment_kind(c)) {
    case Increment::nearest_even: return encode_upper_halves_loop<Increment::nearest_even>(c, from, codes, n);
    case Increment::by_sign: return encode_upper_halves_loop<Increment::by_sign>(c, from, codes, n);
    default: return encode_upper_halves_loop<Increment::to_odd>(c, from, codes, n);
  }
}
#endif

#if defined(HALFULP_SHORTCUTS)
// Two vectors' worth of codes. Sign and NaN join in lanes as wide as the codes: half the work for those of a byte.
template <bool distinct_nan, bool unsigned_zero>
HALFULP_INLINE Bytes encode_half_bytes(const u32* from, const HalfRoute& h) {
  Half bits[2], magnitude[2], code[2], nan[2];
  for (usize k = 0; k < 2; ++k) {
    const TruncatedHalf x = truncate_to_half(from + k * Half::lanes, h);
    bits[k] = x.bits;
    magnitude[k] = x.bits & Half::set(0x7fff);
    code[k] = round_half(magnitude[k], x.lost, h);
    nan[k] = greater(magnitude[k], Half::set(0x7c00));
  }
  const Bytes all = narrow(code[0], code[1]);
  const Bytes is_nan = distinct_nan ? narrow_mask(nan[0], nan[1]) : all;
  return finish_half<distinct_nan, unsigned_zero>(all, negative(bits[0], bits[1]), is_nan, h);
}

template <bool distinct_nan, bool unsigned_zero>
HALFULP_NOINLINE usize encode_half_loop(const HalfRoute& half, const u32* from, u8* codes, usize n) {
  const HalfRoute h = half;
  constexpr usize step = 2 * Half::lanes;
  usize i = 0;
  for (; i + step <= n; i += step) {
    store_ordered(codes + i, encode_half_bytes<distinct_nan, unsigned_zero>(from + i, h));
  }
  return i;
}

template <bool distinct_nan, bool unsigned_zero>
HALFULP_NOINLINE usize encode_half_loop(const HalfRoute& half, const u32* from, u16* codes, usize n) {
  const HalfRoute h = half;
  constexpr usize lanes = Half::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) {
    const TruncatedHalf x = truncate_to_half(from + i, h);
    const Half magnitude = x.bits & Half::set(0x7fff);
    const Half code = round_half(magnitude, x.lost, h);
    const Half nan = greater(magnitude, Half::set(0x7c00));
    const Half sign = equal(x.bits & Half::set(0x8000), Half::set(0x8000));
    store(codes + i, finish_half<distinct_nan, unsigned_zero>(code, sign, nan, h));
  }
  return i;
}

// The other modes. Inf and NaN are rare: a block that has one is done again the longer way.
constexpr u16 largest_half = 0x7bff;

template <Increment kind>
HALFULP_INLINE Half round_half_numbers(const Narrow (&x)[2], const HalfRoute& h, Half& bits, Half& magnitude) {
  bits = to_half<true>(x, h.scale);
  magnitude = bits & Half::set(0x7fff);
  if constexpr (kind == Increment::by_sign) return round_half_by_sign(bits, magnitude, h);
  const Half kept = Half::set(h.kept);
  return round_half_to_odd(magnitude & kept, lost_by_half<true>(x, bits & kept, h.unscale), h);
}

// Two vectors' worth of codes; `all_numbers` if they mean something.
template <Increment kind>
HALFULP_INLINE Bytes encode_half_numbers(const u32* from, const HalfRoute& h, bool& all_numbers) {
  Half bits[2], magnitude[2], code[2];
  for (usize k = 0; k < 2; ++k) {
    const u32* p = from + k * Half::lanes;
    const Narrow x[2] = {load(p), load(p + Narrow::lanes)};
    code[k] = round_half_numbers<kind>(x, h, bits[k], magnitude[k]);
  }
  all_numbers = !any_beyond(magnitude[0], magnitude[1], largest_half);
  return finish_half_number(narrow(code[0], code[1]), negative(bits[0], bits[1]), h);
}

template <Increment kind>
HALFULP_NOINLINE usize encode_half_numbers_loop(const Encoder& e, const u32* from, u8* codes, usize n) {
  const HalfRoute h = e.half;
  constexpr usize step = 2 * Half::lanes;
  usize i = 0;
  for (; i + step <= n; i += step) {
    bool all_numbers;
    const Bytes v = encode_half_numbers<kind>(from + i, h, all_numbers);
    store_ordered(codes + i, v);
    if (!all_numbers) encode_loop<Route::any>(e.narrow, from + i, codes + i, step);
  }
  return i;
}

template <Increment kind>
HALFULP_NOINLINE usize encode_half_numbers_loop(const Encoder& e, const u32* from, u16* codes, usize n) {
  const HalfRoute h = e.half;
  constexpr usize lanes = Half::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Narrow x[2] = {load(from + i), load(from + i + Narrow::lanes)};
    Half bits, magnitude;
    const Half code = round_half_numbers<kind>(x, h, bits, magnitude);
    store(codes + i, finish_half_number(code, greater(Half::set(0), bits), h));
    if (any_beyond(magnitude, magnitude, largest_half)) encode_loop<Route::any>(e.narrow, from + i, codes + i, lanes);
  }
  return i;
}

template <class Code>
usize encode_half_as(const Encoder& e, const u32* from, Code* codes, usize n) {
  const HalfRoute& h = e.half;
  if (h.kind == Increment::by_sign) return encode_half_numbers_loop<Increment::by_sign>(e, from, codes, n);
  if (h.kind == Increment::to_odd) return encode_half_numbers_loop<Increment::to_odd>(e, from, codes, n);
  if (h.unsigned_zero) {
    return h.distinct_nan ? encode_half_loop<true, true>(h, from, codes, n)
                          : encode_half_loop<false, true>(h, from, codes, n);
  }
  return h.distinct_nan ? encode_half_loop<true, false>(h, from, codes, n)
                        : encode_half_loop<false, false>(h, from, codes, n);
}

// Binary16 itself, rounded by the environment. nearest_away: the lowest bit makes every tie more than one and decides
// nothing else; it turns Inf into NaN, though. to_odd: truncated, and odd where that lost something.
template <Rounding mode>
HALFULP_NOINLINE usize encode_binary16_loop(const Codec<u32>& codec, const u32* from, u16* codes, usize n) {
  const BySign<u32> nan = codec.nan;
  constexpr usize lanes = Half::lanes;
  usize i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    Narrow x[4];
    for (usize k = 0; k < 4; ++k) {
      x[k] = load(from + i + k * Narrow::lanes);
      if constexpr (mode == Rounding::nearest_away) x[k] = x[k] | Narrow::set(1);
    }
    const bool has_nan = any_nan(x);
    if (mode == Rounding::nearest_away && has_nan) {
      encode_loop<Route::any>(codec, from + i, codes + i, 2 * lanes);
      continue;
    }
    for (usize k = 0; k < 2; ++k) {
      const Narrow pair[2] = {x[2 * k], x[2 * k + 1]};
      Half bits = to_half<false>(pair, 0);
      if constexpr (mode == Rounding::to_odd) {
        bits = odd_where_lost(bits, lost_by_half<false>(pair, bits, 0));
      }
      if (has_nan) {
        const Half is_nan = greater(bits & Half::set(0x7fff), Half::set(0x7c00));
        const Half sign = bits & Half::set(static_cast<u16>(nan.positive ^ nan.negative));
        bits = select(is_nan, Half::set(static_cast<u16>(nan.positive)) | sign, bits);
      }
      store(codes + i + k * lanes, bits);
    }
  }
  return i;
}

// By the environment, nearest even or directed, unless it takes more than that.
inline usize encode_binary16_as(const Encoder& e, const u32* from, u16* codes, usize n) {
  switch (e.rounding) {
    case Rounding::nearest_away: return encode_binary16_loop<Rounding::nearest_away>(e.narrow, from, codes, n);
    case Rounding::to_odd: return encode_binary16_loop<Rounding::to_odd>(e.narrow, from, codes, n);
    default: return encode_binary16_loop<Rounding::nearest_even>(e.narrow, from, codes, n);
  }
}

template <Rounding mode>
HALFULP_NOINLINE usize encode_integer_loop(const IntegerRoute& route, const u32* from, u16* codes, usize n) {
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

// To a byte most of the clamping happens after packing, which NaN would not survive: a block with one goes the way of
// the wider codes.
template <Rounding mode, bool scaled>
HALFULP_NOINLINE usize encode_small_integer_loop(const IntegerRoute& route, const u32* from, u8* codes, usize n) {
  const IntegerRoute r = route;
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    Narrow bits[4], v[4];
    for (usize k = 0; k < 4; ++k) {
      bits[k] = load(from + i + k * lanes);
      v[k] = round_below<mode, scaled>(bits[k], r);
    }
    if (any_nan(bits)) {
      for (usize k = 0; k < 4; ++k) v[k] = round_to_integer<mode>(bits[k], r);
      store_block(codes + i, v);
    } else {
      store_integers(codes + i, v, r);
    }
  }
  return i;
}

template <Rounding mode>
usize encode_integer_loop(const IntegerRoute& r, const u32* from, u8* codes, usize n) {
  return r.scale == 0x3f800000 ? encode_small_integer_loop<mode, false>(r, from, codes, n)
                               : encode_small_integer_loop<mode, true>(r, from, codes, n);
}

template <class Code>
usize encode_integer_as(const IntegerRoute& r, const u32* from, Code* codes, usize n) {
  switch (r.rounding) {
    case Rounding::nearest_even: return encode_integer_loop<Rounding::nearest_even>(r, from, codes, n);
    case Rounding::toward_zero: return encode_integer_loop<Rounding::toward_zero>(r, from, codes, n);
    case Rounding::toward_positive: return encode_integer_loop<Rounding::toward_positive>(r, from, codes, n);
    case Rounding::nearest_away: return encode_integer_loop<Rounding::nearest_away>(r, from, codes, n);
    case Rounding::to_odd: return encode_integer_loop<Rounding::to_odd>(r, from, codes, n);
    default: return encode_integer_loop<Rounding::toward_negative>(r, from, codes, n);
  }
}
#endif

HALFULP_NOINLINE inline usize encode_binary32_loop(const Codec<u64>& codec, const u32* from, u32* codes, usize n) {
  const BySign<u64> nan = codec.nan;
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) store(codes + i, encode_binary32(load(from + i), nan));
  for (; i < n; ++i) codes[i] = encode_binary32(One{from[i]}, nan).word;
  return n;
}

// As many elements from the start as the shortcut of this target takes.
template <class Code>
usize encode_fast([[maybe_unused]] const Encoder& e, [[maybe_unused]] const u32* from, [[maybe_unused]] Code* codes,
                  [[maybe_unused]] usize n) {
  if constexpr (sizeof(Code) == 4) {
    if (e.shortcut == Shortcut::binary32) return encode_binary32_loop(e.wide, from, codes, n);
  }
#if defined(HALFULP_SHORTCUTS)
  if constexpr (sizeof(Code) <= 2) {
    if (e.shortcut == Shortcut::half_route) return encode_half_as(e, from, codes, n);
    if (e.shortcut == Shortcut::integer) return encode_integer_as(e.integer, from, codes, n);
  }
  if constexpr (sizeof(Code) == 2) {
    if (e.shortcut == Shortcut::binary16) return encode_binary16_as(e, from, codes, n);
#if defined(HALFULP_UPPER_HALVES)
    if (e.route == Route::prefix && e.narrow.shift == 16) return encode_upper_halves_as(e.narrow, from, codes, n);
#endif
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
  if (e.shortcut != Shortcut::none) {
    constexpr usize whole = 4 * Narrow::lanes;
    const auto fast = [&](const u32* in, Code* out) { return encode_fast(e, in, out, whole); };
    if (in_one_block<whole>(from, codes, n, fast)) return;
  }
  switch (e.route) {
    case Route::codebook:
      if constexpr (sizeof(Code) == 1) encode_levels(e.levels, from, codes, n);
      return;
    case Route::prefix: return encode_prefix_as(e.narrow, from, codes, n);
    case Route::common: return encode_loop<Route::common>(e.narrow, from, codes, n);
    case Route::any: return encode_loop<Route::any>(e.narrow, from, codes, n);
    default: return encode_loop<Route::deep>(e.narrow, from, codes, n);
  }
}

// What conversions that name no rounding must do.
inline Rounding encode_rounding(const Encoder& e) {
  const Rounding binary16 = e.rounding == Rounding::nearest_away ? Rounding::nearest_even
                            : e.rounding == Rounding::to_odd     ? Rounding::toward_zero
                                                                 : e.rounding;
  return e.shortcut == Shortcut::integer      ? e.integer.conversion
         : e.shortcut == Shortcut::half_route ? e.half.conversion
         : e.shortcut == Shortcut::binary16   ? binary16
         : e.shortcut == Shortcut::binary32   ? Rounding::nearest_even
                                              : Rounding::toward_zero;
}

inline void encode_kernel(const Encoder& e, const u32* from, void* codes, usize n) {
  const Environment environment(encode_rounding(e));
  switch (e.code_bytes) {
    case 1: return encode_as(e, from, static_cast<u8*>(codes), n);
    case 2: return encode_as(e, from, static_cast<u16*>(codes), n);
    default: return encode_as(e, from, static_cast<u32*>(codes), n);
  }
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
