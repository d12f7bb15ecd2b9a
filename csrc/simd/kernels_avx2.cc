// The AVX2 and F16C kernels. Compiled with -mavx2 -mf16c; empty on other processors.
#if defined(__x86_64__) || defined(_M_X64)
#define HALFULP_TARGET avx2
#define HALFULP_SHORTCUTS
#include "lanes/avx2.hpp"
#include "lanes/avx2_codebook.hpp"
#include "lanes/avx2_pack.hpp"

#include "kernels.inl"

const halfulp::Kernels halfulp::kernels_avx2 = {"avx2",
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
