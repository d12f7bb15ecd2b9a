// Instructions of x86-64 and arm64, one at a time, with the flags each of them raises.
#include "machine.hpp"

#include <cstdio>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace exhaustive {

using halfulp::NanPropagation;
using halfulp::Operator;
using halfulp::Rounding;
using halfulp::Tininess;
using std::size_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

namespace {

// Registers of control and of raised flags; one and the same on x86.
#if defined(__x86_64__)

constexpr int environments = 4 * 4 * 2;
constexpr bool has_machine = true;
constexpr uint64_t all_masked = 0x1f80;

uint64_t control_of(int number) {
  const auto k = static_cast<uint64_t>(number);
  return all_masked | (k % 4) << 13 | (k / 4 % 2) << 15 | (k / 8 % 2) << 6;  // rounding, FTZ, DAZ
}
uint64_t status_of(int number) { return number / 16 != 0 ? 0x15 : 0; }
uint64_t get_control() { return _mm_getcsr() & ~uint64_t{0x3f}; }
uint64_t get_status() { return _mm_getcsr() & 0x3f; }
void set_both(uint64_t control, uint64_t status) { _mm_setcsr(static_cast<unsigned>(control | status)); }

uint64_t rounding_control(Rounding r) {
  return all_masked | (r == Rounding::toward_negative   ? 0x2000
                       : r == Rounding::toward_positive ? 0x4000
                       : r == Rounding::toward_zero     ? 0x6000
                                                        : 0);
}

// IE, DE, ZE, OE, UE, PE from bit 0 on; a subnormal operand (DE) is no exception of the standard.
uint8_t flags_of(uint64_t s) {
  return static_cast<uint8_t>((s & 1) << 4 | (s >> 2 & 1) << 3 | (s >> 3 & 1) << 2 | (s >> 4 & 1) << 1 | (s >> 5 & 1));
}

// The instructions stay between the two that set and read the register: all three are volatile.
#define HALFULP_TWO(instruction) asm volatile(instruction " %2, %1, %0" : "=x"(x) : "x"(a), "x"(b))

float instruction(Operator op, float a, float b, float c, bool from_half) {
  float x = a;
  switch (op) {
    case Operator::add: HALFULP_TWO("vaddss"); break;
    case Operator::subtract: HALFULP_TWO("vsubss"); break;
    case Operator::multiply: HALFULP_TWO("vmulss"); break;
    case Operator::divide: HALFULP_TWO("vdivss"); break;
    case Operator::sqrt: asm volatile("vsqrtss %1, %1, %0" : "=x"(x) : "x"(a)); break;
    // Of several NaN the multiplicand's comes first, which is the first operand in this form and the second one in 213.
    case Operator::fma:
      x = c;
      asm volatile("vfmadd231ss %2, %1, %0" : "+x"(x) : "x"(a), "x"(b));
      break;
    default:
      if (from_half) {
        asm volatile("vcvtph2ps %1, %0" : "=x"(x) : "x"(a));
      } else {
        asm volatile("vcvtps2ph $4, %1, %0" : "=x"(x) : "x"(a));  // in the mode that is set
      }
  }
  return x;
}
#undef HALFULP_TWO

bool machine_has(Operator op) {
  if (op == Operator::fma) return __builtin_cpu_supports("fma");
  return __builtin_cpu_supports("avx") && (op != Operator::convert || __builtin_cpu_supports("f16c"));
}

#elif defined(__aarch64__)

constexpr int environments = 4 * 2 * 2;
constexpr bool has_machine = true;

uint64_t control_of(int number) {
  const auto k = static_cast<uint64_t>(number);
  return (k % 4) << 22 | (k / 4 % 2) << 24;  // rounding, FZ
}
uint64_t status_of(int number) { return number / 8 != 0 ? 0x13 : 0; }
uint64_t get_control() {
  uint64_t x;
  asm volatile("mrs %0, fpcr" : "=r"(x));
  return x;
}
uint64_t get_status() {
  uint64_t x;
  asm volatile("mrs %0, fpsr" : "=r"(x));
  return x & 0x1f;
}
void set_both(uint64_t control, uint64_t status) {
  asm volatile("msr fpcr, %0\n\tmsr fpsr, %1" : : "r"(control), "r"(status));
}

uint64_t rounding_control(Rounding r) {
  return uint64_t{r == Rounding::toward_positive   ? 1u
                  : r == Rounding::toward_negative ? 2u
                  : r == Rounding::toward_zero     ? 3u
                                                   : 0u}
         << 22;
}

// IOC, DZC, OFC, UFC, IXC from bit 0 on.
uint8_t flags_of(uint64_t s) {
  return static_cast<uint8_t>((s & 1) << 4 | (s >> 1 & 1) << 3 | (s >> 2 & 1) << 2 | (s >> 3 & 1) << 1 | (s >> 4 & 1));
}

#define HALFULP_TWO(instruction) asm volatile(instruction " %s0, %s1, %s2" : "=w"(x) : "w"(a), "w"(b))

float instruction(Operator op, float a, float b, float c, bool from_half) {
  float x = a;
  switch (op) {
    case Operator::add: HALFULP_TWO("fadd"); break;
    case Operator::subtract: HALFULP_TWO("fsub"); break;
    case Operator::multiply: HALFULP_TWO("fmul"); break;
    case Operator::divide: HALFULP_TWO("fdiv"); break;
    case Operator::sqrt: asm volatile("fsqrt %s0, %s1" : "=w"(x) : "w"(a)); break;
    case Operator::fma: asm volatile("fmadd %s0, %s1, %s2, %s3" : "=w"(x) : "w"(a), "w"(b), "w"(c)); break;
    default:
      if (from_half) {
        asm volatile("fcvt %s0, %h1" : "=w"(x) : "w"(a));
      } else {
        asm volatile("fcvt %h0, %s1" : "=w"(x) : "w"(a));
      }
  }
  return x;
}
#undef HALFULP_TWO

bool machine_has(Operator) { return true; }

#else

constexpr int environments = 0;
constexpr bool has_machine = false;
uint64_t control_of(int) { return 0; }
uint64_t status_of(int) { return 0; }
uint64_t get_control() { return 0; }
uint64_t get_status() { return 0; }
void set_both(uint64_t, uint64_t) {}
uint64_t rounding_control(Rounding) { return 0; }
uint8_t flags_of(uint64_t) { return 0; }
float instruction(Operator, float a, float, float, bool) { return a; }
bool machine_has(Operator) { return false; }

#endif

float float_of(uint32_t bits) {
  float x = 0;
  std::memcpy(&x, &bits, 4);
  return x;
}

uint32_t bits_of_float(float x) {
  uint32_t bits = 0;
  std::memcpy(&bits, &x, 4);
  return bits;
}

bool is_binary32(const Row& r) { return r.exponent_bits == 8 && r.mantissa_bits == 23; }
bool is_binary16(const Row& r) { return r.exponent_bits == 5 && r.mantissa_bits == 10 && r.bias == 15; }

}  // namespace

int environment_count() { return environments; }

CallersEnvironment::CallersEnvironment(int number)
    : control_(control_of(number)), status_(status_of(number)), own_control_(get_control()), own_status_(get_status()) {
  if (environments > 0) set_both(control_, status_);
}

bool CallersEnvironment::end() {
  const bool same = environments == 0 || (get_control() == control_ && get_status() == status_);
  set_both(own_control_, own_status_);
  return same;
}

std::string CallersEnvironment::name(int number) {
  char text[64] = {};
  std::snprintf(text, sizeof(text), "control %#llx, status %#llx", static_cast<unsigned long long>(control_of(number)),
                static_cast<unsigned long long>(status_of(number)));
  return text;
}

bool machine_answers(Operator op, const Row& from, const Row& to) {
  if (!has_machine || !machine_has(op)) return false;
  switch (op) {
    case Operator::add:
    case Operator::subtract:
    case Operator::multiply:
    case Operator::divide:
    case Operator::sqrt:
    case Operator::fma: return is_binary32(from) && is_binary32(to);
    case Operator::convert: return (is_binary32(from) && is_binary16(to)) || (is_binary16(from) && is_binary32(to));
    default: return false;
  }
}

#if defined(__aarch64__)
Tininess machine_tininess() { return Tininess::before; }
NanPropagation machine_nan() { return NanPropagation::arm; }
#else
Tininess machine_tininess() { return Tininess::after; }
NanPropagation machine_nan() { return NanPropagation::x86; }
#endif

void judge_by_machine(const Question& q, const std::vector<Manner>& manners, const Operands& operands, size_t start,
                      size_t n, Verdict* verdicts, size_t stride) {
  const int count = operand_count(q.op);
  const uint32_t mask = is_binary16(q.to) ? 0xffff : 0xffffffff;
  const uint64_t control = get_control();
  const uint64_t status = get_status();
  for (size_t m = 0; m < manners.size(); ++m) {
    const uint64_t mode = rounding_control(manners[m].policy.rounding);
    for (size_t i = start; i < start + n; ++i) {
      float v[3] = {};
      for (int k = 0; k < count; ++k) v[k] = float_of(operands.codes[k][i]);
      set_both(mode, 0);
      const float x = instruction(q.op, v[0], v[1], v[2], is_binary16(q.from[0]));
      const uint8_t flags = flags_of(get_status());
      verdicts[m * stride + i] = {bits_of_float(x) & mask, flags};
    }
  }
  set_both(control, status);
}

}  // namespace exhaustive
