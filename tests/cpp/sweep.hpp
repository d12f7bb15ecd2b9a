// Sweeps binary32 inputs through every route of every target, against what is expected of one format.
#pragma once

#include <cstdint>
#include <vector>

#include "expected.hpp"

namespace halfulp {
struct Kernels;
}

namespace exhaustive {

// Which inputs: every `of`-th block of all 2^32, or only those beside a decision.
struct Slice {
  bool edges_only;
  std::uint32_t number;
  std::uint32_t of;
};

struct Settings {
  Slice slice;
  int threads;
  std::uint32_t wide_every;  // every how many blocks also take the 64-bit route
  std::vector<Case> cases;
  bool chosen_only = false;   // of the routes of a codec, all inputs take only the one that serves calls
  bool vectors_only = false;  // portable routes take only the blocks that the 64-bit one takes
};

struct Tally {
  std::uint64_t inputs = 0;
  int passed = 0;
  int failed = 0;
};

// The kernels of every target of this machine, the portable ones first.
const std::vector<const halfulp::Kernels*>& targets();

const char* name(halfulp::Rounding);
const char* name(halfulp::Overflow);
const char* name(halfulp::Subnormals);

// One check is one route of one target under one policy. Failures are printed, with the first input that shows them.
Tally sweep(const Row&, const Settings&);

}  // namespace exhaustive
