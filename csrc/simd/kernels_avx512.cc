// The AVX-512 kernels. Compiled with -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl; empty elsewhere.
#if defined(__x86_64__) || defined(_M_X64)
#define HALFULP_TARGET avx512
#define HALFULP_SHORTCUTS
#include "lanes/avx512.hpp"
#include "lanes/avx512_codebook.hpp"
#include "lanes/avx512_pack.hpp"

#include "kernels.inl"

const halfulp::Kernels halfulp::kernels_avx512 = {"avx512",
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
