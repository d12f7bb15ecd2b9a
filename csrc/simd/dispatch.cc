// Choosing the kernels at run time: what the processor has, what the user asked for.
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "kernels.hpp"

#if defined(_MSC_VER) && defined(_M_X64)
#include <immintrin.h>
#include <intrin.h>
#endif

namespace halfulp {
namespace {

#if defined(__x86_64__) || defined(_M_X64)
#if defined(_MSC_VER)
struct Processor {
  int leaf1[4];
  int leaf7[4];
  unsigned long long saved;  // register state that the system saves: bits 1 and 2 for AVX, 5 to 7 for AVX-512

  Processor() : saved(0) {
    __cpuid(leaf1, 1);
    __cpuidex(leaf7, 7, 0);
    if ((leaf1[2] & (1 << 27)) != 0) saved = _xgetbv(0);
  }
};
bool has_avx2() {
  const Processor p;
  return (p.leaf1[2] & (1 << 12)) != 0 && (p.leaf1[2] & (1 << 29)) != 0 && (p.leaf7[1] & (1 << 5)) != 0 &&
         (p.saved & 0x06) == 0x06;
}
bool has_avx512() {
  const Processor p;
  const int needed = (1 << 16) | (1 << 17) | (1 << 28) | (1 << 30) | (1 << 31);  // F, DQ, CD, BW, VL
  return has_avx2() && (p.leaf7[1] & needed) == needed && (p.saved & 0xe6) == 0xe6;
}
#else
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif
#endif

// Slowest first.
struct Targets {
  const Kernels* kernels[4] = {};
  const char* names[4] = {};
  int count = 0;

  Targets() {
    add(kernels_portable);
#if defined(__x86_64__) || defined(_M_X64)
    if (has_avx2()) add(kernels_avx2);
    if (has_avx512()) add(kernels_avx512);
#endif
#if defined(__aarch64__) && defined(__GNUC__)
    add(kernels_neon);
#endif
  }
  void add(const Kernels& k) {
    kernels[count] = &k;
    names[count] = k.isa;
    ++count;
  }
  const Kernels* by_name(const char* name) const {
    for (int i = 0; i < count; ++i) {
      if (std::strcmp(names[i], name) == 0) return kernels[i];
    }
    return nullptr;
  }
};

const Targets& targets() {
  static const Targets all;
  return all;
}

// An unknown HALFULP_ISA is reported when the module is imported; until then the best target serves.
std::atomic<const Kernels*>& current() {
  static std::atomic<const Kernels*> chosen{[] {
    const char* wanted = std::getenv("HALFULP_ISA");
    const Kernels* named = wanted != nullptr ? targets().by_name(wanted) : nullptr;
    return named != nullptr ? named : targets().kernels[targets().count - 1];
  }()};
  return chosen;
}

}  // namespace

const Kernels& kernels() { return *current().load(std::memory_order_relaxed); }

bool use_isa(const char* name) {
  const Kernels* named = targets().by_name(name);
  if (named != nullptr) current().store(named, std::memory_order_relaxed);
  return named != nullptr;
}

const char* const* available_isas() { return targets().names; }

}  // namespace halfulp
