// Tables of bytes in registers, with what newer processors than AVX-512's first ones add (VBMI: Ice Lake, Zen 4).
#pragma once

#include "avx512.hpp"

#if defined(__GNUC__)
namespace halfulp {
inline namespace HALFULP_TARGET {

// A function of its own instruction set can not be inlined into one of a smaller, so the loop around it is marked too.
#define HALFULP_BYTE_TABLES __attribute__((target("avx512vbmi")))
inline bool has_byte_tables() { return __builtin_cpu_supports("avx512vbmi"); }

struct ByteTable {
  __m512i v[4];
};
inline ByteTable load_table(const u8* from) {
  return {{_mm512_loadu_si512(from), _mm512_loadu_si512(from + 64), _mm512_loadu_si512(from + 128),
           _mm512_loadu_si512(from + 192)}};
}
HALFULP_BYTE_TABLES inline Bytes look_up(Bytes codes, const ByteTable& t) {
  const __m512i low = _mm512_permutex2var_epi8(t.v[0], codes.v, t.v[1]);
  const __m512i high = _mm512_permutex2var_epi8(t.v[2], codes.v, t.v[3]);
  return {_mm512_mask_blend_epi8(_mm512_movepi8_mask(codes.v), low, high)};
}
// Two upper bytes of binary32 numbers, in the order of `load_planes`.
struct PlaneTables {
  ByteTable byte2;
  ByteTable byte3;

  explicit PlaneTables(const u8 (&planes)[2][256]) : byte2(load_table(planes[0])), byte3(load_table(planes[1])) {}
};
HALFULP_BYTE_TABLES inline void look_up(Bytes codes, const PlaneTables& t, Narrow (&numbers)[4]) {
  join_planes(look_up(codes, t.byte2), look_up(codes, t.byte3), numbers);
}
// Among 64 bytes.
HALFULP_BYTE_TABLES inline Bytes look_up(Bytes index, Bytes table) {
  return {_mm512_permutexvar_epi8(index.v, table.v)};
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
#endif
