// Stochastic encoding loops of one target, and the random integers for them.

namespace halfulp {
inline namespace HALFULP_TARGET {

template <Route route, class V>
V encode_random_bits(V bits, V integer, const Codec<u32>& c) {
  Unpacked<V> x = unpack_binary32(bits);
  if constexpr (route == Route::deep) x = normalized(x);
  return encode(raised(x, c), c, Random<V>{integer});
}

template <Route route, class Code>
HALFULP_NOINLINE void encode_random_loop(const Codec<u32>& codec, const u32* from, const u32* random, Code* codes,
                                         usize n) {
  const Codec<u32> c = codec;
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    Narrow v[4];
    for (usize k = 0; k < 4; ++k) {
      v[k] = encode_random_bits<route>(load(from + i + k * lanes), load(random + i + k * lanes), c);
    }
    store_block(codes + i, v);
  }
  for (; i < n; ++i) codes[i] = static_cast<Code>(encode_random_bits<route>(One{from[i]}, One{random[i]}, c).word);
}

// What unpacking leaves out of the significand, for the sources that are longer than it.
HALFULP_NOINLINE inline void unpack_tails(Source source, const void* from, usize start, usize n, Wide* to) {
  const u64* longs = static_cast<const u64*>(from);
  const Number* numbers = static_cast<const Number*>(from);
  for (usize i = 0; i < n; ++i) {
    const usize at = start + i;
    u64 tail = 0;
    switch (source) {
      case Source::int64: tail = tail_of((longs[at] >> 63) != 0 ? u64{0} - longs[at] : longs[at]); break;
      case Source::uint64: tail = tail_of(longs[at]); break;
      case Source::x87: tail = tail_of(longs[2 * at]); break;
      case Source::binary128: tail = longs[2 * at] << 12; break;
      case Source::number: tail = numbers[at].tail; break;
      default: break;
    }
    to[i] = Wide{tail};
  }
}

template <bool with_tails, class Code>
HALFULP_NOINLINE void encode_random_wide(const Codec<u64>& codec, Source source, bool flush, const void* from,
                                         const u32* random, Code* codes, usize n) {
  const Codec<u64> c = codec;
  Unpacked<Wide> x[unpack_block];
  Wide tails[with_tails ? unpack_block : 1];
  for (usize start = 0; start < n; start += unpack_block) {
    const usize count = n - start < unpack_block ? n - start : unpack_block;
    unpack(source, flush, from, start, count, x);
    if constexpr (with_tails) unpack_tails(source, from, start, count, tails);
    for (usize i = 0; i < count; ++i) {
      const Wide integer{random[start + i]};
      if constexpr (with_tails) {
        codes[start + i] = static_cast<Code>(encode(raised(x[i], c), c, LongRandom<Wide>{integer, tails[i]}).word);
      } else {
        codes[start + i] = static_cast<Code>(encode(raised(x[i], c), c, Random<Wide>{integer}).word);
      }
    }
  }
}

template <class Code>
void encode_random_as(const Encoder& e, Source source, bool flush, const void* from, const u32* random, Code* codes,
                      usize n) {
  if constexpr (sizeof(Code) <= 4) {
    if (source == Source::binary32 && !flush && e.random_narrow) {
      const u32* bits = static_cast<const u32*>(from);
      if (e.route == Route::any) return encode_random_loop<Route::any>(e.narrow, bits, random, codes, n);
      return encode_random_loop<Route::deep>(e.narrow, bits, random, codes, n);
    }
  }
  if (e.random_long) return encode_random_wide<true>(e.wide, source, flush, from, random, codes, n);
  return encode_random_wide<false>(e.wide, source, flush, from, random, codes, n);
}

inline void encode_random_kernel(const Encoder& e, Source source, bool flush, const void* from, const u32* random,
                                 void* codes, usize n) {
  const Environment environment;
  switch (e.code_bytes) {
    case 1: return encode_random_as(e, source, flush, from, random, static_cast<u8*>(codes), n);
    case 2: return encode_random_as(e, source, flush, from, random, static_cast<u16*>(codes), n);
    case 4: return encode_random_as(e, source, flush, from, random, static_cast<u32*>(codes), n);
    default: return encode_random_as(e, source, flush, from, random, static_cast<u64*>(codes), n);
  }
}

// As plain arrays, of which compilers make vectors. (At 16 lanes gcc unrolls the loops first, and then does not.)
inline void random_kernel(u64 seed, u64 stream, u64 first, int bits, u32* to, usize n) {
  constexpr int lanes = 32;
  const Key key = seed_key(seed);
  const int shift = 32 - bits;
  u64 skipped = first % 4;
  for (u64 counter = first / 4; n > 0; counter += lanes, skipped = 0) {
    const Counters<lanes> drawn = philox(stream_counters<lanes>(counter, stream), key);
    u32 words[4 * lanes];
    for (int k = 0; k < lanes; ++k) {
      for (int w = 0; w < 4; ++w) words[4 * k + w] = drawn.words[w][k] >> shift;
    }
    const usize left = 4 * lanes - static_cast<usize>(skipped);
    const usize count = n < left ? n : left;
    std::memcpy(to, words + skipped, count * sizeof(u32));
    to += count;
    n -= count;
  }
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
