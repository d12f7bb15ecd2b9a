// The NEON target (64-bit Arm): four 32-bit lanes, eight 16-bit lanes.
#pragma once

#include <arm_neon.h>

#include "../../halfulp/half_route.hpp"
#include "../../halfulp/integer_route.hpp"
#include "../../halfulp/scalar.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// Conversions below must truncate (or round to nearest even) and must see subnormals, whatever the caller has set; its
// flags stay untouched.
class Environment {
 public:
  explicit Environment(Rounding rounding = Rounding::toward_zero) {
    asm volatile("mrs %0, fpcr" : "=r"(control_));
    asm volatile("mrs %0, fpsr" : "=r"(status_));
    const u64 ours = rounding == Rounding::toward_zero ? u64{3} << 22 : 0;
    asm volatile("msr fpcr, %0" : : "r"(ours) : "memory");
  }
  ~Environment() {
    asm volatile("msr fpcr, %0" : : "r"(control_) : "memory");
    asm volatile("msr fpsr, %0" : : "r"(status_) : "memory");
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  u64 control_;
  u64 status_;
};

struct Narrow {
  uint32x4_t v;

  static constexpr int width = 32;
  static constexpr int lanes = 4;

  static Narrow set(u32 w) { return {vdupq_n_u32(w)}; }

  friend Narrow operator+(Narrow a, Narrow b) { return {vaddq_u32(a.v, b.v)}; }
  friend Narrow operator-(Narrow a, Narrow b) { return {vsubq_u32(a.v, b.v)}; }
  friend Narrow operator&(Narrow a, Narrow b) { return {vandq_u32(a.v, b.v)}; }
  friend Narrow operator|(Narrow a, Narrow b) { return {vorrq_u32(a.v, b.v)}; }
  friend Narrow operator^(Narrow a, Narrow b) { return {veorq_u32(a.v, b.v)}; }
};

inline int32x4_t as_signed(Narrow a) { return vreinterpretq_s32_u32(a.v); }

// The instruction reads the low byte of the amount as a signed number; beyond the width it gives 0, up to 127.
inline int32x4_t shift_amount(Narrow n) { return vreinterpretq_s32_u32(vminq_u32(n.v, vdupq_n_u32(32))); }
inline Narrow shl(Narrow a, Narrow n) { return {vshlq_u32(a.v, shift_amount(n))}; }
inline Narrow shr(Narrow a, Narrow n) { return {vshlq_u32(a.v, vnegq_s32(shift_amount(n)))}; }
inline Narrow shr_uniform(Narrow a, Narrow n) { return shr(a, n); }
template <int N>
Narrow shl(Narrow a) {
  return {vshlq_n_u32(a.v, N)};
}
template <int N>
Narrow shr(Narrow a) {
  return {vshrq_n_u32(a.v, N)};
}
inline Narrow greater(Narrow a, Narrow b) { return {vcgtq_s32(as_signed(a), as_signed(b))}; }
inline Narrow equal(Narrow a, Narrow b) { return {vceqq_u32(a.v, b.v)}; }
inline Narrow and_not(Narrow mask, Narrow b) { return {vbicq_u32(b.v, mask.v)}; }
inline Narrow select(Narrow mask, Narrow yes, Narrow no) { return {vbslq_u32(mask.v, yes.v, no.v)}; }
inline bool any(Narrow mask) { return vmaxvq_u32(mask.v) != 0; }
inline Narrow max(Narrow a, Narrow b) { return {vreinterpretq_u32_s32(vmaxq_s32(as_signed(a), as_signed(b)))}; }
inline Narrow min(Narrow a, Narrow b) { return {vreinterpretq_u32_s32(vminq_s32(as_signed(a), as_signed(b)))}; }
inline Narrow highest_bit(Narrow a) { return {vsubq_u32(vdupq_n_u32(31), vclzq_u32(a.v))}; }

inline Narrow load(const u8* from) {
  u32 four;
  __builtin_memcpy(&four, from, sizeof four);
  const uint8x8_t bytes = vreinterpret_u8_u32(vdup_n_u32(four));
  return {vmovl_u16(vget_low_u16(vmovl_u8(bytes)))};
}
inline Narrow load(const u16* from) { return {vmovl_u16(vld1_u16(from))}; }
inline Narrow load(const u32* from) { return {vld1q_u32(from)}; }
inline void store(u32* to, Narrow v) { vst1q_u32(to, v.v); }

// Stores 16 codes.
inline void store_block(u32* to, const Narrow (&v)[4]) {
  for (int k = 0; k < 4; ++k) store(to + 4 * k, v[k]);
}
inline void store_block(u16* to, const Narrow (&v)[4]) {
  for (int k = 0; k < 4; k += 2)
    vst1q_u16(to + 4 * k, vuzp1q_u16(vreinterpretq_u16_u32(v[k].v), vreinterpretq_u16_u32(v[k + 1].v)));
}
inline void store_block(u8* to, const Narrow (&v)[4]) {
  const uint16x8_t low = vuzp1q_u16(vreinterpretq_u16_u32(v[0].v), vreinterpretq_u16_u32(v[1].v));
  const uint16x8_t high = vuzp1q_u16(vreinterpretq_u16_u32(v[2].v), vreinterpretq_u16_u32(v[3].v));
  vst1q_u8(to, vuzp1q_u8(vreinterpretq_u8_u16(low), vreinterpretq_u8_u16(high)));
}

// Eight 16-bit lanes, for the half-precision route.
struct Half {
  uint16x8_t v;

  static constexpr int width = 16;
  static constexpr int lanes = 8;

  static Half set(u16 w) { return {vdupq_n_u16(w)}; }

  friend Half operator+(Half a, Half b) { return {vaddq_u16(a.v, b.v)}; }
  friend Half operator&(Half a, Half b) { return {vandq_u16(a.v, b.v)}; }
  friend Half operator|(Half a, Half b) { return {vorrq_u16(a.v, b.v)}; }
};

inline Half shl_uniform(Half a, Half n) { return {vshlq_u16(a.v, vreinterpretq_s16_u16(n.v))}; }
inline Half shr_uniform(Half a, Half n) { return {vshlq_u16(a.v, vnegq_s16(vreinterpretq_s16_u16(n.v)))}; }
inline Half greater(Half a, Half b) { return {vcgtq_s16(vreinterpretq_s16_u16(a.v), vreinterpretq_s16_u16(b.v))}; }
inline Half equal(Half a, Half b) { return {vceqq_u16(a.v, b.v)}; }
inline Half and_not(Half mask, Half b) { return {vbicq_u16(b.v, mask.v)}; }
inline Half select(Half mask, Half yes, Half no) { return {vbslq_u16(mask.v, yes.v, no.v)}; }
inline Half min(Half a, Half b) { return {vminq_u16(a.v, b.v)}; }

inline uint16x8_t to_half(float32x4_t low, float32x4_t high) {
  return vcombine_u16(vreinterpret_u16_f16(vcvt_f16_f32(low)), vreinterpret_u16_f16(vcvt_f16_f32(high)));
}

// Eight binary32 numbers scaled and truncated (by the environment) to binary16, with every bit that was lost gathered
// in bit 0.
inline Half truncate_to_half(const u32* from, const HalfRoute& h) {
  const uint32x4_t low = vld1q_u32(from);
  const uint32x4_t high = vld1q_u32(from + 4);
  const float32x4_t scale = vreinterpretq_f32_u32(vdupq_n_u32(h.scale));
  const uint16x8_t bits =
      to_half(vmulq_f32(vreinterpretq_f32_u32(low), scale), vmulq_f32(vreinterpretq_f32_u32(high), scale));
  const uint32x4_t mask = vdupq_n_u32(h.sticky_mask);
  const uint16x8_t lost = vcombine_u16(vmovn_u32(vtstq_u32(low, mask)), vmovn_u32(vtstq_u32(high, mask)));
  return {vorrq_u16(bits, vandq_u16(lost, vdupq_n_u16(1)))};
}

// Eight binary32 numbers rounded to binary16, nearest even (by the environment).
inline Half round_to_half(const u32* from) {
  return {to_half(vreinterpretq_f32_u32(vld1q_u32(from)), vreinterpretq_f32_u32(vld1q_u32(from + 4)))};
}

// Stores 16 codes.
inline void store_block(u16* to, const Half (&v)[2]) {
  for (int k = 0; k < 2; ++k) vst1q_u16(to + 8 * k, v[k].v);
}
inline void store_block(u8* to, const Half (&v)[2]) {
  vst1q_u8(to, vuzp1q_u8(vreinterpretq_u8_u16(v[0].v), vreinterpretq_u8_u16(v[1].v)));
}

// Eight codes of one or two bytes.
inline Half load_half(const u8* from) { return {vmovl_u8(vld1_u8(from))}; }
inline Half load_half(const u16* from) { return {vld1q_u16(from)}; }

// Eight binary16 numbers as binary32, times a power of two (given by its bits) that keeps them exact.
inline void store_scaled(u32* to, Half bits, u32 scale) {
  const float16x8_t halves = vreinterpretq_f16_u16(bits.v);
  const float32x4_t factor = vreinterpretq_f32_u32(vdupq_n_u32(scale));
  vst1q_u32(to, vreinterpretq_u32_f32(vmulq_f32(vcvt_f32_f16(vget_low_f16(halves)), factor)));
  vst1q_u32(to + 4, vreinterpretq_u32_f32(vmulq_f32(vcvt_high_f32_f16(halves), factor)));
}

// Sixteen codes below 16 looked up in the two upper bytes of their binary32 values; the lower two are zero.
inline void store_nibbles(u32* to, const u8* codes, const u8 (&byte2)[16], const u8 (&byte3)[16]) {
  const uint8x16_t index = vld1q_u8(codes);
  const uint8x16_t low = vqtbl1q_u8(vld1q_u8(byte2), index);
  const uint8x16_t high = vqtbl1q_u8(vld1q_u8(byte3), index);
  const uint16x8_t first = vreinterpretq_u16_u8(vzip1q_u8(low, high));
  const uint16x8_t second = vreinterpretq_u16_u8(vzip2q_u8(low, high));
  vst1q_u32(to, vshll_n_u16(vget_low_u16(first), 16));
  vst1q_u32(to + 4, vshll_high_n_u16(first, 16));
  vst1q_u32(to + 8, vshll_n_u16(vget_low_u16(second), 16));
  vst1q_u32(to + 12, vshll_high_n_u16(second, 16));
}

// Four binary16 numbers as binary32.
inline Narrow widen_half(const u16* from) {
  return {vreinterpretq_u32_f32(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from))))};
}

// Four binary64 numbers rounded to odd, which the hardware does by itself.
inline Narrow round_to_odd(const double* from) {
  const float32x2_t low = vcvtx_f32_f64(vld1q_f64(from));
  return {vreinterpretq_u32_f32(vcvtx_high_f32_f64(low, vld1q_f64(from + 2)))};
}

// Binary32 numbers to the codes of an integer format.
template <Rounding mode>
Narrow round_to_integer(Narrow bits, const IntegerRoute& r) {
  const float32x4_t x = vreinterpretq_f32_u32(bits.v);
  const float32x4_t scaled = vmulq_f32(x, vreinterpretq_f32_u32(vdupq_n_u32(r.scale)));
  float32x4_t whole = vrndnq_f32(scaled);
  if constexpr (mode == Rounding::toward_zero) whole = vrndq_f32(scaled);
  if constexpr (mode == Rounding::toward_positive) whole = vrndpq_f32(scaled);
  if constexpr (mode == Rounding::toward_negative) whole = vrndmq_f32(scaled);
  const float32x4_t lowest = vdupq_n_f32(static_cast<float>(r.lowest));
  const float32x4_t highest = vdupq_n_f32(static_cast<float>(r.highest));
  const float32x4_t clamped = vminq_f32(vmaxq_f32(whole, lowest), highest);
  const uint32x4_t code = vandq_u32(vreinterpretq_u32_s32(vcvtq_s32_f32(clamped)), vdupq_n_u32(r.code_mask));
  return {vbslq_u32(vceqq_f32(x, x), code, vdupq_n_u32(r.nan))};
}

// The values of codes of an integer format.
inline Narrow integer_value(Narrow code, const IntegerRoute& r) {
  const int32x4_t count = vdupq_n_s32(static_cast<int>(r.sign_extension));
  const int32x4_t integer = vshlq_s32(vshlq_s32(as_signed(code), count), vnegq_s32(count));
  const float32x4_t scale = vreinterpretq_f32_u32(vdupq_n_u32(r.unscale));
  return {vreinterpretq_u32_f32(vmulq_f32(vcvtq_f32_s32(integer), scale))};
}

// Sixteen bytes, or two 64-bit lanes, for packing.
struct Bytes {
  uint8x16_t v;

  static constexpr usize size = 16;

  static Bytes set(u64 w) { return {vreinterpretq_u8_u64(vdupq_n_u64(w))}; }

  friend Bytes operator&(Bytes a, Bytes b) { return {vandq_u8(a.v, b.v)}; }
  friend Bytes operator|(Bytes a, Bytes b) { return {vorrq_u8(a.v, b.v)}; }
};

inline Bytes and_not(Bytes mask, Bytes b) { return {vbicq_u8(b.v, mask.v)}; }
// In 64-bit lanes.
inline Bytes shl(Bytes a, int n) {
  return {vreinterpretq_u8_u64(vshlq_u64(vreinterpretq_u64_u8(a.v), vdupq_n_s64(n)))};
}
inline Bytes shr(Bytes a, int n) { return shl(a, -n); }
inline Bytes shuffle(Bytes a, const u8 (&index)[16]) { return {vqtbl1q_u8(a.v, vld1q_u8(index))}; }
// Parts of sixteen bytes that lie `step` apart: there is but one.
inline Bytes load_parts(const u8* from, usize) { return {vld1q_u8(from)}; }
inline void store_parts(u8* to, Bytes a, usize) { vst1q_u8(to, a.v); }
// Pairs of bytes below 2^half to one number, the second above the first, in 16-bit lanes.
template <int half>
Bytes join_pairs(Bytes a) {
  return a | shr(a, 8 - half);
}
// Four bytes below 2^bits, bits <= 6, to one number in 32-bit lanes, the first lowest.
inline Bytes join_fours(Bytes a, int bits) {
  const Bytes one = Bytes::set(0x00ff00ff00ff00ff);
  const Bytes two = Bytes::set(0x0000ffff0000ffff);
  const Bytes pairs = (a & one) | shr(and_not(one, a), 8 - bits);
  return (pairs & two) | shr(and_not(two, pairs), 16 - 2 * bits);
}
// The low bytes of the 16-bit lanes of two vectors.
inline Bytes low_bytes(Bytes a, Bytes b) { return {vuzp1q_u8(a.v, b.v)}; }
// Bytes in 16-bit lanes.
inline Bytes widen_bytes(const u8* from) { return {vreinterpretq_u8_u16(vmovl_u8(vld1_u8(from)))}; }
// All 64-bit lanes or-ed into one.
inline u64 gather_bits(Bytes a) {
  return vgetq_lane_u64(vreinterpretq_u64_u8(a.v), 0) | vgetq_lane_u64(vreinterpretq_u64_u8(a.v), 1);
}

// Values of 16 codes whose lower two bytes are zero, looked up for packed nibbles.
class NibbleValues {
 public:
  NibbleValues(const u8 (&byte2)[16], const u8 (&byte3)[16], const u32 (&)[256], bool high_first)
      : byte2_(byte2), byte3_(byte3), high_first_(high_first) {}

  // Thirty-two values of sixteen bytes.
  void store(u32* to, const u8* packed) const {
    const uint8x16_t both = vld1q_u8(packed);
    const uint8x16_t low = vandq_u8(both, vdupq_n_u8(15));
    const uint8x16_t high = vshrq_n_u8(both, 4);
    const uint8x16_t first = high_first_ ? high : low;
    const uint8x16_t second = high_first_ ? low : high;
    u8 codes[32];
    vst1q_u8(codes, vzip1q_u8(first, second));
    vst1q_u8(codes + 16, vzip2q_u8(first, second));
    store_nibbles(to, codes, byte2_, byte3_);
    store_nibbles(to + 16, codes + 16, byte2_, byte3_);
  }

 private:
  const u8 (&byte2_)[16];
  const u8 (&byte3_)[16];
  bool high_first_;
};

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
