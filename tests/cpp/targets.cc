// What the programs say of targets and policies.
#include "simd/kernels.hpp"
#include "sweep.hpp"

namespace exhaustive {

using halfulp::Overflow;
using halfulp::Rounding;
using halfulp::Subnormals;

namespace {

constexpr const char* rounding_names[] = {"nearest_even",    "nearest_away",    "toward_zero",
                                          "toward_positive", "toward_negative", "to_odd"};
constexpr const char* overflow_names[] = {"default", "saturate", "saturate_keep_inf"};
constexpr const char* subnormals_names[] = {"gradual", "flush_output", "flush_tiny"};

}  // namespace

const char* name(Rounding r) { return rounding_names[static_cast<int>(r)]; }
const char* name(Overflow o) { return overflow_names[static_cast<int>(o)]; }
const char* name(Subnormals s) { return subnormals_names[static_cast<int>(s)]; }

const std::vector<const halfulp::Kernels*>& targets() {
  static const std::vector<const halfulp::Kernels*> all = [] {
    std::vector<const halfulp::Kernels*> found;
    for (const char* const* isa = halfulp::available_isas(); *isa != nullptr; ++isa) {
      halfulp::use_isa(*isa);
      found.push_back(&halfulp::kernels());
    }
    return found;
  }();
  return all;
}

}  // namespace exhaustive
