// The floating-point environment that numbers of dtypes are computed in, whatever the caller's is.
#pragma once

#include <atomic>
#include <cfenv>

#include "../halfulp/config.hpp"
#include "api.hpp"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace halfulp::numpy {

// Round to nearest even, no subnormal flushed, nothing trapped; then what the caller had. Flags that are raised in
// between stay raised: NumPy looks for them afterwards. In the usual environment it costs one look.
class UsualEnvironment {
 public:
  UsualEnvironment() : saved_(control()) {
    if (saved_ != usual) set_control(usual);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // no number is read before
  }
  ~UsualEnvironment() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (saved_ != usual) set_control(saved_);
  }
  UsualEnvironment(const UsualEnvironment&) = delete;
  UsualEnvironment& operator=(const UsualEnvironment&) = delete;

 private:
#if defined(__x86_64__) || defined(_M_X64)
  using Control = unsigned;  // MXCSR: FTZ, rounding, masks and DAZ around the flags
  static constexpr Control usual = 0x1f80;
  static constexpr Control flags = 0x3f;
  static Control control() { return _mm_getcsr() & ~flags; }
  static void set_control(Control c) { _mm_setcsr(c | (_mm_getcsr() & flags)); }
#elif defined(__aarch64__) && defined(__GNUC__)
  using Control = u64;  // FPCR; the flags are in FPSR
  static constexpr Control usual = 0;
  static Control control() {
    Control c;
    asm volatile("mrs %0, fpcr" : "=r"(c));
    return c;
  }
  static void set_control(Control c) { asm volatile("msr fpcr, %0" : : "r"(c) : "memory"); }
#else
  using Control = int;
  static constexpr Control usual = FE_TONEAREST;
  static Control control() { return std::fegetround(); }
  static void set_control(Control c) { std::fesetround(c); }
#endif
  Control saved_;
};

// A loop of NumPy's in that environment.
template <PyArrayMethod_StridedLoop* loop>
int in_usual_environment(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions,
                         npy_intp const* strides, NpyAuxData* auxiliary) {
  const UsualEnvironment environment;
  return loop(context, data, dimensions, strides, auxiliary);
}

}  // namespace halfulp::numpy
