// Operations on codes that are the upper halves of binary32 numbers (bfloat16): in registers from load to store.

namespace halfulp {
inline namespace HALFULP_TARGET {

#if defined(HALFULP_ARITHMETIC)

// Two codes in a word are two numbers: the second one where it stands, the first one moved up to the same place.
template <bool second>
HALFULP_INLINE Narrow number_of_half(Narrow words) {
  if constexpr (second) return words & Narrow::set(0xffff0000);
  return shl<16>(words);
}

template <Binary32Operation op, Rounding first, Rounding second, Increment kind, bool upper>
HALFULP_INLINE Narrow operate_on_half(Narrow a, Narrow b, Narrow c, const Codec<u32>& codec, Extremes& found) {
  const Narrow x = number_of_half<upper>(a);
  const Narrow y = number_of_half<upper>(b);
  const Narrow z = number_of_half<upper>(c);
  const Narrow result = odd_one(operate_once<op, first>(x, y, z), operate_once<op, second>(x, y, z));
  found.add(result);
  return round_prefix_number<kind>(result, codec);
}

// NaN and what overflows may come out wrong. n is a multiple of what two vectors hold.
template <Binary32Operation op, Rounding first, Rounding second, Increment kind>
HALFULP_NOINLINE Extremes operate_halves_loop(const Codec<u32>& codec, const char* const* codes, char* to, usize n) {
  const Codec<u32> k = codec;
  Extremes found;
  for (usize at = 0; at < 2 * n; at += sizeof(Narrow)) {
    const Narrow a = load(reinterpret_cast<const u32*>(codes[0] + at));
    const Narrow b = load(reinterpret_cast<const u32*>(codes[1] + at));
    const Narrow c = load(reinterpret_cast<const u32*>(codes[2] + at));
    const Narrow low = operate_on_half<op, first, second, kind, false>(a, b, c, k, found);
    const Narrow high = operate_on_half<op, first, second, kind, true>(a, b, c, k, found);
    const Narrow words = shr<16>(low) | (high & Narrow::set(0xffff0000));
    store(reinterpret_cast<u32*>(to + at), words);
  }
  return found;
}

template <Binary32Operation op, bool rounds>
Extremes operate_halves_as(const VectorOperation& o, const Codec<u32>& codec, const char* const* codes, char* to,
                           usize n) {
  static_assert(rounds, "both roundings are in one loop");
  constexpr Rounding down = Rounding::toward_negative;
  constexpr Rounding up = Rounding::toward_positive;
  if (o.negative_zero_sum) {
    return operate_halves_loop<op, up, down, Increment::by_sign>(codec, codes, to, n);
  }
  switch (increment_kind(codec)) {
    case Increment::nearest_even:
      return operate_halves_loop<op, down, up, Increment::nearest_even>(codec, codes, to, n);
    case Increment::by_sign: return operate_halves_loop<op, down, up, Increment::by_sign>(codec, codes, to, n);
    default: return operate_halves_loop<op, down, up, Increment::to_odd>(codec, codes, to, n);
  }
}

template <bool rounds>
Extremes operate_halves_block(const VectorOperation& o, const Codec<u32>& codec, const char* const* codes, char* to,
                              usize n) {
  switch (o.operation) {
    case Binary32Operation::add: return operate_halves_as<Binary32Operation::add, rounds>(o, codec, codes, to, n);
    case Binary32Operation::subtract:
      return operate_halves_as<Binary32Operation::subtract, rounds>(o, codec, codes, to, n);
    case Binary32Operation::multiply:
      return operate_halves_as<Binary32Operation::multiply, rounds>(o, codec, codes, to, n);
    case Binary32Operation::divide: return operate_halves_as<Binary32Operation::divide, rounds>(o, codec, codes, to, n);
    case Binary32Operation::fma: return operate_halves_as<Binary32Operation::fma, rounds>(o, codec, codes, to, n);
    default: return operate_halves_as<Binary32Operation::sqrt, rounds>(o, codec, codes, to, n);
  }
}

// Results may be where operands are, element for element, so they go there when the block is known to be good.
template <bool rounds>
usize operate_halves_kernel(const FastOperation& f, u32 watched, const void* const* codes, void* to, usize n,
                            Stores stores) {
  constexpr usize step = 512;
  static_assert(step % (2 * Narrow::lanes) == 0, "blocks are whole vectors");
  alignas(64) char results[2 * step];
  const Environment environment;
  usize i = 0;
  for (; i + step <= n; i += step) {
    const char* here[3];
    for (int k = 0; k < 3; ++k) here[k] = static_cast<const char*>(codes[k]) + 2 * i;
    const Extremes found = operate_halves_block<rounds>(f.vector, f.encoder.narrow, here, results, step);
    if ((found.examined(f.rules) & watched) != 0) return i;
    store_kernel(results, static_cast<char*>(to) + 2 * i, sizeof results, stores);
  }
  return i;
}

#endif

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
