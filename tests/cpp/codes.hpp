// Checks that start from codes: decode of every code of every format.
#pragma once

#include "sweep.hpp"

namespace exhaustive {

Tally check_decode(const Row&);

}  // namespace exhaustive
