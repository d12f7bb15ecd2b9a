// Two judges that are not ours: the processor's own binary16 conversion, and the textbook's bfloat16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "halfulp/codec.hpp"

namespace exhaustive {

// Whether the processor converts to binary16 in this mode.
bool has_hardware_binary16(halfulp::Rounding);

// NaN payloads are kept by both, as far as they fit, and quieted.
void hardware_binary16(halfulp::Rounding, const std::uint32_t* from, std::uint16_t* codes, std::size_t n);
void textbook_bfloat16(const std::uint32_t* from, std::uint16_t* codes, std::size_t n);

}  // namespace exhaustive
