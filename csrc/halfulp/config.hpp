// Fixed-width integers, the host/device marker and the per-target namespace that every header here uses.
//
// These headers include nothing outside this folder, so that g++, clang++, nvcc and NVRTC read the same text.
#pragma once

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define HALFULP_HD __host__ __device__
#else
#define HALFULP_HD
#endif

// A file compiled with -mavx2 must never lend one of its inline functions to a plain x86-64 machine. Each target
// therefore puts everything that is instantiated for it in an inline namespace of its own, and the linker cannot
// mix them up.
#ifndef HALFULP_TARGET
#define HALFULP_TARGET portable
#endif

namespace halfulp {

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;
using i8 = signed char;
using i16 = signed short;
using i32 = int;
using i64 = long long;
using usize = decltype(sizeof(0));
using isize = decltype(static_cast<char*>(nullptr) - static_cast<char*>(nullptr));

static_assert(sizeof(u16) == 2 && sizeof(u32) == 4 && sizeof(u64) == 8, "unexpected integer widths");

}  // namespace halfulp
