// The judge that computes with MPFR.
#include "judge.hpp"

#if defined(HALFULP_HAS_MPFR)
#include <mpfr.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#endif

namespace exhaustive {

#if defined(HALFULP_HAS_MPFR)

using halfulp::Operator;
using halfulp::Rounding;
using std::int64_t;
using std::size_t;

namespace {

// Holds every sum of numbers and products of numbers from 2^-149 to 2^128.
constexpr mpfr_prec_t wide = 640;
// Of quotients and roots, beside which a sticky bit is put.
constexpr mpfr_prec_t narrow = 96;

struct Number {
  mpfr_t x;
  explicit Number(mpfr_prec_t precision) { mpfr_init2(x, precision); }
  ~Number() { mpfr_clear(x); }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
};

struct Numbers {
  Number a{64}, b{64}, c{64}, short_result{narrow}, result{wide}, scaled{wide}, whole{64}, rest{wide};
};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "the judge's own arithmetic: %s\n", what);
  std::abort();
}

// What lies between two numbers of 96 bits lies between the same two of any format, and on no midpoint.
void take_with_sticky(Numbers& n, int inexact) {
  mpfr_set(n.result.x, n.short_result.x, MPFR_RNDZ);
  if (inexact == 0) return;
  if (mpfr_sgn(n.result.x) > 0) {
    mpfr_nextabove(n.result.x);
  } else {
    mpfr_nextbelow(n.result.x);
  }
}

void round_to_integral(Numbers& n, Rounding mode) {
  switch (mode) {
    case Rounding::nearest_even: mpfr_roundeven(n.result.x, n.a.x); return;
    case Rounding::nearest_away: mpfr_round(n.result.x, n.a.x); return;
    case Rounding::toward_zero: mpfr_trunc(n.result.x, n.a.x); return;
    case Rounding::toward_positive: mpfr_ceil(n.result.x, n.a.x); return;
    case Rounding::toward_negative: mpfr_floor(n.result.x, n.a.x); return;
    default: break;
  }
  mpfr_trunc(n.result.x, n.a.x);
  if (mpfr_integer_p(n.a.x) != 0) return;
  mpfr_div_2ui(n.rest.x, n.result.x, 1, MPFR_RNDN);
  if (mpfr_integer_p(n.rest.x) == 0) return;
  if (mpfr_sgn(n.a.x) > 0) {
    mpfr_add_ui(n.result.x, n.result.x, 1, MPFR_RNDN);
  } else {
    mpfr_sub_ui(n.result.x, n.result.x, 1, MPFR_RNDN);
  }
}

// The exact result, or what no rounding can tell from it.
void compute(Operator op, Numbers& n, Rounding mode) {
  int inexact = 0;
  switch (op) {
    case Operator::add: inexact = mpfr_add(n.result.x, n.a.x, n.b.x, MPFR_RNDN); break;
    case Operator::subtract: inexact = mpfr_sub(n.result.x, n.a.x, n.b.x, MPFR_RNDN); break;
    case Operator::multiply: inexact = mpfr_mul(n.result.x, n.a.x, n.b.x, MPFR_RNDN); break;
    case Operator::fma: inexact = mpfr_fma(n.result.x, n.a.x, n.b.x, n.c.x, MPFR_RNDN); break;
    case Operator::remainder: inexact = mpfr_remainder(n.result.x, n.a.x, n.b.x, MPFR_RNDN); break;
    case Operator::fmod: inexact = mpfr_fmod(n.result.x, n.a.x, n.b.x, MPFR_RNDN); break;
    case Operator::divide: return take_with_sticky(n, mpfr_div(n.short_result.x, n.a.x, n.b.x, MPFR_RNDZ));
    case Operator::sqrt: return take_with_sticky(n, mpfr_sqrt(n.short_result.x, n.a.x, MPFR_RNDZ));
    case Operator::round_to_integral: return round_to_integral(n, mode);
    default: inexact = mpfr_set(n.result.x, n.a.x, MPFR_RNDN); break;
  }
  require(inexact == 0, "a result that was to be exact was rounded");
}

// |result| in units of 2^unit, rounded to an integer. `flip`: codes have the other parity.
int64_t rounded_units(Numbers& n, int unit, Rounding mode, bool negative, bool flip, bool* exact) {
  mpfr_abs(n.scaled.x, n.result.x, MPFR_RNDN);
  mpfr_mul_2si(n.scaled.x, n.scaled.x, -unit, MPFR_RNDN);
  mpfr_floor(n.whole.x, n.scaled.x);
  const int64_t floor = mpfr_get_si(n.whole.x, MPFR_RNDN);
  *exact = mpfr_equal_p(n.whole.x, n.scaled.x) != 0;
  if (*exact) return floor;
  const bool odd = (floor % 2 != 0) != flip;
  const Rounding outward = negative ? Rounding::toward_negative : Rounding::toward_positive;
  switch (mode) {
    case Rounding::nearest_even:
      mpfr_sub(n.rest.x, n.scaled.x, n.whole.x, MPFR_RNDN);
      if (flip && mpfr_cmp_d(n.rest.x, 0.5) == 0) return floor + (odd ? 1 : 0);
      mpfr_roundeven(n.whole.x, n.scaled.x);
      break;
    case Rounding::nearest_away: mpfr_round(n.whole.x, n.scaled.x); break;
    case Rounding::to_odd: return floor + (odd ? 0 : 1);
    default: mpfr_rint(n.whole.x, n.scaled.x, mode == outward ? MPFR_RNDU : MPFR_RNDD); break;
  }
  return mpfr_get_si(n.whole.x, MPFR_RNDN);
}

int64_t floor_units(Numbers& n, int unit) {
  bool exact = false;
  return rounded_units(n, unit, Rounding::toward_zero, false, false, &exact);
}

Landing landing_of(const Row& to, Rounding mode, bool negative, Numbers& n) {
  const int m = to.mantissa_bits;
  const int64_t binade = int64_t{1} << m;
  Landing l{};
  if (to.exponent_bits == 0) {
    const int unit = 1 - to.bias - m;
    if (mpfr_get_exp(n.result.x) - unit > 40) mpfr_set_si_2exp(n.result.x, negative ? -1 : 1, unit + 40, MPFR_RNDN);
    l.rounded = rounded_units(n, unit, mode, negative, false, &l.exact);
    l.floor = floor_units(n, unit);
    return l;
  }
  const int emin = emin_of(to);
  const int exponent = static_cast<int>(mpfr_get_exp(n.result.x)) - 1;
  l.tiny_before = exponent < emin;
  l.tiny_after = l.tiny_before;
  bool ignored = false;
  if (exponent == emin - 1) {
    // To the full precision; only without a mantissa do codes alternate otherwise than integers.
    const bool flip = m == 0 && to.has_zero;
    l.tiny_after = rounded_units(n, exponent - m, mode, negative, flip, &ignored) < 2 * binade;
  }
  l.below = !to.has_zero && exponent < emin;
  if (l.below) return l;
  const int place = exponent > emin ? exponent : emin;
  const int64_t offset = (place - emin) * binade - (to.has_zero ? 0 : binade);
  l.rounded = offset + rounded_units(n, place - m, mode, negative, offset % 2 != 0, &l.exact);
  l.floor = offset + floor_units(n, place - m);
  return l;
}

}  // namespace

bool judge_by_mpfr(const Question& q, const std::vector<Manner>& manners, const Operands& operands, size_t start,
                   size_t n, Verdict* verdicts, size_t stride) {
  const Reader readers[3] = {{q.from[0], q.flush_input}, {q.from[1], q.flush_input}, {q.from[2], q.flush_input}};
  const bool by_mode = q.op == Operator::round_to_integral;
  Numbers numbers;
  for (size_t i = start; i < start + n; ++i) {
    Value v[3] = {};
    for (int k = 0; k < operand_count(q.op); ++k) v[k] = readers[k].read(operands.codes[k][i]);
    const Exact e = exact_of(q.op, v);
    if (e.kind == Exact::number) {
      mpfr_set_d(numbers.a.x, v[0].number, MPFR_RNDN);
      mpfr_set_d(numbers.b.x, v[1].number, MPFR_RNDN);
      mpfr_set_d(numbers.c.x, v[2].number, MPFR_RNDN);
    }
    for (size_t m = 0; m < manners.size(); ++m) {
      const Manner& manner = manners[m];
      Verdict& verdict = verdicts[m * stride + i];
      if (e.kind != Exact::number) {
        verdict = verdict_of_special(q, manner, e, v);
        continue;
      }
      const Rounding mode = manner.policy.rounding;
      if (m == 0 || by_mode) compute(q.op, numbers, mode);
      const int sign = mpfr_sgn(numbers.result.x);
      if (sign == 0) {
        verdict = verdict_of_special(q, manner, exact_zero(q.op, v), v);
      } else {
        verdict = verdict_of_number(q.to, manner, sign < 0, landing_of(q.to, mode, sign < 0, numbers));
      }
      if (by_mode && manner.exact && mpfr_equal_p(numbers.result.x, numbers.a.x) == 0) verdict.flags |= 1;
    }
  }
  return true;
}

#else

bool judge_by_mpfr(const Question&, const std::vector<Manner>&, const Operands&, std::size_t, std::size_t, Verdict*,
                   std::size_t) {
  return false;
}

#endif

}  // namespace exhaustive
