// Operations by way of binary32: which can go that way, and one block of them.
#include "blocks.hpp"
#include "operate.hpp"

namespace halfulp {
namespace {

constexpr u32 binary32_inf = 0x7f800000;
constexpr u32 no_magnitude = ~u32{0};
constexpr int unknown_bit = -(1 << 20);

Binary32Operation binary32_operation(const NamedOperator& named) {
  switch (named.op) {
    case Operator::add: return Binary32Operation::add;
    case Operator::subtract: return Binary32Operation::subtract;
    case Operator::multiply: return Binary32Operation::multiply;
    case Operator::divide: return Binary32Operation::divide;
    case Operator::sqrt: return Binary32Operation::sqrt;
    case Operator::fma: return Binary32Operation::fma;
    case Operator::remainder: return Binary32Operation::remainder;
    case Operator::fmod: return Binary32Operation::fmod;
    case Operator::extremum: return named.extremum.maximum ? Binary32Operation::greater : Binary32Operation::lesser;
    default: return Binary32Operation::copy;
  }
}

bool compares(Operator op) { return op == Operator::compare || op == Operator::holds; }

bool has_binary32_operation(const NamedOperator& named) {
  return named.op == Operator::convert || compares(named.op) || binary32_operation(named) != Binary32Operation::copy;
}

// Whether the sums or products of all values of two formats are binary32 numbers.
bool is_exact(Operator op, const Format& a, const Format& b) {
  if (op == Operator::convert || op == Operator::extremum) return true;
  const int low = a.lsb_exponent() < b.lsb_exponent() ? a.lsb_exponent() : b.lsb_exponent();
  const int high = a.largest_exponent() > b.largest_exponent() ? a.largest_exponent() : b.largest_exponent();
  if (op == Operator::add || op == Operator::subtract) return high + 2 - low <= 24 && high < 127 && low >= -149;
  if (op != Operator::multiply) return false;
  // Two's complement has one magnitude with a bit more than its precision says.
  const int bits = a.precision() + b.precision() + (a.is_integer() ? 1 : 0) + (b.is_integer() ? 1 : 0);
  return bits <= 24 && a.largest_exponent() + b.largest_exponent() + 1 <= 127 &&
         a.lsb_exponent() + b.lsb_exponent() >= -149;
}

Real real_of_binary32(u32 bits) { return real(unpack_binary<8, 23>(bits, false)); }

// The first magnitude of a finite binary32 for which a monotone condition holds; that of Inf if none.
template <class Condition>
u32 first_magnitude(bool negative, Condition&& holds) {
  u32 low = 0;
  u32 high = 0x7f800000;
  while (low < high) {
    const u32 middle = low + (high - low) / 2;
    if (holds(real_of_binary32(middle | (negative ? 0x80000000 : 0)))) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// All results are multiples of 2^(this), as far as that is known.
int lowest_bit(const NamedOperator& named, const OperationParameters& p) {
  const auto low = [&](int i) { return p.operands[i].lsb_exponent(); };
  const auto lesser = [](int x, int y) { return x < y ? x : y; };
  switch (named.op) {
    case Operator::convert: return low(0);
    case Operator::add:
    case Operator::subtract:
    case Operator::extremum:
    case Operator::remainder:
    case Operator::fmod: return lesser(low(0), low(1));
    case Operator::multiply: return low(0) + low(1);
    case Operator::fma: return lesser(low(0) + low(1), low(2));
    default: return unknown_bit;
  }
}

FlagRules make_rules(const Operation& o, bool exact_if_tiny, Subnormals subnormals) {
  FlagRules r{};
  const auto over = [&](const Real& x) { return !x.is_zero() && overflows(x, o.result); };
  const auto not_tiny = [&](const Real& x) { return !o.result.has_exponent || !is_tiny(x, o.result); };
  r.over_positive = first_magnitude(false, over);
  r.over_negative = first_magnitude(true, over);
  if (!exact_if_tiny || subnormals != Subnormals::gradual) {
    r.tiny_positive = first_magnitude(false, not_tiny);
    r.tiny_negative = first_magnitude(true, not_tiny);
  }
  // Every sum or product beyond binary32 is its largest number here, and so may be one that is within.
  constexpr u32 largest = 0x7f7fffff;
  const bool reaches = static_cast<i64>(o.result.codec.emax) == 127;
  const bool inward = r.over_positive > largest || r.over_negative > largest;
  r.ambiguous = reaches && inward ? largest : no_magnitude;
  r.flushes = o.result.has_exponent && subnormals != Subnormals::gradual ? ~u32{0} : 0;
  r.divides = o.op == Operator::divide ? ~u32{0} : 0;
  return r;
}

bool are_halves(const FastOperation& f) {
  bool all = f.vector.operation <= Binary32Operation::fma && f.vector.operation != Binary32Operation::copy &&
             f.encoder.route == Route::prefix && f.encoder.bits == 16;
  for (int i = 0; i < f.operands; ++i) {
    all = all && f.from[i].route == DecodeRoute::prefix && f.from[i].bits == 16 && f.flush_below[i] == 0;
  }
  return all;
}

}  // namespace

FastOperation make_fast(const NamedOperator& named, const OperationParameters& p, const Operation& o) {
  FastOperation f{};
  if (!has_binary32_operation(named)) return f;
  const bool chooses = compares(named.op) || named.op == Operator::extremum;
  const bool divides = named.op == Operator::remainder || named.op == Operator::fmod;
  // A table is faster.
  if ((chooses || divides) && p.operands[0].bits() + p.operands[1].bits() <= 16) return f;
  if (!compares(named.op) && !(p.result.narrows_from_binary32() && p.result.is_signed)) return f;
  f.operands = operand_count(named.operands);
  for (int i = 0; i < f.operands; ++i) {
    const Format& from = p.operands[i];
    if (!from.fits_binary32()) return f;
    f.from[i] = make_value_decoder(from);
    f.flush_below[i] = p.flush_input ? f.from[i].min_normal : 0;
    f.signals[i] = o.operands[i].quiet_bit != 0;
  }
  f.usable = true;
  const Format& second = p.operands[f.operands > 1 ? 1 : 0];
  f.vector = {binary32_operation(named), is_exact(named.op, p.operands[0], second), o.result.negative_zero_sum,
              named.extremum.by_magnitude};
  f.compares = compares(named.op);
  Policy policy = p.policy;
  policy.nan.negative = policy.nan.positive;  // whatever sign the processor's own NaN has
  f.encoder = make_encoder(p.result, policy, false);
  f.value = make_value_decoder(p.result);
  f.halves = are_halves(f);
  f.bytes = make_byte_operation(named, p, o);
  const bool exact_if_tiny = p.result.has_zero && lowest_bit(named, p) >= p.result.lsb_exponent();
  f.rules = make_rules(o, exact_if_tiny, p.policy.subnormals);
  f.nan_by_operand = p.nan != NanPropagation::canonical || named.op == Operator::fma || chooses;
  f.generates_nan = p.nan == NanPropagation::x86;
  return f;
}

namespace {

bool is_nan_bits(u32 bits) { return (bits & 0x7fffffff) > 0x7f800000; }

u64 code_at(const void* codes, int bytes, usize i) {
  switch (bytes) {
    case 1: return static_cast<const u8*>(codes)[i];
    case 2: return static_cast<const u16*>(codes)[i];
    default: return static_cast<const u32*>(codes)[i];
  }
}

void set_code(void* codes, int bytes, usize i, u64 code) {
  switch (bytes) {
    case 1: static_cast<u8*>(codes)[i] = static_cast<u8>(code); return;
    case 2: static_cast<u16*>(codes)[i] = static_cast<u16>(code); return;
    default: static_cast<u32*>(codes)[i] = static_cast<u32>(code);
  }
}

// What only the definition knows: which NaN, if that depends on operands, and whether a result overflowed that is the
// largest of binary32. That an operand signals is seen in its code.
u8 settle_rest(const ArrayOperation& o, const FastBlock& block, const void* const* codes, void* results, u8* flags,
               usize n) {
  const FastOperation& f = o.fast;
  u8 all = 0;
  for (usize i = 0; i < n; ++i) {
    const u32 magnitude = block.rounded.x[i] & 0x7fffffff;
    const bool nan = magnitude > binary32_inf;
    if (!nan && magnitude != f.rules.ambiguous) continue;
    u64 own[3] = {};
    bool signals = false;
    for (int k = 0; k < f.operands; ++k) {
      own[k] = code_at(codes[k], f.from[k].code_bytes, i);
      const bool quiet = (own[k] & o.definition.operands[k].quiet_bit) != 0;
      signals = signals || (f.signals[k] && is_nan_bits(block.operands[k].x[i]) && !quiet);
    }
    if (!nan || f.nan_by_operand) {
      const Outcome outcome = apply(o.definition, own, nullptr);
      set_code(results, f.encoder.code_bytes, i, outcome.code);
      flags[i] = outcome.flags;
    } else if (signals) {
      flags[i] = flag::invalid;
    }
    all |= flags[i];
  }
  return all;
}

}  // namespace

namespace {

// Only NaN can raise anything, and is left to the definition.
u8 compare_fast(const ArrayOperation& o, const Kernels& k, const FastBlock& block, const void* const* codes,
                void* results, u8* flags, usize n) {
  i8* order = static_cast<i8*>(results);
  const bool any_nan = k.compare(block.operands[0].x, block.operands[1].x, order, n);
  if (flags != nullptr) std::memset(flags, 0, n);
  u8 all = 0;
  for (usize i = 0; any_nan && i < n; ++i) {
    if (order[i] != order::unordered) continue;
    u64 own[3] = {};
    for (int j = 0; j < 2; ++j) own[j] = code_at(codes[j], o.fast.from[j].code_bytes, i);
    const u8 raised = apply(o.definition, own, nullptr).flags;
    if (flags != nullptr) flags[i] = raised;
    all |= raised;
  }
  if (o.definition.op == Operator::compare) return all;
  for (usize i = 0; i < n; ++i) order[i] = static_cast<i8>((o.definition.set >> (order[i] + 1)) & 1);
  return all;
}

}  // namespace

u8 operate_fast(const ArrayOperation& o, const Kernels& k, const void* const* codes, void* results, u8* flags, u8 seen,
                usize n) {
  const FastOperation& f = o.fast;
  FastBlock block;
  if (f.compares) {
    k.decode_operands(f, codes, block, n);
    return compare_fast(o, k, block, codes, results, flags, n);
  }
  const u32 examined = k.operate(f, codes, block, results, n);
  const bool large = (examined & examined_large) != 0;
  const bool tiny = (examined & examined_tiny) != 0 && (seen & flag::underflow) == 0;
  if (flags == nullptr && !large && !tiny) return 0;
  if ((examined & operands_left) != 0) k.decode_operands(f, codes, block, n);
  u8 own_flags[fast_block];
  u8* raised = flags != nullptr ? flags : own_flags;
  Binary32Block values;
  k.decode(f.value, results, values.x, n);
  const Binary32Block* x = block.operands;
  const u32* b = x[f.operands > 1 ? 1 : 0].x;
  const u32* c = x[f.operands > 2 ? 2 : 0].x;
  const u32 found = k.flags(f.rules, x[0].x, b, c, block.rounded.x, values.x, raised, n);
  u8 all = static_cast<u8>(found);
  const bool asks = (found & found_nan_operand) != 0 || (f.generates_nan && (found & flag::invalid) != 0);
  if (asks || (found & found_ambiguous) != 0) all |= settle_rest(o, block, codes, results, raised, n);
  return all;
}

}  // namespace halfulp
