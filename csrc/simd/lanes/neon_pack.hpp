// Chunks of bytes for packing with NEON.
#pragma once

#include "../../halfulp/pack.hpp"
#include "neon.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// Sixteen bytes, or two 64-bit lanes, for packing.
struct Chunk {
  uint8x16_t v;

  static constexpr usize size = 16;

  static Chunk set(u64 w) { return {vreinterpretq_u8_u64(vdupq_n_u64(w))}; }

  friend Chunk operator&(Chunk a, Chunk b) { return {vandq_u8(a.v, b.v)}; }
  friend Chunk operator|(Chunk a, Chunk b) { return {vorrq_u8(a.v, b.v)}; }
};

inline Chunk and_not(Chunk mask, Chunk b) { return {vbicq_u8(b.v, mask.v)}; }
// In 64-bit lanes.
inline Chunk shl(Chunk a, int n) {
  return {vreinterpretq_u8_u64(vshlq_u64(vreinterpretq_u64_u8(a.v), vdupq_n_s64(n)))};
}
inline Chunk shr(Chunk a, int n) { return shl(a, -n); }
inline Chunk shuffle(Chunk a, const u8 (&index)[16]) { return {vqtbl1q_u8(a.v, vld1q_u8(index))}; }
// Parts of sixteen bytes that lie `step` apart: there is but one.
inline Chunk load_parts(const u8* from, usize) { return {vld1q_u8(from)}; }
inline void store_parts(u8* to, Chunk a, usize) { vst1q_u8(to, a.v); }
// Pairs of bytes below 2^half to one number, the second above the first, in 16-bit lanes.
template <int half>
Chunk join_pairs(Chunk a) {
  return a | shr(a, 8 - half);
}
// Four bytes below 2^bits, bits <= 6, to one number in 32-bit lanes, the first lowest.
inline Chunk join_fours(Chunk a, int bits) {
  const Chunk one = Chunk::set(0x00ff00ff00ff00ff);
  const Chunk two = Chunk::set(0x0000ffff0000ffff);
  const Chunk pairs = (a & one) | shr(and_not(one, a), 8 - bits);
  return (pairs & two) | shr(and_not(two, pairs), 16 - 2 * bits);
}
// The low bytes of the 16-bit lanes of two vectors.
inline Chunk low_bytes(Chunk a, Chunk b) { return {vuzp1q_u8(a.v, b.v)}; }
// Chunk in 16-bit lanes.
inline Chunk widen_bytes(const u8* from) { return {vreinterpretq_u8_u16(vmovl_u8(vld1_u8(from)))}; }
// All 64-bit lanes or-ed into one.
inline u64 gather_bits(Chunk a) {
  return vgetq_lane_u64(vreinterpretq_u64_u8(a.v), 0) | vgetq_lane_u64(vreinterpretq_u64_u8(a.v), 1);
}

// Codes of 4 bits to packed nibbles.
class NibblePairs {
 public:
  explicit NibblePairs(bool high_first) : high_first_(high_first) {}

  // Thirty-two codes.
  void store(u8* to, Bytes first, Bytes second) const {
    const uint8x16_t even = vuzp1q_u8(first.v, second.v);
    const uint8x16_t odd = vuzp2q_u8(first.v, second.v);
    vst1q_u8(to, high_first_ ? vsliq_n_u8(odd, even, 4) : vsliq_n_u8(even, odd, 4));
  }

  // Thirty-two integers of `round_below`.
  void store_integers(u8* to, const Narrow (&first)[4], const Narrow (&second)[4], const IntegerRoute& r) const {
    u8 codes[32];
    halfulp::store_integers(codes, first, r);
    halfulp::store_integers(codes + 16, second, r);
    store(to, load_bytes(codes), load_bytes(codes + 16));
  }

 private:
  bool high_first_;
};

// Values of 16 codes whose lower two bytes are zero, looked up for packed nibbles.
class NibbleValues {
 public:
  NibbleValues(const u8 (&byte2)[256], const u8 (&byte3)[256], const u32 (&)[256], bool high_first)
      : byte2_(byte2), byte3_(byte3), high_first_(high_first) {}

  // Thirty-two values of sixteen bytes.
  void store(u32* to, const u8* packed) const {
    const uint8x16_t both = vld1q_u8(packed);
    const uint8x16_t low = vandq_u8(both, vdupq_n_u8(15));
    const uint8x16_t high = vshrq_n_u8(both, 4);
    const uint8x16_t first = high_first_ ? high : low;
    const uint8x16_t second = high_first_ ? low : high;
    const Bytes front = {vzip1q_u8(first, second)};
    const Bytes back = {vzip2q_u8(first, second)};
    store_planes(to, look_up(front, byte2_), look_up(front, byte3_));
    store_planes(to + 16, look_up(back, byte2_), look_up(back, byte3_));
  }

 private:
  const u8 (&byte2_)[256];
  const u8 (&byte3_)[256];
  bool high_first_;
};

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
