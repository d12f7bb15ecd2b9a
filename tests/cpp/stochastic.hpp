// Checks of stochastic rounding: the 32-bit lanes, the 64-bit words and the way through round to odd, on every target.
#pragma once

#include "sweep.hpp"

namespace exhaustive {

// `random` binary64 numbers, and as many binary32 ones, over all formats, modes and numbers of random bits.
Tally check_stochastic(std::uint64_t random);

}  // namespace exhaustive
