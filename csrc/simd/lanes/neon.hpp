// The NEON target (64-bit Arm): four 32-bit lanes, eight 16-bit lanes.
#pragma once

#include <arm_neon.h>

#include "../../halfulp/codebook.hpp"
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
    const u64 mode = rounding == Rounding::toward_zero       ? 3
                     : rounding == Rounding::toward_negative ? 2
                     : rounding == Rounding::toward_positive ? 1
                                                             : 0;
    const u64 ours = mode << 22;
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

constexpr bool can_store_past_caches = false;
inline void store_past_caches(const void*, void*, usize) {}
inline void finish_stores() {}

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
// Whether any of four vectors of binary32 numbers has a NaN.
inline bool any_nan(const Narrow (&x)[4]) {
  uint32x4_t numbers = vdupq_n_u32(~u32{0});
  for (const Narrow& each : x) {
    const float32x4_t value = vreinterpretq_f32_u32(each.v);
    numbers = vandq_u32(numbers, vceqq_f32(value, value));
  }
  return vminvq_u32(numbers) == 0;
}
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
inline uint8x16_t as_bytes(const Narrow (&v)[4]) {
  const uint16x8_t low = vuzp1q_u16(vreinterpretq_u16_u32(v[0].v), vreinterpretq_u16_u32(v[1].v));
  const uint16x8_t high = vuzp1q_u16(vreinterpretq_u16_u32(v[2].v), vreinterpretq_u16_u32(v[3].v));
  return vuzp1q_u8(vreinterpretq_u8_u16(low), vreinterpretq_u8_u16(high));
}
inline void store_block(u8* to, const Narrow (&v)[4]) { vst1q_u8(to, as_bytes(v)); }

// Eight 16-bit lanes, for the half-precision route.
struct Half {
  uint16x8_t v;

  static constexpr int width = 16;
  static constexpr int lanes = 8;

  static Half set(u16 w) { return {vdupq_n_u16(w)}; }

  friend Half operator+(Half a, Half b) { return {vaddq_u16(a.v, b.v)}; }
  friend Half operator-(Half a, Half b) { return {vsubq_u16(a.v, b.v)}; }
  friend Half operator&(Half a, Half b) { return {vandq_u16(a.v, b.v)}; }
  friend Half operator|(Half a, Half b) { return {vorrq_u16(a.v, b.v)}; }
};

inline Half shl_uniform(Half a, Half n) { return {vshlq_u16(a.v, vreinterpretq_s16_u16(n.v))}; }
inline Half shr_uniform(Half a, Half n) { return {vshlq_u16(a.v, vnegq_s16(vreinterpretq_s16_u16(n.v)))}; }
inline Half sra_uniform(Half a, Half n) {
  return {vreinterpretq_u16_s16(vshlq_s16(vreinterpretq_s16_u16(a.v), vnegq_s16(vreinterpretq_s16_u16(n.v))))};
}
inline Half greater(Half a, Half b) { return {vcgtq_s16(vreinterpretq_s16_u16(a.v), vreinterpretq_s16_u16(b.v))}; }
inline Half equal(Half a, Half b) { return {vceqq_u16(a.v, b.v)}; }
inline Half and_not(Half mask, Half b) { return {vbicq_u16(b.v, mask.v)}; }
inline Half select(Half mask, Half yes, Half no) { return {vbslq_u16(mask.v, yes.v, no.v)}; }
inline Half min(Half a, Half b) { return {vminq_u16(a.v, b.v)}; }

inline uint16x8_t to_half(float32x4_t low, float32x4_t high) {
  return vcombine_u16(vreinterpret_u16_f16(vcvt_f16_f32(low)), vreinterpret_u16_f16(vcvt_f16_f32(high)));
}

// (a * b + 2^14) >> 15, signed.
inline Half multiply_rounding(Half a, Half b) {
  return {vreinterpretq_u16_s16(vqrdmulhq_s16(vreinterpretq_s16_u16(a.v), vreinterpretq_s16_u16(b.v)))};
}

// Eight binary32 numbers scaled and truncated (by the environment) to binary16; `lost` is not 0 where that lost a bit.
struct TruncatedHalf {
  Half bits;
  Half lost;
};

inline TruncatedHalf truncate_to_half(const u32* from, const HalfRoute& h) {
  const uint32x4_t low = vld1q_u32(from);
  const uint32x4_t high = vld1q_u32(from + 4);
  const float32x4_t scale = vreinterpretq_f32_u32(vdupq_n_u32(h.scale));
  const uint16x8_t bits =
      to_half(vmulq_f32(vreinterpretq_f32_u32(low), scale), vmulq_f32(vreinterpretq_f32_u32(high), scale));
  const uint32x4_t mask = vdupq_n_u32(h.sticky_mask);
  return {{bits}, {vcombine_u16(vmovn_u32(vtstq_u32(low, mask)), vmovn_u32(vtstq_u32(high, mask)))}};
}

// Eight binary32 numbers, scaled or not, rounded to binary16 by the environment.
template <bool scaled>
Half to_half(const Narrow (&x)[2], u32 scale) {
  const float32x4_t factor = vreinterpretq_f32_u32(vdupq_n_u32(scale));
  const float32x4_t low = vreinterpretq_f32_u32(x[0].v);
  const float32x4_t high = vreinterpretq_f32_u32(x[1].v);
  return {scaled ? to_half(vmulq_f32(low, factor), vmulq_f32(high, factor)) : to_half(low, high)};
}

// Not 0 where a binary16, scaled back, is not the source. (Scaled, Inf counts as another; the difference is exact.)
template <bool scaled>
Half lost_by_half(const Narrow (&x)[2], Half half, u32 unscale) {
  const float16x8_t halves = vreinterpretq_f16_u16(half.v);
  const float32x4_t factor = vreinterpretq_f32_u32(vdupq_n_u32(unscale));
  const float32x4_t wide[2] = {vcvt_f32_f16(vget_low_f16(halves)), vcvt_high_f32_f16(halves)};
  uint32x4_t same[2];
  for (int k = 0; k < 2; ++k) {
    const float32x4_t number = vreinterpretq_f32_u32(x[k].v);
    same[k] = scaled ? vceqzq_f32(vfmsq_f32(number, wide[k], factor)) : vceqq_f32(wide[k], number);
  }
  return {vmvnq_u16(vcombine_u16(vmovn_u32(same[0]), vmovn_u32(same[1])))};
}

inline Half odd_where_lost(Half code, Half lost) { return code | (lost & Half::set(1)); }

inline Half select_by_sign(Half signs, Half negative, Half positive) {
  return select({vcltzq_s16(vreinterpretq_s16_u16(signs.v))}, negative, positive);
}

inline bool any_beyond(Half a, Half b, u16 limit) { return vmaxvq_u16(vmaxq_u16(a.v, b.v)) > limit; }

// One less where the last place is 0 and nothing was lost.
inline Half less_one_at_even(Half magnitude, Half last_place, Half lost) {
  return magnitude + equal(lost | (magnitude & last_place), Half::set(0));
}

inline void store(u16* to, Half v) { vst1q_u16(to, v.v); }

// Sixteen 8-bit lanes: two vectors of eight made narrow.
struct Bytes {
  uint8x16_t v;

  static Bytes set(u16 w) { return {vdupq_n_u8(static_cast<u8>(w))}; }

  friend Bytes operator&(Bytes a, Bytes b) { return {vandq_u8(a.v, b.v)}; }
  friend Bytes operator|(Bytes a, Bytes b) { return {vorrq_u8(a.v, b.v)}; }
};

inline Bytes load_bytes(const u8* from) { return {vld1q_u8(from)}; }
inline bool any(Bytes a) { return vmaxvq_u8(a.v) != 0; }
// By how much a, unsigned, exceeds b.
inline Bytes excess(Bytes a, Bytes b) { return {vqsubq_u8(a.v, b.v)}; }
inline Bytes equal(Bytes a, Bytes b) { return {vceqq_u8(a.v, b.v)}; }
inline Bytes and_not(Bytes mask, Bytes b) { return {vbicq_u8(b.v, mask.v)}; }
inline Bytes select(Bytes mask, Bytes yes, Bytes no) { return {vbslq_u8(mask.v, yes.v, no.v)}; }
inline Bytes narrow(Half a, Half b) { return {vuzp1q_u8(vreinterpretq_u8_u16(a.v), vreinterpretq_u8_u16(b.v))}; }
inline Bytes narrow_mask(Half a, Half b) { return narrow(a, b); }
inline Bytes negative(Half a, Half b) {
  const uint8x16_t upper = vuzp2q_u8(vreinterpretq_u8_u16(a.v), vreinterpretq_u8_u16(b.v));
  return {vcltzq_s8(vreinterpretq_s8_u8(upper))};
}
inline void store_ordered(u8* to, Bytes v) { vst1q_u8(to, v.v); }

// The upper halves of eight words, one more where the lower half is beyond the last one that stays below.
#define HALFULP_UPPER_HALVES
template <Increment kind>
Half round_upper_halves(Narrow first, Narrow second, BySign<u16> stays) {
  const uint16x8_t lower = vuzp1q_u16(vreinterpretq_u16_u32(first.v), vreinterpretq_u16_u32(second.v));
  const uint16x8_t upper = vuzp2q_u16(vreinterpretq_u16_u32(first.v), vreinterpretq_u16_u32(second.v));
  const Half last_below = last_to_stay<kind>(Half{upper}, stays);
  return {vsubq_u16(upper, vcgtq_u16(lower, last_below.v))};
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

// Sixteen codes of a byte.
inline Bytes load_planes(const u8* from) { return {vld1q_u8(from)}; }
// Stores sixteen binary32 numbers by their two upper bytes; the lower two are zero.
inline void store_planes(u32* to, Bytes byte2, Bytes byte3) {
  const uint16x8_t first = vreinterpretq_u16_u8(vzip1q_u8(byte2.v, byte3.v));
  const uint16x8_t second = vreinterpretq_u16_u8(vzip2q_u8(byte2.v, byte3.v));
  vst1q_u32(to, vshll_n_u16(vget_low_u16(first), 16));
  vst1q_u32(to + 4, vshll_high_n_u16(first, 16));
  vst1q_u32(to + 8, vshll_n_u16(vget_low_u16(second), 16));
  vst1q_u32(to + 12, vshll_high_n_u16(second, 16));
}
// Codes below 16 looked up in the first 16 bytes of a table.
inline Bytes look_up(Bytes codes, const u8* table) { return {vqtbl1q_u8(vld1q_u8(table), codes.v)}; }

// Four binary16 numbers as binary32.
inline Narrow widen_half(const u16* from) {
  return {vreinterpretq_u32_f32(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from))))};
}

// Four binary64 numbers rounded to odd, which the hardware does by itself.
inline Narrow round_to_odd(const double* from) {
  const float32x2_t low = vcvtx_f32_f64(vld1q_f64(from));
  return {vreinterpretq_u32_f32(vcvtx_high_f32_f64(low, vld1q_f64(from + 2)))};
}

// Four binary64 numbers rounded by the environment.
inline Narrow round_to_nearest(const double* from) {
  return {vreinterpretq_u32_f32(vcvt_high_f32_f64(vcvt_f32_f64(vld1q_f64(from)), vld1q_f64(from + 2)))};
}

// An integer, rounded down for to_odd: odd where that changed x.
template <Rounding mode>
int32x4_t odd_unless_exact(int32x4_t integer, float32x4_t rounded, float32x4_t x) {
  if constexpr (mode != Rounding::to_odd) return integer;
  const uint32x4_t changed = vbicq_u32(vdupq_n_u32(1), vceqq_f32(rounded, x));
  return vorrq_s32(integer, vreinterpretq_s32_u32(changed));
}

// Binary32 numbers to the codes of an integer format.
template <Rounding mode>
Narrow round_to_integer(Narrow bits, const IntegerRoute& r) {
  const float32x4_t x = vreinterpretq_f32_u32(bits.v);
  const float32x4_t scaled = vmulq_f32(x, vreinterpretq_f32_u32(vdupq_n_u32(r.scale)));
  const float32x4_t lowest = vdupq_n_f32(static_cast<float>(r.lowest));
  const float32x4_t highest = vdupq_n_f32(static_cast<float>(r.highest));
  const float32x4_t clamped = vminq_f32(vmaxq_f32(scaled, lowest), highest);
  float32x4_t whole = vrndnq_f32(clamped);
  if constexpr (mode == Rounding::nearest_away) whole = vrndaq_f32(clamped);
  if constexpr (mode == Rounding::toward_zero) whole = vrndq_f32(clamped);
  if constexpr (mode == Rounding::toward_positive) whole = vrndpq_f32(clamped);
  if constexpr (mode == Rounding::toward_negative || mode == Rounding::to_odd) whole = vrndmq_f32(clamped);
  const int32x4_t integer = odd_unless_exact<mode>(vcvtq_s32_f32(whole), whole, clamped);
  const uint32x4_t code = vandq_u32(vreinterpretq_u32_s32(integer), vdupq_n_u32(r.code_mask));
  return {vbslq_u32(vceqq_f32(x, x), code, vdupq_n_u32(r.nan))};
}

// The same but for NaN and for numbers below the lowest, which stay below it: `store_integers` clamps those.
template <Rounding mode, bool>
Narrow round_below(Narrow bits, const IntegerRoute& r) {
  const float32x4_t scaled = vmulq_f32(vreinterpretq_f32_u32(bits.v), vreinterpretq_f32_u32(vdupq_n_u32(r.scale)));
  const float32x4_t limited = vminq_f32(scaled, vdupq_n_f32(static_cast<float>(r.highest)));
  int32x4_t whole = vcvtnq_s32_f32(limited);
  if constexpr (mode == Rounding::nearest_away) whole = vcvtaq_s32_f32(limited);
  if constexpr (mode == Rounding::toward_zero) whole = vcvtq_s32_f32(limited);
  if constexpr (mode == Rounding::toward_positive) whole = vcvtpq_s32_f32(limited);
  if constexpr (mode == Rounding::toward_negative || mode == Rounding::to_odd) whole = vcvtmq_s32_f32(limited);
  return {vreinterpretq_u32_s32(odd_unless_exact<mode>(whole, vcvtq_f32_s32(whole), limited))};
}
inline void store_integers(u8* to, const Narrow (&v)[4], const IntegerRoute& r) {
  const int16x8_t lowest = vdupq_n_s16(static_cast<i16>(r.lowest));
  const uint8x16_t mask = vdupq_n_u8(static_cast<u8>(r.code_mask));
  uint8x16_t halves[2];
  for (int k = 0; k < 2; ++k) {
    const int16x8_t words = vqmovn_high_s32(vqmovn_s32(as_signed(v[2 * k])), as_signed(v[2 * k + 1]));
    halves[k] = vreinterpretq_u8_s16(vmaxq_s16(words, lowest));
  }
  vst1q_u8(to, vandq_u8(vuzp1q_u8(halves[0], halves[1]), mask));
}

// The values of codes of an integer format.
inline Narrow integer_value(Narrow code, const IntegerRoute& r) {
  const int32x4_t count = vdupq_n_s32(static_cast<int>(r.sign_extension));
  const int32x4_t integer = vshlq_s32(vshlq_s32(as_signed(code), count), vnegq_s32(count));
  const float32x4_t scale = vreinterpretq_f32_u32(vdupq_n_u32(r.unscale));
  return {vreinterpretq_u32_f32(vmulq_f32(vcvtq_f32_s32(integer), scale))};
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
