// Stochastic conversions of strided arrays, in the blocks of stream.cc, with their random integers checked.
#include "../halfulp/round_to_odd.hpp"
#include "blocks.hpp"
#include "kernels.hpp"

namespace halfulp {
namespace {

// n random integers as 32-bit words, and every bit that is on in any of them. A negative one makes that negative, so
// that it has every high bit.
template <class Int>
u64 convert(const char* from, isize stride, u32* to, usize n) {
  Int seen = 0;
  for (usize i = 0; i < n; ++i) {
    Int integer;
    std::memcpy(&integer, from + offset(i, stride), sizeof(Int));
    seen = static_cast<Int>(seen | integer);
    to[i] = static_cast<u32>(integer);
  }
  return static_cast<u64>(seen);
}

// The same, and how many of them come before the first that is out of range. A stride known to the compiler makes
// vectors of the loop.
template <class Int>
usize check(const char* from, isize stride, int bits, u32* to, usize n) {
  const bool dense = stride == static_cast<isize>(sizeof(Int));
  const u64 seen = dense ? convert<Int>(from, sizeof(Int), to, n) : convert<Int>(from, stride, to, n);
  if (seen >> bits == 0) return n;
  for (usize i = 0;; ++i) {
    Int integer;
    std::memcpy(&integer, from + offset(i, stride), sizeof(Int));
    if ((static_cast<u64>(integer) >> bits) != 0) return i;
  }
}

usize check(const RandomIntegers& r, usize start, int bits, u32* to, usize n) {
  const char* from = r.from + offset(start, r.stride);
  switch (r.source) {
    case Source::boolean:
    case Source::uint8: return check<u8>(from, r.stride, bits, to, n);
    case Source::int8: return check<i8>(from, r.stride, bits, to, n);
    case Source::uint16: return check<u16>(from, r.stride, bits, to, n);
    case Source::int16: return check<i16>(from, r.stride, bits, to, n);
    case Source::uint32: return check<u32>(from, r.stride, bits, to, n);
    case Source::int32: return check<i32>(from, r.stride, bits, to, n);
    case Source::uint64: return check<u64>(from, r.stride, bits, to, n);
    default: return check<i64>(from, r.stride, bits, to, n);
  }
}

void encode_block(const Kernels& k, const Encoder& e, Source source, bool flush, const char* from, const u32* random,
                  void* codes, usize n) {
  alignas(64) u32 binary32[block];
  if (source != Source::binary32 || flush) {
    const bool within = fits_binary32(source);
    if (e.via_binary32 && !within) {
      k.encode_wide(to_binary32_nearest, 4, source, flush, from, binary32, n);
      return k.encode_random(e, Source::binary32, false, binary32, random, codes, n);
    }
    if (within ? e.random_narrow : e.random_narrow_from_odd) {
      k.narrow(source, flush, from, binary32, n);
      return k.encode_random(e, Source::binary32, false, binary32, random, codes, n);
    }
  }
  k.encode_random(e, source, flush, from, random, codes, n);
}

// Elements `start` and on, to contiguous codes. Returns how many come before the first bad random integer.
usize encode_block(const Kernels& k, const Encoder& e, const Numbers& x, const RandomIntegers& r, usize start,
                   void* codes, usize n) {
  alignas(64) u32 random[block];
  const usize good = check(r, start, e.random_bits, random, n);
  const char* from = x.from + offset(start, x.stride);
  Buffer in;
  if (x.format != nullptr) {
    decode_source(k, *x.format, e.flush_input, from, x.stride, in, good);
    encode_block(k, e, Source::binary32, false, in.bytes, random, codes, good);
  } else {
    const char* p = gather(source_bytes(x.source), from, x.stride, good, in);
    encode_block(k, e, x.source, e.flush_input, p, random, codes, good);
  }
  return good;
}

}  // namespace

usize encode_random(const Encoder& e, const Numbers& x, const RandomIntegers& r, char* codes, isize code_stride,
                    usize n) {
  const Kernels& k = kernels();
  const usize size = static_cast<usize>(e.code_bytes);
  const bool direct = is_contiguous(codes, code_stride, size);
  for (usize start = 0; start < n; start += block) {
    const usize count = n - start < block ? n - start : block;
    char* to = codes + offset(start, code_stride);
    Buffer out;
    const usize good = encode_block(k, e, x, r, start, direct ? to : out.bytes, count);
    if (!direct) scatter(size, out, to, code_stride, good);
    if (good < count) return start + good;
  }
  return n;
}

usize round_random(const Encoder& e, const ValueDecoder& d, const Numbers& x, const RandomIntegers& r, Value value,
                   char* to, isize to_stride, usize n) {
  const Kernels& k = kernels();
  for (usize start = 0; start < n; start += block) {
    const usize count = n - start < block ? n - start : block;
    Buffer codes;
    const usize good = encode_block(k, e, x, r, start, codes.bytes, count);
    decode(d, e.code_bytes, codes.bytes, e.code_bytes, value, to + offset(start, to_stride), to_stride, good);
    if (good < count) return start + good;
  }
  return n;
}

}  // namespace halfulp
