// Conversions to and from packed nibbles of one target: codes that are never a byte each.

namespace halfulp {
inline namespace HALFULP_TARGET {

#if defined(HALFULP_SHORTCUTS)
// Whether any of eight vectors of binary32 numbers has a NaN.
inline bool has_nan(const u32* from) {
  bool nan = false;
  for (usize half = 0; half < 2; ++half) {
    Narrow x[4];
    for (usize k = 0; k < 4; ++k) x[k] = load(from + (4 * half + k) * Narrow::lanes);
    nan = any_nan(x) || nan;
  }
  return nan;
}

template <bool unsigned_zero>
HALFULP_NOINLINE Bytes encode_half_bytes_with_nan(const u32* from, const HalfRoute& h) {
  return encode_half_bytes<true, unsigned_zero>(from, h);
}

// NaN is rare: a block that has none of it is spared the selects.
template <bool distinct_nan, bool unsigned_zero>
HALFULP_NOINLINE usize encode_half_nibbles(const HalfRoute& half, bool high_first, const u32* from, u8* packed,
                                           usize n) {
  const HalfRoute h = half;
  const NibblePairs pairs(high_first);
  constexpr usize part = 2 * Half::lanes;
  usize i = 0;
  for (; i + 2 * part <= n; i += 2 * part) {
    Bytes codes[2];
    for (usize k = 0; k < 2; ++k) codes[k] = encode_half_bytes<false, unsigned_zero>(from + i + k * part, h);
    if (distinct_nan && has_nan(from + i)) {
      for (usize k = 0; k < 2; ++k) codes[k] = encode_half_bytes_with_nan<unsigned_zero>(from + i + k * part, half);
    }
    pairs.store(packed + i / 2, codes[0], codes[1]);
  }
  return i;
}

// The other modes: a block that has Inf or NaN is encoded the longer way.
template <Increment kind>
HALFULP_NOINLINE usize encode_half_number_nibbles(const Encoder& e, bool high_first, const u32* from, u8* packed,
                                                  usize n) {
  const HalfRoute h = e.half;
  const NibblePairs pairs(high_first);
  constexpr usize part = 2 * Half::lanes;
  usize i = 0;
  for (; i + 2 * part <= n; i += 2 * part) {
    bool all_numbers[2];
    Bytes v[2];
    for (usize k = 0; k < 2; ++k) v[k] = encode_half_numbers<kind>(from + i + k * part, h, all_numbers[k]);
    pairs.store(packed + i / 2, v[0], v[1]);
    if (all_numbers[0] && all_numbers[1]) continue;
    u8 codes[2 * part];
    encode_loop<Route::any>(e.narrow, from + i, codes, 2 * part);
    pack_kernel({high_first ? Order::high_first : Order::low_first, 4}, codes, packed + i / 2, 2 * part);
  }
  return i;
}

// A block that has a NaN goes by way of its codes.
template <Rounding mode, bool scaled>
HALFULP_NOINLINE usize encode_integer_nibbles(const IntegerRoute& route, bool high_first, const u32* from, u8* packed,
                                              usize n) {
  const IntegerRoute r = route;
  const NibblePairs pairs(high_first);
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + 8 * lanes <= n; i += 8 * lanes) {
    Narrow v[2][4];
    bool nan = false;
    for (usize half = 0; half < 2; ++half) {
      Narrow bits[4];
      for (usize k = 0; k < 4; ++k) {
        bits[k] = load(from + i + (4 * half + k) * lanes);
        v[half][k] = round_below<mode, scaled>(bits[k], r);
      }
      nan = any_nan(bits) || nan;
    }
    if (nan) {
      for (usize k = 0; k < 8; ++k) v[k / 4][k % 4] = round_to_integer<mode>(load(from + i + k * lanes), r);
    }
    pairs.store_integers(packed + i / 2, v[0], v[1], r);
  }
  return i;
}

inline usize encode_half_nibbles_as(const Encoder& e, bool high_first, const u32* from, u8* packed, usize n) {
  const HalfRoute& h = e.half;
  if (h.kind == Increment::by_sign) {
    return encode_half_number_nibbles<Increment::by_sign>(e, high_first, from, packed, n);
  }
  if (h.kind == Increment::to_odd) {
    return encode_half_number_nibbles<Increment::to_odd>(e, high_first, from, packed, n);
  }
  if (h.unsigned_zero) {
    return h.distinct_nan ? encode_half_nibbles<true, true>(h, high_first, from, packed, n)
                          : encode_half_nibbles<false, true>(h, high_first, from, packed, n);
  }
  return h.distinct_nan ? encode_half_nibbles<true, false>(h, high_first, from, packed, n)
                        : encode_half_nibbles<false, false>(h, high_first, from, packed, n);
}

template <Rounding mode>
usize encode_integer_nibbles_as(const IntegerRoute& r, bool high_first, const u32* from, u8* packed, usize n) {
  return r.scale == 0x3f800000 ? encode_integer_nibbles<mode, false>(r, high_first, from, packed, n)
                               : encode_integer_nibbles<mode, true>(r, high_first, from, packed, n);
}
inline usize encode_integer_nibbles_as(const IntegerRoute& r, bool high_first, const u32* from, u8* packed, usize n) {
  switch (r.rounding) {
    case Rounding::nearest_even:
      return encode_integer_nibbles_as<Rounding::nearest_even>(r, high_first, from, packed, n);
    case Rounding::toward_zero: return encode_integer_nibbles_as<Rounding::toward_zero>(r, high_first, from, packed, n);
    case Rounding::nearest_away:
      return encode_integer_nibbles_as<Rounding::nearest_away>(r, high_first, from, packed, n);
    case Rounding::to_odd: return encode_integer_nibbles_as<Rounding::to_odd>(r, high_first, from, packed, n);
    case Rounding::toward_positive:
      return encode_integer_nibbles_as<Rounding::toward_positive>(r, high_first, from, packed, n);
    default: return encode_integer_nibbles_as<Rounding::toward_negative>(r, high_first, from, packed, n);
  }
}
#endif

// As many elements from the start, an even number, as the fast ways of this target take.
inline usize encode_nibbles_fast([[maybe_unused]] const Encoder& e, [[maybe_unused]] bool high_first,
                                 [[maybe_unused]] const u32* from, [[maybe_unused]] u8* packed,
                                 [[maybe_unused]] usize n) {
#if defined(HALFULP_SHORTCUTS)
  if (e.shortcut == Shortcut::half_route) return encode_half_nibbles_as(e, high_first, from, packed, n);
  if (e.shortcut == Shortcut::integer) return encode_integer_nibbles_as(e.integer, high_first, from, packed, n);
#endif
  return 0;
}

// Binary32 bits to nibbles in the order of their bytes, for every route but `wide`.
inline void encode_nibbles_kernel(const Encoder& e, bool high_first, const u32* from, u8* packed, usize n,
                                  Stores stores) {
  const Environment environment(encode_rounding(e));
  const Packing p = {high_first ? Order::high_first : Order::low_first, 4};
  const auto some = [&](const u32* numbers, u8* to, usize count) {
    u8 codes[block_lanes];
    for (usize i = encode_nibbles_fast(e, high_first, numbers, to, count); i < count; i += block_lanes) {
      const usize part = count - i < block_lanes ? count - i : block_lanes;
      encode_as(e, numbers + i, codes, part);
      pack_kernel(p, codes, to + i / 2, part);
    }
  };
  make_result(packed, n / 2, stores, [&](usize start, usize bytes, u8* to) { some(from + 2 * start, to, 2 * bytes); });
  if (n % 2 != 0) some(from + n - 1, packed + n / 2, 1);
}

// Nibbles in the order of their bytes to binary32: as many from the start as the fast way of this target takes.
inline usize decode_nibbles_fast([[maybe_unused]] const ValueDecoder& d, [[maybe_unused]] bool high_first,
                                 [[maybe_unused]] const u8* packed, [[maybe_unused]] u32* to,
                                 [[maybe_unused]] usize n) {
  usize i = 0;
#if defined(HALFULP_SHORTCUTS)
  if (d.route != DecodeRoute::nibbles) return 0;
  const NibbleValues values(d.planes[0], d.planes[1], d.table, high_first);
  for (; i + 32 <= n; i += 32) values.store(to + i, packed + i / 2);
#endif
  return i;
}

inline void decode_nibbles_kernel(const ValueDecoder& d, bool high_first, const u8* packed, u32* to, usize n,
                                  Stores stores) {
  const Environment environment;
  const Packing p = {high_first ? Order::high_first : Order::low_first, 4};
  // Pieces begin at a cache line of the result, which should also be the beginning of a byte.
  if (reinterpret_cast<usize>(to) % 8 != 0) stores = Stores::cached;
  make_result(to, n, stores, [&](usize start, usize count, u32* piece) {
    const u8* from = packed + start / 2;
    u8 codes[block_lanes];
    for (usize i = decode_nibbles_fast(d, high_first, from, piece, count); i < count; i += block_lanes) {
      const usize part = count - i < block_lanes ? count - i : block_lanes;
      unpack_kernel(p, from + i / 2, codes, part);
      decode_any(d, codes, piece + i, part);
    }
  });
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
