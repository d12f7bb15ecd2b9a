// Codebook loops of one target: binary32 to codes by the ladders of the lanes, every other source exactly.

namespace halfulp {
inline namespace HALFULP_TARGET {

// So many searches go down the tree side by side, for a step of one has to wait for the step before.
constexpr usize search_block = 16;

// Targets without vectors, blocks that have a NaN, and what is left over at the end.
HALFULP_NOINLINE inline void encode_each_level(const LevelSearch& s, const u32* from, u8* codes, usize n) {
  const u32 leaves = static_cast<u32>(s.size);
  usize done = 0;
  for (; done + search_block <= n; done += search_block) {
    i32 keys[search_block];
    u32 k[search_block];
    for (usize i = 0; i < search_block; ++i) {
      keys[i] = binary32_key(from[done + i]);
      k[i] = 1;
    }
    for (u32 size = 1; size < leaves; size *= 2) {
      for (usize i = 0; i < search_block; ++i) k[i] = 2 * k[i] + (above(keys[i], s.binary32[k[i]]) ? 1 : 0);
    }
    for (usize i = 0; i < search_block; ++i) {
      const bool nan = (from[done + i] & 0x7fffffff) > 0x7f800000;
      codes[done + i] = nan ? encode_level(from[done + i], s) : s.codes[k[i] - leaves];
    }
  }
  for (; done < n; ++done) codes[done] = encode_level(from[done], s);
}

#if defined(HALFULP_SHORTCUTS)
template <class Ladder>
HALFULP_NOINLINE usize encode_ladder_loop(const LevelSearch& s, const u32* from, u8* codes, usize n) {
  const Ladder ladder(s);
  usize i = 0;
  for (; i + Ladder::block <= n; i += Ladder::block) {
    if (!ladder.encode_numbers(from + i, codes + i)) encode_each_level(s, from + i, codes + i, Ladder::block);
  }
  return i;
}
#endif

inline void encode_levels(const LevelSearch& s, const u32* from, u8* codes, usize n) {
  usize done = 0;
#if defined(HALFULP_SHORTCUTS)
  if (n >= ShortLadder::block) {
    done =
        s.flat ? encode_ladder_loop<ShortLadder>(s, from, codes, n) : encode_ladder_loop<LongLadder>(s, from, codes, n);
  }
#endif
  from += done;
  codes += done;
  n -= done;
#if defined(HALFULP_SHORTCUTS)
  const auto fast = [&](const u32* in, u8* out) {
    return encode_ladder_loop<ShortLadder>(s, in, out, ShortLadder::block);
  };
  if (s.flat && in_one_block<ShortLadder::block>(from, codes, n, fast)) return;
#endif
  encode_each_level(s, from, codes, n);
}

// From types wider than binary32, exactly.
HALFULP_NOINLINE inline void encode_each_wide_level(const LevelSearch& s, Source source, const void* from, usize start,
                                                    u8* codes, usize n) {
  Unpacked<Wide> x[unpack_block];
  for (usize done = 0; done < n; done += unpack_block) {
    const usize count = n - done < unpack_block ? n - done : unpack_block;
    unpack(source, false, from, start + done, count, x);
    for (usize i = 0; i < count; ++i) codes[done + i] = encode_level(x[i], s);
  }
}

#if defined(HALFULP_SHORTCUTS)
// A number lies between the neighbours of what it is in binary32 rounded to odd. Where both have the same code, so has
// the number; elsewhere, which is rare, the number itself is compared.
HALFULP_NOINLINE inline void encode_levels_between(const LevelSearch& s, Source source, const void* from, u8* codes,
                                                   usize n) {
  constexpr usize block = 256;
  u32 below[block], beyond[block];
  u8 other[block];
  for (usize start = 0; start < n; start += block) {
    const usize count = n - start < block ? n - start : block;
    narrow_kernel(source, false, static_cast<const char*>(from) + start * source_bytes(source), below, count);
    for (usize i = 0; i < count; ++i) {
      const u32 magnitude = below[i] & 0x7fffffff;
      const u32 step = magnitude - 1 < 0x7f7fffff ? 1 : 0;  // 0, Inf and NaN are exact
      beyond[i] = below[i] + step;
      below[i] -= step;
    }
    encode_levels(s, below, codes + start, count);
    encode_levels(s, beyond, other, count);
    if (std::memcmp(codes + start, other, count) == 0) continue;
    for (usize i = 0; i < count; ++i) {
      if (codes[start + i] != other[i]) encode_each_wide_level(s, source, from, start + i, codes + start + i, 1);
    }
  }
}
#endif

inline void encode_levels_kernel(const LevelSearch& s, Source source, const void* from, u8* codes, usize n) {
  const Environment environment;
#if defined(HALFULP_SHORTCUTS)
  if (source != Source::x87 && source != Source::binary128 && source != Source::number) {
    return encode_levels_between(s, source, from, codes, n);
  }
#endif
  encode_each_wide_level(s, source, from, 0, codes, n);
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
