// The NEON kernels, part of every 64-bit Arm processor; empty elsewhere.
#if defined(__aarch64__) && defined(__GNUC__)
#define HALFULP_TARGET neon
#define HALFULP_SHORTCUTS
#include "lanes/neon.hpp"
#include "lanes/neon_codebook.hpp"
#include "lanes/neon_pack.hpp"

#include "kernels.inl"

const halfulp::Kernels halfulp::kernels_neon = {"neon",
                                                encode_kernel,
                                                encode_wide_kernel,
                                                encode_levels_kernel,
                                                narrow_kernel,
                                                widen_kernel,
                                                decode_kernel,
                                                encode_from_kernel,
                                                decode_to_kernel,
                                                round_kernel,
                                                gather_bits_kernel,
                                                encode_random_kernel,
                                                random_kernel,
                                                pack_kernel,
                                                unpack_kernel,
                                                encode_nibbles_kernel,
                                                decode_nibbles_kernel};
#endif
