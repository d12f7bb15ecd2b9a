// Operations on codes that may have bits above their width, which mean nothing and are cleared.
#include "../../simd/kernels.hpp"
#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

class Cleared {
 public:
  Cleared(const Dtype& d, const char* from, isize stride, usize n) {
    for (usize i = 0; i < n; ++i) {
      const u64 code = load_code(d, from + static_cast<isize>(i) * stride);
      std::memcpy(bytes_ + i * d.size(), &code, d.size());
    }
  }
  char* data() { return bytes_; }
  static constexpr usize block = 512;

 private:
  alignas(8) char bytes_[8 * block + 8];
};

Columns part(const Columns& all, usize start) {
  Columns c = all;
  for (int i = 0; i < c.operands; ++i) c.in[i].data += static_cast<isize>(start) * c.in[i].stride;
  c.out[0].data += static_cast<isize>(start) * c.out[0].stride;
  return c;
}

// Whether the second operand is one of codes, not of integers.
bool has_second(const Columns& c) { return c.operands > 1 && !c.in[1].is_signed; }

u8 operate_cleared(const Dtype& d, const ArrayOperation& o, const Columns& all, usize n) {
  u8 flags = 0;
  for (usize start = 0; start < n; start += Cleared::block) {
    const usize count = n - start < Cleared::block ? n - start : Cleared::block;
    Columns c = part(all, start);
    const Column& second = c.in[has_second(c) ? 1 : 0];
    Cleared a(d, c.in[0].data, c.in[0].stride, count);
    Cleared b(d, second.data, second.stride, count);
    c.in[0].data = a.data();
    c.in[0].stride = static_cast<isize>(d.size());
    if (has_second(c)) {
      c.in[1].data = b.data();
      c.in[1].stride = static_cast<isize>(d.size());
    }
    flags |= operate(o, c, count).flags;
  }
  return flags;
}

template <class Word>
u64 gather_bits(const char* from, isize stride, usize n) {
  Word seen = 0;
  for (usize i = 0; i < n; ++i) {
    Word word;
    std::memcpy(&word, from + static_cast<isize>(i) * stride, sizeof(Word));
    seen = static_cast<Word>(seen | word);
  }
  return seen;
}

bool has_stray_bits(const Dtype& d, const Column& c, usize n) {
  const usize size = d.size();
  u64 mask = d.decoder.code_mask;
  if (c.stride == static_cast<isize>(size)) {
    for (usize bits = 8 * size; bits < 64; bits *= 2) mask |= mask << bits;
    return (kernels().gather_bits(c.data, n * size) & ~mask) != 0;
  }
  const u64 seen = size == 1   ? gather_bits<u8>(c.data, c.stride, n)
                   : size == 2 ? gather_bits<u16>(c.data, c.stride, n)
                   : size == 4 ? gather_bits<u32>(c.data, c.stride, n)
                               : gather_bits<u64>(c.data, c.stride, n);
  return (seen & ~mask) != 0;
}

u64 load_element(const Column& c, usize i) {
  u64 bits = 0;
  std::memcpy(&bits, c.data + static_cast<isize>(i) * c.stride, static_cast<usize>(c.bytes));
  return bits;
}

// So few elements that preparing vectors takes longer. Integers, which are of 8 bytes, need no sign extension.
constexpr usize few = 3;

u8 operate_on_few(const ArrayOperation& o, const Columns& c, usize n) {
  u8 flags = 0;
  for (usize i = 0; i < n; ++i) {
    u64 operands[3] = {};
    for (int k = 0; k < c.operands; ++k) {
      operands[k] = load_element(c.in[k], i);
      if (!c.in[k].is_signed) operands[k] &= o.definition.operands[k].code_mask;
    }
    const Outcome outcome = apply(o.definition, operands, nullptr);
    std::memcpy(c.out[0].data + static_cast<isize>(i) * c.out[0].stride, &outcome.code,
                static_cast<usize>(c.out[0].bytes));
    flags |= outcome.flags;
  }
  return flags;
}

}  // namespace

u8 operate_on_codes(const Dtype& d, const ArrayOperation& o, const Columns& c, usize n) {
  if (n <= few && (c.operands < 2 || !c.in[1].is_signed)) return operate_on_few(o, c, n);
  if (static_cast<usize>(d.decoder.bits) == 8 * d.size()) return operate(o, c, n).flags;
  constexpr usize at_once = usize{1} << 20;  // enough for several threads, and still in a cache the second time
  u8 flags = 0;
  for (usize start = 0; start < n; start += at_once) {
    const usize count = n - start < at_once ? n - start : at_once;
    const Columns here = part(c, start);
    const bool stray = has_stray_bits(d, here.in[0], count) || (has_second(c) && has_stray_bits(d, here.in[1], count));
    flags |= stray ? operate_cleared(d, o, here, count) : operate(o, here, count).flags;
  }
  return flags;
}

}  // namespace halfulp::numpy
