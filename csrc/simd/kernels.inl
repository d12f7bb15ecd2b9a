// The loops of one target, written once over its lane types. Included by kernels_<isa>.cc after its lanes.
//
// HALFULP_SHORTCUTS: the lanes convert to and from binary16 and integers in hardware.
// HALFULP_ARITHMETIC: and compute in binary32.

#include <cstring>

#include "../halfulp/philox.hpp"
#include "../halfulp/round_to_odd.hpp"
#include "../halfulp/settle.hpp"
#include "../halfulp/stochastic.hpp"
#include "kernels.hpp"

// Loops must not move out of the Environment that their callers set up, and what several loops share must be part of
// each, for its constants to stay in registers.
#if defined(_MSC_VER)
#define HALFULP_NOINLINE __declspec(noinline)
#define HALFULP_INLINE __forceinline
#else
#define HALFULP_NOINLINE __attribute__((noinline))
#define HALFULP_INLINE inline __attribute__((always_inline))
#endif

namespace halfulp {
inline namespace HALFULP_TARGET {

using One = Lane<u32>;

// What is left over at the end of an array, if it is more than a few elements, goes through a whole block: one lane at
// a time takes longer.
constexpr usize worth_a_block = 4;

// Calls f with copies of n elements, filled up with zeros, and room for as many results; true if it served them.
template <usize block, class In, class Out, class F>
bool in_one_block(const In* from, Out* to, usize n, F&& f) {
  if (n < worth_a_block || n >= block) return false;
  alignas(64) In in[block] = {};
  alignas(64) Out out[block];
  std::memcpy(in, from, n * sizeof(In));
  if (f(in, out) != block) return false;
  std::memcpy(to, out, n * sizeof(Out));
  return true;
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp

// Each uses what comes before it.
// clang-format off
#include "wide.inl"
#include "narrow.inl"
#include "codebook.inl"
#include "encode.inl"
#include "decode.inl"
#include "blocks.inl"
#include "random.inl"
#include "pack.inl"
#include "nibbles.inl"
#include "operate.inl"
#include "operate_halves.inl"
#include "operate_bytes.inl"
// clang-format on

namespace halfulp {
inline namespace HALFULP_TARGET {

constexpr Kernels kernels_of_target(const char* isa) {
  Kernels k{};
  k.isa = isa;
  k.encode = encode_kernel;
  k.encode_wide = encode_wide_kernel;
  k.encode_levels = encode_levels_kernel;
  k.narrow = narrow_kernel;
  k.widen = widen_kernel;
  k.decode = decode_kernel;
  k.encode_from = encode_from_kernel;
  k.encode_watched = encode_watched_kernel;
  k.decode_to = decode_to_kernel;
  k.round = round_kernel;
  k.gather_bits = gather_bits_kernel;
  k.largest = largest_kernel;
  k.encode_random = encode_random_kernel;
  k.random = random_kernel;
  k.store = store_kernel;
  k.finish_stores = finish_stores;
  k.pack = pack_kernel;
  k.unpack = unpack_kernel;
  k.encode_nibbles = encode_nibbles_kernel;
  k.decode_nibbles = decode_nibbles_kernel;
#if defined(HALFULP_ARITHMETIC)
  k.decode_operands = decode_operands_kernel;
  k.operate = operate_kernel;
  if constexpr (instructions_round) k.operate_halves = operate_halves_kernel<instructions_round>;
#if defined(HALFULP_BYTE_TABLES)
  k.operate_bytes = operate_bytes_kernel;
#endif
  k.flags = flags_kernel;
  k.compare = compare_kernel;
#endif
  return k;
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
