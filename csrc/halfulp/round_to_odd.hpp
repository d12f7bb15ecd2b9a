// Narrowing to binary32 without losing the rounding that follows: round to odd (Boldo & Melquiond 2008).
#pragma once

#include "formats.hpp"
#include "source.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// The largest finite binary32 has an odd code, so a finite source beyond it stays finite: Inf remains recognisable.
inline constexpr Policy to_odd_policy = {
    Rounding::to_odd,
    Overflow::standard,
    Subnormals::gradual,
    {format("float32").nan_code(), format("float32").nan_code() | format("float32").sign_bit(), true},
};
inline constexpr Policy nearest_policy = {Rounding::nearest_even, Overflow::standard, Subnormals::gradual,
                                          to_odd_policy.nan};

inline constexpr Codec<u64> to_binary32_odd = make_codec<u64>(format("float32"), to_odd_policy);
inline constexpr Codec<u64> to_binary32_nearest = make_codec<u64>(format("float32"), nearest_policy);

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
