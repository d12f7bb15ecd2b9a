// The portable target: one 32-bit lane, plain integers, nothing of the floating-point unit.
#pragma once

#include "../../halfulp/codec.hpp"
#include "../../halfulp/scalar.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

using Narrow = Lane<u32>;

// Kernels of this target never touch the floating-point environment.
struct Environment {
  explicit Environment(Rounding = Rounding::toward_zero) {}
};

constexpr bool can_store_past_caches = false;
inline void store_past_caches(const void*, void*, usize) {}
inline void finish_stores() {}

// One code, or one binary32.
template <class Code>
Narrow load(const Code* from) {
  return {*from};
}

inline bool any_nan(const Narrow (&x)[4]) {
  bool nan = false;
  for (const Narrow& each : x) nan = nan || (each.word & 0x7fffffff) > 0x7f800000;
  return nan;
}

// Stores `4 * lanes` codes.
template <class Code>
void store_block(Code* to, const Narrow (&v)[4]) {
  for (int k = 0; k < 4; ++k) to[k] = static_cast<Code>(v[k].word);
}
inline void store(u32* to, Narrow v) { *to = v.word; }

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
