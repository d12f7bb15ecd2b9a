// The AVX2, FMA and F16C kernels. Compiled with -mavx2 -mfma -mf16c; empty on other processors.
#if defined(__x86_64__) || defined(_M_X64)
#define HALFULP_TARGET avx2
#define HALFULP_SHORTCUTS
#define HALFULP_ARITHMETIC
#include "lanes/avx2.hpp"
#include "lanes/avx2_arithmetic.hpp"
#include "lanes/avx2_codebook.hpp"
#include "lanes/avx2_pack.hpp"

#include "kernels.inl"

const halfulp::Kernels halfulp::kernels_avx2 = kernels_of_target("avx2");
#endif
