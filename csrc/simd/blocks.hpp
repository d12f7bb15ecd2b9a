// Blocks of strided arrays: copied together, converted, copied apart.
#pragma once

#include <cstring>

#include "kernels.hpp"

namespace halfulp {

inline constexpr usize block = 512;

// The buffer of one block, aligned for every element type.
struct alignas(64) Buffer {
  char bytes[16 * block];
};

inline bool is_contiguous(const char* p, isize stride, usize size) {
  return stride == static_cast<isize>(size) && reinterpret_cast<usize>(p) % (size < 8 ? size : 8) == 0;
}

template <usize size>
void copy_strided(const char* from, isize from_stride, char* to, isize to_stride, usize n) {
  for (usize i = 0; i < n; ++i) {
    std::memcpy(to + static_cast<isize>(i) * to_stride, from + static_cast<isize>(i) * from_stride, size);
  }
}

inline void copy(usize size, const char* from, isize from_stride, char* to, isize to_stride, usize n) {
  switch (size) {
    case 1: return copy_strided<1>(from, from_stride, to, to_stride, n);
    case 2: return copy_strided<2>(from, from_stride, to, to_stride, n);
    case 4: return copy_strided<4>(from, from_stride, to, to_stride, n);
    case 8: return copy_strided<8>(from, from_stride, to, to_stride, n);
    default: return copy_strided<16>(from, from_stride, to, to_stride, n);
  }
}

// A contiguous, aligned view of n elements: the array itself if it is one, else a copy in the buffer.
inline const char* gather(usize size, const char* from, isize stride, usize n, Buffer& buffer) {
  if (is_contiguous(from, stride, size)) return from;
  copy(size, from, stride, buffer.bytes, static_cast<isize>(size), n);
  return buffer.bytes;
}

inline void scatter(usize size, const Buffer& buffer, char* to, isize stride, usize n) {
  copy(size, buffer.bytes, static_cast<isize>(size), to, stride, n);
}

// Whether every element is a binary32 number.
inline bool fits_binary32(Source source) { return source_bytes(source) <= 2 || source == Source::binary32; }

// Calls f(start, count) for every block.
template <class F>
void in_blocks(usize n, F&& f) {
  for (usize start = 0; start < n; start += block) f(start, n - start < block ? n - start : block);
}

inline isize offset(usize start, isize stride) { return static_cast<isize>(start) * stride; }

// The values of another format's codes as binary32, ready to be encoded. (stream.cc)
void decode_source(const Kernels& k, const ValueDecoder& d, bool flush, const char* from, isize stride, Buffer& bits,
                   usize n);

}  // namespace halfulp
