// The quiet operations of 5.5.1 and 5.7.2 on formats of a sign and a magnitude: a few bits each, whatever the number.
#include <utility>

#include "math.hpp"

namespace halfulp::numpy {
namespace {

// What a loop reads of its format, in words as wide as the codes: so it is one of vectors.
template <class Word>
struct Fields {
  explicit Fields(const Dtype& d)
      : code(static_cast<Word>(d.order.code_mask)),
        sign(static_cast<Word>(d.order.sign)),
        magnitude(static_cast<Word>(d.order.magnitude_mask)),
        last_number(static_cast<Word>(d.order.last_number)),
        inf(static_cast<Word>(d.format.has_inf() ? d.decoder.wide.inf : d.order.code_mask)),
        alone(static_cast<Word>(d.order.negative_zero)),
        has_inf(d.format.has_inf() ? static_cast<Word>(~Word{0}) : Word{0}) {}

  Word code;
  Word sign;
  Word magnitude;
  Word last_number;
  Word inf;
  Word alone;  // all ones: the sign alone is NaN, and there is no -0
  Word has_inf;

  // All ones where it holds.
  static Word where(bool holds) { return static_cast<Word>(-static_cast<Word>(holds)); }
  Word unsigned_only(Word x) const { return static_cast<Word>(where((x & magnitude) == 0) & alone); }
  Word nan(Word x) const {
    const Word single = static_cast<Word>(where((x & code) == sign) & alone);
    return static_cast<Word>(where((x & magnitude) > last_number) | single);
  }
  Word infinite(Word x) const { return static_cast<Word>(where((x & magnitude) == inf) & has_inf); }
};

struct Negative {
  template <class Word>
  static Word of(const Fields<Word>& f, Word x, Word) {
    return static_cast<Word>((x & f.code) ^ (f.sign & ~f.unsigned_only(x)));
  }
};
struct Absolute {
  template <class Word>
  static Word of(const Fields<Word>& f, Word x, Word) {
    return static_cast<Word>(x & f.code & ~(f.sign & ~f.unsigned_only(x)));
  }
};
struct Positive {
  template <class Word>
  static Word of(const Fields<Word>& f, Word x, Word) {
    return static_cast<Word>(x & f.code);
  }
};
struct CopySign {
  template <class Word>
  static Word of(const Fields<Word>& f, Word x, Word y) {
    const Word taken = static_cast<Word>(f.sign & ~f.unsigned_only(x));
    const Word sign = static_cast<Word>(y & f.sign & ~f.unsigned_only(y));
    return static_cast<Word>((x & f.code & ~taken) | (sign & taken));
  }
};
struct IsNan {
  template <class Word>
  static bool of(const Fields<Word>& f, Word x, Word) {
    return f.nan(x) != 0;
  }
};
struct IsInf {
  template <class Word>
  static bool of(const Fields<Word>& f, Word x, Word) {
    return f.infinite(x) != 0;
  }
};
struct IsFinite {
  template <class Word>
  static bool of(const Fields<Word>& f, Word x, Word) {
    return (f.nan(x) | f.infinite(x)) == 0;
  }
};
struct SignBit {
  template <class Word>
  static bool of(const Fields<Word>& f, Word x, Word) {
    return (x & f.sign & ~f.unsigned_only(x)) != 0;
  }
};

template <class Op, class Word>
void apply_to(const Dtype& d, char* const* data, npy_intp const* strides, bool two, usize n) {
  using Result = decltype(Op::of(std::declval<const Fields<Word>&>(), Word{}, Word{}));
  const Fields<Word> f(d);
  const char* second = two ? data[1] : data[0];
  char* to = data[two ? 2 : 1];
  const auto run = [&](isize step, isize second_step, isize to_step) {
    for (usize i = 0; i < n; ++i) {
      const isize at = static_cast<isize>(i);
      Word x, y;
      std::memcpy(&x, data[0] + at * step, sizeof x);
      std::memcpy(&y, second + at * second_step, sizeof y);
      const Result result = Op::of(f, x, y);
      std::memcpy(to + at * to_step, &result, sizeof result);
    }
  };
  constexpr isize size = sizeof(Word);
  constexpr isize result_size = sizeof(Result);
  const isize second_stride = two ? strides[1] : strides[0];
  const isize to_stride = strides[two ? 2 : 1];
  if (strides[0] == size && second_stride == size && to_stride == result_size) return run(size, size, result_size);
  run(strides[0], second_stride, to_stride);
}

template <class Op>
int loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
         NpyAuxData*) {
  const Dtype& d = dtype_of(context->descriptors[0]);
  const bool two = reinterpret_cast<PyUFuncObject*>(context->caller)->nin == 2;
  each_independent(context, data, strides, static_cast<usize>(dimensions[0]), [&](char* const* here, usize n) {
    switch (d.size()) {
      case 1: return apply_to<Op, u8>(d, here, strides, two, n);
      case 2: return apply_to<Op, u16>(d, here, strides, two, n);
      default: return apply_to<Op, u32>(d, here, strides, two, n);
    }
  });
  return 0;
}

struct Named {
  const char* ufunc;
  PyArrayMethod_StridedLoop* loop;
};

constexpr Named loops[] = {
    {"negative", loop<Negative>},  {"absolute", loop<Absolute>}, {"fabs", loop<Absolute>}, {"positive", loop<Positive>},
    {"conjugate", loop<Positive>}, {"copysign", loop<CopySign>}, {"isnan", loop<IsNan>},   {"isinf", loop<IsInf>},
    {"isfinite", loop<IsFinite>},  {"signbit", loop<SignBit>},
};

}  // namespace

PyArrayMethod_StridedLoop* bits_loop(const Dtype& d, const char* ufunc) {
  if (!d.format.is_signed || d.format.is_integer() || !d.has_arithmetic()) return nullptr;
  for (const Named& each : loops) {
    if (std::strcmp(each.ufunc, ufunc) == 0) return each.loop;
  }
  return nullptr;
}

}  // namespace halfulp::numpy
