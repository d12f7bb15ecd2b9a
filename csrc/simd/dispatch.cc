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
bool has_avx2() {
#if defined(_MSC_VER)
  int leaf1[4];
  int leaf7[4];
  __cpuid(leaf1, 1);
  __cpuidex(leaf7, 7, 0);
  const bool f16c = (leaf1[2] & (1 << 29)) != 0;
  const bool os_saves_ymm = (leaf1[2] & (1 << 27)) != 0 && (_xgetbv(0) & 6) == 6;
  return f16c && os_saves_ymm && (leaf7[1] & (1 << 5)) != 0;
#else
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
#endif
}
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
