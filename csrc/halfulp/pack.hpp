// Packing: where the bits of each code lie in dense storage, for every order. The kernels must agree with it.
//
// Storage is a string of bits: bit k is bit k % 8 of byte k / 8, and 32-bit words are little-endian. A code occupies
// `bits` consecutive bits of it, its lowest bit first; `bit_of` says where. Four bits, codes a b c d ...:
//
//                 byte 0       byte 1      bits of the string
//   low_first   [ b . a ]    [ d . c ]     a at 0, b at 4, c at 8    ONNX, torchao, safetensors F4
//   high_first  [ a . b ]    [ c . d ]     a at 4, b at 0, c at 12   bitsandbytes
//   gguf        [ q . a ]    [ r . b ]     a at 0, q (the 16th) at 4 ggml Q4_0: planes of a block of 32
//   awq         [ c . a ]    [ g . e ]     a at 0, c at 4, then e, g, b, d, f, h
#pragma once

#include "config.hpp"

namespace halfulp {

enum class Order : u8 {
  low_first,   // 1, 2, 4 bits: the first code in the low bits of the byte
  high_first,  // 1, 2, 4 bits: the first code in the high bits of the byte
  bitstream,   // 1 to 64 bits: one code after another, across bytes
  gguf,        // 4 bits: of 32 codes the first 16 in low nibbles, the others in high ones
  gptq,        // 1 to 8 bits: the bitstream in whole 32-bit words
  awq,         // 4 bits: eight codes 0 2 4 6 1 3 5 7 to a 32-bit word
  tf32,        // 19 bits: at the top of a 32-bit word
  mma,         // 4 bits in bits 5:2 of a byte, 6 in 5:0, 8 in 7:0, as matrix units take them
};

struct Packing {
  Order order;
  int bits;
};

inline namespace HALFULP_TARGET {

// Bits of storage a code takes up, its own and unused ones beside it.
HALFULP_HD constexpr int container_bits(const Packing& p) {
  return p.order == Order::tf32 ? 32 : p.order == Order::mma ? 8 : p.bits;
}

// Unused bits below a code in its container.
HALFULP_HD constexpr int container_offset(const Packing& p) {
  return p.order == Order::tf32 ? 13 : p.order == Order::mma && p.bits == 4 ? 2 : 0;
}

// Storage is a whole number of these.
HALFULP_HD constexpr int unit_bytes(const Packing& p) {
  if (p.order == Order::gguf) return 16;
  return p.order == Order::gptq || p.order == Order::awq || p.order == Order::tf32 ? 4 : 1;
}

// After so many codes the pattern repeats, and a byte begins.
HALFULP_HD constexpr int group_size(const Packing& p) {
  switch (p.order) {
    case Order::gguf:
    case Order::gptq: return 32;
    case Order::tf32:
    case Order::mma: return 1;
    default: return 8;
  }
}

HALFULP_HD constexpr u64 code_mask(const Packing& p) { return ~u64{0} >> (64 - p.bits); }

// The widths an order packs.
HALFULP_HD constexpr bool has_packing(const Packing& p) {
  switch (p.order) {
    case Order::low_first:
    case Order::high_first: return p.bits == 1 || p.bits == 2 || p.bits == 4;
    case Order::bitstream: return p.bits >= 1 && p.bits <= 64;
    case Order::gptq: return p.bits >= 1 && p.bits <= 8;
    case Order::gguf:
    case Order::awq: return p.bits == 4;
    case Order::tf32: return p.bits == 19;
    case Order::mma: return p.bits == 4 || p.bits == 6 || p.bits == 8;
  }
  return false;
}

// Of eight codes that are packed together, the one that comes k-th in the string.
HALFULP_HD constexpr u64 nth_of_eight(const Packing& p, u64 k) {
  if (p.order == Order::awq) return k < 4 ? 2 * k : 2 * k - 7;
  return p.order == Order::high_first ? k ^ static_cast<u64>(8 / p.bits - 1) : k;
}

// Position of the lowest bit of code i.
HALFULP_HD constexpr u64 bit_of(const Packing& p, u64 i) {
  const u64 bits = static_cast<u64>(p.bits);
  switch (p.order) {
    case Order::high_first: return (i ^ (8 / bits - 1)) * bits;
    case Order::gguf: return i / 32 * 128 + i % 16 * 8 + i / 16 % 2 * 4;
    case Order::awq: return (i / 8 * 8 + i % 2 * 4 + i % 8 / 2) * 4;
    default: return i * static_cast<u64>(container_bits(p)) + static_cast<u64>(container_offset(p));
  }
}

// Bytes that n codes need. (Of whole eights first: n times 64 bits might not be a u64.)
HALFULP_HD constexpr u64 packed_bytes(const Packing& p, u64 n) {
  const u64 unit = static_cast<u64>(unit_bytes(p));
  const u64 bits = static_cast<u64>(container_bits(p));
  const u64 bytes = n / 8 * bits + (n % 8 * bits + 7) / 8;
  return (bytes + unit - 1) / unit * unit;
}

HALFULP_HD constexpr u64 code_at(const Packing& p, const u8* packed, u64 i) {
  const u64 first = bit_of(p, i);
  u64 code = 0;
  for (int done = 0; done < p.bits;) {
    const u64 at = first + static_cast<u64>(done);
    const int shift = static_cast<int>(at % 8);
    code |= static_cast<u64>(packed[at / 8] >> shift) << done;
    done += 8 - shift;
  }
  return code & code_mask(p);
}

// Into storage whose bits there are 0. Bits above the width are dropped.
HALFULP_HD constexpr void put_code(const Packing& p, u8* packed, u64 i, u64 code) {
  const u64 first = bit_of(p, i);
  code &= code_mask(p);
  for (int done = 0; done < p.bits;) {
    const u64 at = first + static_cast<u64>(done);
    const int shift = static_cast<int>(at % 8);
    packed[at / 8] = static_cast<u8>(packed[at / 8] | code >> done << shift);
    done += 8 - shift;
  }
}

// Eight bytes with a code of b <= 8 bits in each become 8b dense bits, by closing the gaps between pairs, then between
// pairs of pairs:
//
//   0000hhhh 0000gggg 0000ffff 0000eeee 0000dddd 0000cccc 0000bbbb 0000aaaa
//   00000000 hhhhgggg 00000000 ffffeeee 00000000 ddddcccc 00000000 bbbbaaaa
//   00000000 00000000 hhhhgggg ffffeeee 00000000 00000000 ddddcccc bbbbaaaa
//   00000000 00000000 00000000 00000000 hhhhgggg ffffeeee ddddcccc bbbbaaaa
HALFULP_HD constexpr u64 close_gaps(u64 v, int bits) {
  const int gap = 8 - bits;
  v = (v & 0x00ff00ff00ff00ff) | (v & 0xff00ff00ff00ff00) >> gap;
  v = (v & 0x0000ffff0000ffff) | (v & 0xffff0000ffff0000) >> 2 * gap;
  return (v & 0x00000000ffffffff) | (v & 0xffffffff00000000) >> 4 * gap;
}

HALFULP_HD constexpr u64 open_gaps(u64 v, int bits) {
  const int gap = 8 - bits;
  const u64 four = (u64{1} << 4 * bits) - 1;
  const u64 two = ((u64{1} << 2 * bits) - 1) * 0x0000000100000001;
  const u64 one = ((u64{1} << bits) - 1) * 0x0001000100010001;
  v = (v & four) | (v << 4 * gap & 0xffffffff00000000);
  v = (v & two) | (v << 2 * gap & 0xffff0000ffff0000);
  return (v & one) | (v << gap & 0xff00ff00ff00ff00);
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
