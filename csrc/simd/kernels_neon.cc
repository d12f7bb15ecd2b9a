// The NEON kernels, part of every 64-bit Arm processor; empty elsewhere.
#if defined(__aarch64__) && defined(__GNUC__)
#define HALFULP_TARGET neon
#define HALFULP_SHORTCUTS
#include "lanes/neon.hpp"

#include "kernels.inl"

const halfulp::Kernels halfulp::kernels_neon = {"neon",        encode_kernel, encode_wide_kernel,
                                                narrow_kernel, widen_kernel,  decode_kernel,
                                                pack_kernel,   unpack_kernel, decode_nibbles_kernel};
#endif
