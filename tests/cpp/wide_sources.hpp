// Checks of the narrowing that precedes every other encode: binary64 and binary16 to binary32, rounded to odd.
#pragma once

#include "sweep.hpp"

namespace exhaustive {

// `random` numbers beside the structured ones.
Tally check_narrowing(std::uint64_t random);

}  // namespace exhaustive
