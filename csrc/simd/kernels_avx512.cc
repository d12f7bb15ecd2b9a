// The AVX-512 kernels. Compiled with -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl; empty elsewhere.
#if defined(__x86_64__) || defined(_M_X64)
#define HALFULP_TARGET avx512
#define HALFULP_SHORTCUTS
#include "lanes/avx512.hpp"

#include "kernels.inl"

const halfulp::Kernels halfulp::kernels_avx512 = {"avx512",      encode_kernel, encode_wide_kernel,
                                                  narrow_kernel, widen_kernel,  decode_kernel,
                                                  pack_kernel,   unpack_kernel, decode_nibbles_kernel};
#endif
