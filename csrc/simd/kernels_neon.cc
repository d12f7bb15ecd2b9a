// The NEON kernels, part of every 64-bit Arm processor; empty elsewhere.
#if defined(__aarch64__) && defined(__GNUC__)
#define HALFULP_TARGET neon
#define HALFULP_SHORTCUTS
#define HALFULP_ARITHMETIC
#include "lanes/neon.hpp"
#include "lanes/neon_arithmetic.hpp"
#include "lanes/neon_codebook.hpp"
#include "lanes/neon_pack.hpp"

#include "kernels.inl"

const halfulp::Kernels halfulp::kernels_neon = kernels_of_target("neon");
#endif
