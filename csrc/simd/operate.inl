// Arithmetic of one target: binary32 operations rounded to odd, and what their results say about exceptions.

namespace halfulp {
inline namespace HALFULP_TARGET {

#if defined(HALFULP_ARITHMETIC)

// One operation under two roundings, down and up. Where it is exact they agree; else they are neighbours, and the one
// with the odd code is the result rounded to odd.
template <Binary32Operation op, Rounding mode>
HALFULP_INLINE Narrow operate_once(Narrow a, Narrow b, Narrow c) {
  if constexpr (op == Binary32Operation::add) return add_binary32<mode>(a, b);
  if constexpr (op == Binary32Operation::subtract) return subtract_binary32<mode>(a, b);
  if constexpr (op == Binary32Operation::multiply) return multiply_binary32<mode>(a, b);
  if constexpr (op == Binary32Operation::divide) return divide_binary32<mode>(a, b);
  if constexpr (op == Binary32Operation::sqrt) return sqrt_binary32<mode>(a);
  if constexpr (op == Binary32Operation::fma) return fma_binary32<mode>(a, b, c);
  return a;
}

template <Binary32Operation op, Rounding mode>
HALFULP_INLINE Narrow operate_once(const u32* a, const u32* b, const u32* c, usize i) {
  return operate_once<op, mode>(load(a + i), load(b + i), load(c + i));
}

inline Narrow odd_one(Narrow first, Narrow second) {
  const Narrow one = Narrow::set(1);
  return select(equal(first & one, one), first, second);
}

// The numbers nearest to zero and farthest from it among results, gathered from all.
struct Extremes {
  // Magnitudes but for zero less 1, turned so that zero is the greatest of signed integers.
  Narrow least = Narrow::set(0x7fffffff);
  Narrow most = Narrow::set(0);

  HALFULP_INLINE void add(Narrow bits) {
    const Narrow magnitude = bits & Narrow::set(0x7fffffff);
    least = min(least, magnitude + Narrow::set(0x7fffffff));
    most = max(most, magnitude);
  }

  // Whether any may have raised something; exact numbers well within the range raise nothing.
  u32 examined(const FlagRules& r) const {
    const u32 not_tiny = r.tiny_positive > r.tiny_negative ? r.tiny_positive : r.tiny_negative;
    const u32 over = r.over_positive < r.over_negative ? r.over_positive : r.over_negative;
    const u32 large = over < r.ambiguous ? over : r.ambiguous;
    const Narrow tiny = greater(Narrow::set(not_tiny + 0x7fffffff), least) & Narrow::set(examined_tiny);
    const Narrow beyond = greater(most, Narrow::set(large - 1)) & Narrow::set(examined_large);
    u32 words[Narrow::lanes];
    store(words, tiny | beyond);
    u32 all = 0;
    for (const u32 word : words) all |= word;
    return not_tiny > 1 ? all : all & ~examined_tiny;
  }
};

template <Binary32Operation op, Rounding mode>
HALFULP_NOINLINE Extremes operate_loop(const u32* a, const u32* b, const u32* c, u32* to, usize n) {
  Extremes found;
  for (usize i = 0; i < n; i += Narrow::lanes) {
    const Narrow v = operate_once<op, mode>(a, b, c, i);
    found.add(v);
    store(to + i, v);
  }
  return found;
}

template <Binary32Operation op, Rounding mode>
HALFULP_NOINLINE Extremes operate_again_loop(const u32* a, const u32* b, const u32* c, u32* to, usize n) {
  Extremes found;
  for (usize i = 0; i < n; i += Narrow::lanes) {
    const Narrow v = odd_one(load(to + i), operate_once<op, mode>(a, b, c, i));
    found.add(v);
    store(to + i, v);
  }
  return found;
}

// Where instructions carry their own rounding, both in one go.
template <Binary32Operation op, Rounding first, Rounding second>
HALFULP_NOINLINE Extremes operate_both_loop(const u32* a, const u32* b, const u32* c, u32* to, usize n) {
  Extremes found;
  for (usize i = 0; i < n; i += Narrow::lanes) {
    const Narrow v = odd_one(operate_once<op, first>(a, b, c, i), operate_once<op, second>(a, b, c, i));
    found.add(v);
    store(to + i, v);
  }
  return found;
}

// Under an environment in which subnormal numbers are seen.
template <Binary32Operation op, Rounding first, Rounding second>
Extremes operate_as(bool exact, const u32* a, const u32* b, const u32* c, u32* to, usize n) {
  if constexpr (instructions_round) {
    return exact ? operate_loop<op, second>(a, b, c, to, n) : operate_both_loop<op, first, second>(a, b, c, to, n);
  }
  if (exact) {
    const Environment environment(second);
    return operate_loop<op, second>(a, b, c, to, n);
  }
  {
    const Environment environment(first);
    operate_loop<op, first>(a, b, c, to, n);
  }
  const Environment environment(second);
  return operate_again_loop<op, second>(a, b, c, to, n);
}

// Zero is even either way, so the second rounding decides its sign.
template <Binary32Operation op>
Extremes operate_by_zero(const VectorOperation& o, const u32* a, const u32* b, const u32* c, u32* to, usize n) {
  constexpr Rounding down = Rounding::toward_negative;
  constexpr Rounding up = Rounding::toward_positive;
  if (o.negative_zero_sum) return operate_as<op, up, down>(o.exact, a, b, c, to, n);
  return operate_as<op, down, up>(o.exact, a, b, c, to, n);
}

HALFULP_NOINLINE inline Extremes extremes_of(const u32* results, usize n) {
  Extremes found;
  for (usize i = 0; i < n; i += Narrow::lanes) found.add(load(results + i));
  return found;
}

// A binary32's place among them as a signed integer, -0 just below +0.
inline i32 place(u32 bits) { return static_cast<i32>(bits ^ ((0 - (bits >> 31)) & 0x7fffffff)); }

// One of each pair, bit for bit; NaN if either is.
template <bool by_magnitude>
HALFULP_NOINLINE void choose_loop(bool greatest, const u32* a, const u32* b, u32* to, usize n) {
  const i32 flip = greatest ? -1 : 0;
  for (usize i = 0; i < n; ++i) {
    const u32 x = a[i] & 0x7fffffff;
    const u32 y = b[i] & 0x7fffffff;
    const i32 p = place(a[i]) ^ flip;
    const i32 q = place(b[i]) ^ flip;
    const i32 first = by_magnitude && x != y ? static_cast<i32>(x) ^ flip : p;
    const i32 second = by_magnitude && x != y ? static_cast<i32>(y) ^ flip : q;
    const u32 chosen = first <= second ? a[i] : b[i];
    to[i] = x > 0x7f800000 || y > 0x7f800000 ? 0x7fc00000 : chosen;
  }
}

inline void choose(const VectorOperation& o, bool greatest, const u32* a, const u32* b, u32* to, usize n) {
  if (o.by_magnitude) return choose_loop<true>(greatest, a, b, to, n);
  return choose_loop<false>(greatest, a, b, to, n);
}

// rest * 2^(place - 150), which is a binary32 number.
inline u32 pack_exact(u64 rest, i32 place) {
  const i32 top = static_cast<i32>(highest_bit(Wide{rest}).word);
  const i32 field = place + top - 23;
  if (field < 1) return static_cast<u32>(rest << (place - 1));  // subnormal: in units of 2^-149
  const u64 significand = top <= 23 ? rest << (23 - top) : rest >> (top - 23);
  return (static_cast<u32>(field) << 23) + (static_cast<u32>(significand) & 0x007fffff);
}

// remainder() of arithmetic.hpp once more, from bits to bits.
inline u32 remainder_bits(u32 a, u32 b, bool truncate) {
  const u32 sign = a & 0x80000000;
  const u32 x = a & 0x7fffffff;
  const u32 y = b & 0x7fffffff;
  if (x >= 0x7f800000 || y > 0x7f800000 || y == 0) return 0x7fc00000;
  if (x == 0 || y == 0x7f800000) return a;
  const i32 x_field = static_cast<i32>(x >> 23);
  const i32 y_field = static_cast<i32>(y >> 23);
  const i32 x_place = x_field > 0 ? x_field : 1;
  const i32 y_place = y_field > 0 ? y_field : 1;
  const u64 dividend = (x & 0x007fffff) | (x_field > 0 ? 0x00800000 : 0);
  u64 divisor = (y & 0x007fffff) | (y_field > 0 ? 0x00800000 : 0);
  i32 shift = x_place - y_place;
  if (shift < -26) return a;  // less than half of b
  if (shift < 0) divisor <<= -shift;
  u64 rest = dividend % (2 * divisor);
  for (; shift > 0 && rest != 0; shift -= 32) rest = (rest << (shift < 32 ? shift : 32)) % (2 * divisor);
  const bool odd = rest >= divisor;
  if (odd) rest -= divisor;
  const bool up = !truncate && (2 * rest > divisor || (2 * rest == divisor && odd));
  if (up) rest = divisor - rest;
  if (rest == 0) return sign;
  return pack_exact(rest, x_place < y_place ? x_place : y_place) | (up ? sign ^ 0x80000000 : sign);
}

HALFULP_NOINLINE inline void remainder_loop(bool truncate, const u32* a, const u32* b, u32* to, usize n) {
  for (usize i = 0; i < n; ++i) to[i] = remainder_bits(a[i], b[i], truncate);
}

HALFULP_NOINLINE inline bool compare_kernel(const u32* a, const u32* b, i8* order, usize n) {
  u32 any = 0;
  for (usize i = 0; i < n; ++i) {
    const u32 x = a[i] & 0x7fffffff;
    const u32 y = b[i] & 0x7fffffff;
    const i32 p = x == 0 ? 0 : place(a[i]);
    const i32 q = y == 0 ? 0 : place(b[i]);
    const u32 nan = x > 0x7f800000 || y > 0x7f800000 ? 1 : 0;
    const i32 found = (p > q ? 1 : 0) - (p < q ? 1 : 0);
    order[i] = static_cast<i8>(nan != 0 ? 2 : found);
    any |= nan;
  }
  return any != 0;
}

inline void choose_or_divide(const VectorOperation& o, const u32* a, const u32* b, u32* to, usize n) {
  switch (o.operation) {
    case Binary32Operation::lesser: return choose(o, false, a, b, to, n);
    case Binary32Operation::greater: return choose(o, true, a, b, to, n);
    case Binary32Operation::remainder: return remainder_loop(false, a, b, to, n);
    case Binary32Operation::fmod: return remainder_loop(true, a, b, to, n);
    default: std::memcpy(to, a, n * sizeof(u32));
  }
}

// -- plain loops, which the compiler turns into vectors

inline constexpr u32 binary32_magnitude = 0x7fffffff;
inline constexpr u32 binary32_inf = 0x7f800000;

// Numbers below the limit become zeros of their sign.
HALFULP_NOINLINE inline void flush_loop(u32 limit, u32* x, usize n) {
  for (usize i = 0; i < n; ++i) x[i] &= (x[i] & binary32_magnitude) < limit ? 0x80000000 : ~u32{0};
}

// The flags of each result, but for signalling operands. `values`: what the results were rounded to.
HALFULP_NOINLINE inline u32 flags_kernel(const FlagRules& rules, const u32* a, const u32* b, const u32* c,
                                         const u32* results, const u32* values, u8* flags, usize n) {
  const FlagRules r = rules;
  u32 all = 0;
  for (usize i = 0; i < n; ++i) {
    const u32 negative = results[i] >> 31;
    const u32 magnitude = results[i] & binary32_magnitude;
    const u32 value = values[i] & binary32_magnitude;
    const u32 x = a[i] & binary32_magnitude;
    const u32 y = b[i] & binary32_magnitude;
    const u32 z = c[i] & binary32_magnitude;
    const u32 finite = magnitude < binary32_inf ? ~u32{0} : 0;
    const u32 inexact = finite & (value != magnitude ? ~u32{0} : 0);
    const u32 over = finite & (magnitude >= (negative != 0 ? r.over_negative : r.over_positive) ? ~u32{0} : 0);
    const u32 below = magnitude < (negative != 0 ? r.tiny_negative : r.tiny_positive) ? ~u32{0} : 0;
    const u32 flushed = value == 0 && r.flushes != 0 ? ~u32{0} : 0;
    const u32 tiny = inexact & (below | flushed) & ~over;
    const u32 numbers = x <= binary32_inf && y <= binary32_inf && z <= binary32_inf ? ~u32{0} : 0;
    const u32 invalid = numbers & (magnitude > binary32_inf ? ~u32{0} : 0);
    const u32 pole = r.divides & (magnitude == binary32_inf && y == 0 && x != binary32_inf ? ~u32{0} : 0);
    const u32 raised = (inexact & flag::inexact) | (tiny & flag::underflow) | (over & flag::overflow) |
                       (pole & flag::divide_by_zero) | (invalid & flag::invalid);
    flags[i] = static_cast<u8>(raised);
    all |= raised | (~numbers & found_nan_operand) | (magnitude == r.ambiguous ? found_ambiguous : 0);
  }
  return all;
}

// -- codes to codes

// Where fewer than three, the first operand stands for the others. Vectors at the end are filled up with 1, as 0/0
// would raise something.
inline void decode_operands(const FastOperation& f, const void* const* codes, FastBlock& block, usize n) {
  for (int i = 0; i < f.operands; ++i) {
    u32* x = block.operands[i].x;
    decode_any(f.from[i], codes[i], x, n);
    for (usize j = n; j % 16 != 0; ++j) x[j] = 0x3f800000;
    if (f.flush_below[i] != 0) flush_loop(f.flush_below[i], x, n);
  }
}

inline void decode_operands_kernel(const FastOperation& f, const void* const* codes, FastBlock& block, usize n) {
  const Environment environment;
  decode_operands(f, codes, block, n);
}

inline Extremes operate_on_numbers(const FastOperation& f, FastBlock& block, usize n) {
  const VectorOperation& o = f.vector;
  const u32* a = block.operands[0].x;
  const u32* b = f.operands > 1 ? block.operands[1].x : a;
  const u32* c = f.operands > 2 ? block.operands[2].x : a;
  u32* to = block.rounded.x;
  switch (o.operation) {
    case Binary32Operation::add: return operate_by_zero<Binary32Operation::add>(o, a, b, c, to, n);
    case Binary32Operation::subtract: return operate_by_zero<Binary32Operation::subtract>(o, a, b, c, to, n);
    case Binary32Operation::multiply: return operate_by_zero<Binary32Operation::multiply>(o, a, b, c, to, n);
    case Binary32Operation::divide: return operate_by_zero<Binary32Operation::divide>(o, a, b, c, to, n);
    case Binary32Operation::sqrt: return operate_by_zero<Binary32Operation::sqrt>(o, a, b, c, to, n);
    case Binary32Operation::fma: return operate_by_zero<Binary32Operation::fma>(o, a, b, c, to, n);
    default: break;
  }
  choose_or_divide(o, a, b, to, n);
  for (usize i = n; i % Narrow::lanes != 0; ++i) to[i] = 0;
  return extremes_of(to, n);
}

#if defined(HALFULP_BYTE_TABLES)

// From codes of a byte to results without a buffer for operands, in whole vectors of them.
template <Binary32Operation op, Rounding first, Rounding second>
HALFULP_BYTE_TABLES HALFULP_NOINLINE Extremes operate_planes_loop(const FastOperation& f, const u8* const* codes,
                                                                  u32* to, usize n) {
  constexpr int operands = op == Binary32Operation::sqrt ? 1 : op == Binary32Operation::fma ? 3 : 2;
  constexpr int at_b = operands > 1 ? 1 : 0;
  constexpr int at_c = operands > 2 ? 2 : 0;
  const PlaneTables a(f.from[0].planes);
  const PlaneTables b(f.from[at_b].planes);
  const PlaneTables c(f.from[at_c].planes);
  Extremes found;
  for (usize i = 0; i < n; i += Bytes::lanes) {
    Narrow x[4], y[4], z[4];
    look_up(load_planes(codes[0] + i), a, x);
    look_up(load_planes(codes[at_b] + i), b, y);
    look_up(load_planes(codes[at_c] + i), c, z);
    for (usize k = 0; k < 4; ++k) {
      const Narrow v = odd_one(operate_once<op, first>(x[k], y[k], z[k]), operate_once<op, second>(x[k], y[k], z[k]));
      found.add(v);
      store(to + i + k * Narrow::lanes, v);
    }
  }
  return found;
}

template <Binary32Operation op>
Extremes operate_planes_by_zero(const FastOperation& f, const u8* const* codes, u32* to, usize n) {
  constexpr Rounding down = Rounding::toward_negative;
  constexpr Rounding up = Rounding::toward_positive;
  const bool negative = f.vector.negative_zero_sum;
  if constexpr (op <= Binary32Operation::multiply) {
    if (f.vector.exact) {
      return negative ? operate_planes_loop<op, down, down>(f, codes, to, n)
                      : operate_planes_loop<op, up, up>(f, codes, to, n);
    }
  }
  return negative ? operate_planes_loop<op, up, down>(f, codes, to, n)
                  : operate_planes_loop<op, down, up>(f, codes, to, n);
}

inline Extremes operate_planes(const FastOperation& f, const void* const* operands, u32* to, usize n) {
  const u8* codes[3];
  for (int i = 0; i < 3; ++i) codes[i] = static_cast<const u8*>(operands[i < f.operands ? i : 0]);
  switch (f.vector.operation) {
    case Binary32Operation::add: return operate_planes_by_zero<Binary32Operation::add>(f, codes, to, n);
    case Binary32Operation::subtract: return operate_planes_by_zero<Binary32Operation::subtract>(f, codes, to, n);
    case Binary32Operation::multiply: return operate_planes_by_zero<Binary32Operation::multiply>(f, codes, to, n);
    case Binary32Operation::divide: return operate_planes_by_zero<Binary32Operation::divide>(f, codes, to, n);
    case Binary32Operation::sqrt: return operate_planes_by_zero<Binary32Operation::sqrt>(f, codes, to, n);
    default: return operate_planes_by_zero<Binary32Operation::fma>(f, codes, to, n);
  }
}

inline bool takes_planes(const FastOperation& f, usize n) {
  bool all = f.vector.operation > Binary32Operation::copy && f.vector.operation <= Binary32Operation::fma &&
             n % Bytes::lanes == 0 && has_byte_tables();
  for (int i = 0; i < f.operands; ++i) {
    all = all && f.from[i].code_bytes == 1 && f.from[i].has_planes && f.flush_below[i] == 0;
  }
  return all;
}

#endif

inline u32 operate_kernel(const FastOperation& f, const void* const* codes, FastBlock& block, void* results, usize n) {
  const Environment environment;
  u32 examined = 0;
#if defined(HALFULP_BYTE_TABLES)
  if (takes_planes(f, n)) {
    examined = operate_planes(f, codes, block.rounded.x, n).examined(f.rules) | operands_left;
  } else
#endif
  {
    decode_operands(f, codes, block, n);
    examined = operate_on_numbers(f, block, n).examined(f.rules);
  }
  switch (f.encoder.code_bytes) {
    case 1: encode_block(f.encoder, block.rounded.x, static_cast<u8*>(results), n); break;
    case 2: encode_block(f.encoder, block.rounded.x, static_cast<u16*>(results), n); break;
    default: encode_block(f.encoder, block.rounded.x, static_cast<u32*>(results), n);
  }
  return examined;
}

#endif

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
