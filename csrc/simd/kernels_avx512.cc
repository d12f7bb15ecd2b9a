// The AVX-512 kernels. Compiled with -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl; empty elsewhere.
#if defined(__x86_64__) || defined(_M_X64)
#define HALFULP_TARGET avx512
#define HALFULP_SHORTCUTS
#define HALFULP_ARITHMETIC
#include "lanes/avx512.hpp"
#include "lanes/avx512_arithmetic.hpp"
#include "lanes/avx512_codebook.hpp"
#include "lanes/avx512_pack.hpp"
#include "lanes/avx512_tables.hpp"

#include "kernels.inl"

const halfulp::Kernels halfulp::kernels_avx512 = kernels_of_target("avx512");
#endif
