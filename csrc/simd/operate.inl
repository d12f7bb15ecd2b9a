// Arithmetic of one target: binary32 operations rounded to odd, and what their results say about exceptions.

namespace halfulp {
inline namespace HALFULP_TARGET {

#if defined(HALFULP_ARITHMETIC)

// One operation under two roundings, down and up. Where it is exact they agree; else they are neighbours, and the one
// with the odd code is the result rounded to odd.
template <Binary32Operation op, Rounding mode>
HALFULP_INLINE Narrow operate_once(const u32* a, const u32* b, const u32* c, usize i) {
  if constexpr (op == Binary32Operation::add) return add_binary32<mode>(load(a + i), load(b + i));
  if constexpr (op == Binary32Operation::subtract) return subtract_binary32<mode>(load(a + i), load(b + i));
  if constexpr (op == Binary32Operation::multiply) return multiply_binary32<mode>(load(a + i), load(b + i));
  if constexpr (op == Binary32Operation::divide) return divide_binary32<mode>(load(a + i), load(b + i));
  if constexpr (op == Binary32Operation::sqrt) return sqrt_binary32<mode>(load(a + i));
  if constexpr (op == Binary32Operation::fma) return fma_binary32<mode>(load(a + i), load(b + i), load(c + i));
  return load(a + i);
}

inline Narrow odd_one(Narrow first, Narrow second) {
  const Narrow one = Narrow::set(1);
  return select(equal(first & one, one), first, second);
}

template <Binary32Operation op, Rounding mode>
HALFULP_NOINLINE void operate_loop(const u32* a, const u32* b, const u32* c, u32* to, usize n) {
  for (usize i = 0; i < n; i += Narrow::lanes) store(to + i, operate_once<op, mode>(a, b, c, i));
}

template <Binary32Operation op, Rounding mode>
HALFULP_NOINLINE void operate_again_loop(const u32* a, const u32* b, const u32* c, u32* to, usize n) {
  for (usize i = 0; i < n; i += Narrow::lanes) {
    store(to + i, odd_one(load(to + i), operate_once<op, mode>(a, b, c, i)));
  }
}

// Where instructions carry their own rounding, both in one go.
template <Binary32Operation op, Rounding first, Rounding second>
HALFULP_NOINLINE void operate_both_loop(const u32* a, const u32* b, const u32* c, u32* to, usize n) {
  for (usize i = 0; i < n; i += Narrow::lanes) {
    store(to + i, odd_one(operate_once<op, first>(a, b, c, i), operate_once<op, second>(a, b, c, i)));
  }
}

template <Binary32Operation op, Rounding first, Rounding second>
void operate_as(bool exact, const u32* a, const u32* b, const u32* c, u32* to, usize n) {
  if (exact) {
    const Environment environment(second);
    return operate_loop<op, second>(a, b, c, to, n);
  }
  if constexpr (instructions_round) {
    const Environment environment;
    return operate_both_loop<op, first, second>(a, b, c, to, n);
  }
  {
    const Environment environment(first);
    operate_loop<op, first>(a, b, c, to, n);
  }
  const Environment environment(second);
  operate_again_loop<op, second>(a, b, c, to, n);
}

// Zero is even either way, so the second rounding decides its sign.
template <Binary32Operation op>
void operate_by_zero(const VectorOperation& o, const u32* a, const u32* b, const u32* c, u32* to, usize n) {
  constexpr Rounding down = Rounding::toward_negative;
  constexpr Rounding up = Rounding::toward_positive;
  if (o.negative_zero_sum) return operate_as<op, up, down>(o.exact, a, b, c, to, n);
  return operate_as<op, down, up>(o.exact, a, b, c, to, n);
}

inline void operate_kernel(const VectorOperation& o, const u32* a, const u32* b, const u32* c, u32* to, usize n) {
  switch (o.operation) {
    case Binary32Operation::add: return operate_by_zero<Binary32Operation::add>(o, a, b, c, to, n);
    case Binary32Operation::subtract: return operate_by_zero<Binary32Operation::subtract>(o, a, b, c, to, n);
    case Binary32Operation::multiply: return operate_by_zero<Binary32Operation::multiply>(o, a, b, c, to, n);
    case Binary32Operation::divide: return operate_by_zero<Binary32Operation::divide>(o, a, b, c, to, n);
    case Binary32Operation::sqrt: return operate_by_zero<Binary32Operation::sqrt>(o, a, b, c, to, n);
    case Binary32Operation::fma: return operate_by_zero<Binary32Operation::fma>(o, a, b, c, to, n);
    case Binary32Operation::copy: std::memcpy(to, a, n * sizeof(u32)); return;
  }
}

// -- plain loops, which the compiler turns into vectors

inline constexpr u32 binary32_magnitude = 0x7fffffff;
inline constexpr u32 binary32_inf = 0x7f800000;

// Numbers below the limit become zeros of their sign.
HALFULP_NOINLINE inline void flush_kernel(u32 limit, u32* x, usize n) {
  for (usize i = 0; i < n; ++i) x[i] &= (x[i] & binary32_magnitude) < limit ? 0x80000000 : ~u32{0};
}

// Whether any result may have raised something; exact numbers well within the range raise nothing.
HALFULP_NOINLINE inline u32 examine_kernel(const FlagRules& rules, const u32* results, usize n) {
  const u32 least = rules.tiny_positive > rules.tiny_negative ? rules.tiny_positive : rules.tiny_negative;
  const u32 over = rules.over_positive < rules.over_negative ? rules.over_positive : rules.over_negative;
  const u32 most = over < rules.ambiguous ? over : rules.ambiguous;
  u32 tiny = 0;
  u32 large = 0;
  for (usize i = 0; i < n; ++i) {
    const u32 magnitude = results[i] & binary32_magnitude;
    tiny |= magnitude - 1 < least - 1 ? 1 : 0;  // and not zero
    large |= magnitude >= most ? 1 : 0;
  }
  return (tiny != 0 && least != 0 ? examined_tiny : 0) | (large != 0 ? examined_large : 0);
}

// The flags of each result, but for signalling operands. `values`: what the results were rounded to.
HALFULP_NOINLINE inline u8 flags_kernel(const FlagRules& rules, const u32* a, const u32* b, const u32* c,
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
    const u32 tiny = inexact & (below | flushed);
    const u32 numbers = x <= binary32_inf && y <= binary32_inf && z <= binary32_inf ? ~u32{0} : 0;
    const u32 invalid = numbers & (magnitude > binary32_inf ? ~u32{0} : 0);
    const u32 pole = r.divides & (magnitude == binary32_inf && y == 0 && x != binary32_inf ? ~u32{0} : 0);
    const u32 raised = (inexact & flag::inexact) | (tiny & flag::underflow) | (over & flag::overflow) |
                       (pole & flag::divide_by_zero) | (invalid & flag::invalid);
    flags[i] = static_cast<u8>(raised);
    all |= raised;
  }
  return static_cast<u8>(all);
}

#endif

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
