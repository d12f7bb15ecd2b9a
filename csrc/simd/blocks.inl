// Two steps in one call of one target: a block at a time through the L1 cache, in one floating-point environment.

namespace halfulp {
inline namespace HALFULP_TARGET {

constexpr usize block_lanes = 1024;

// Conversions that name no rounding truncate, but for those of some shortcuts.
template <class Code>
void encode_block(const Encoder& e, const u32* from, Code* codes, usize n) {
  if (encode_rounding(e) == Rounding::toward_zero) return encode_as(e, from, codes, n);
  const Environment environment(encode_rounding(e));
  encode_as(e, from, codes, n);
}

template <class Code>
void encode_from(const Encoder& e, Source source, bool flush, const char* from, Code* codes, usize n) {
  alignas(64) u32 binary32[block_lanes];
  const usize size = source_bytes(source);
  for (usize i = 0; i < n; i += block_lanes) {
    const usize count = n - i < block_lanes ? n - i : block_lanes;
    narrow_block(source, flush, from + i * size, binary32, count);
    encode_block(e, binary32, codes + i, count);
  }
}

inline void encode_from_kernel(const Encoder& e, Source source, bool flush, const void* from, void* codes, usize n) {
  const Environment environment;
  const char* p = static_cast<const char*>(from);
  switch (e.code_bytes) {
    case 1: return encode_from(e, source, flush, p, static_cast<u8*>(codes), n);
    case 2: return encode_from(e, source, flush, p, static_cast<u16*>(codes), n);
    default: return encode_from(e, source, flush, p, static_cast<u32*>(codes), n);
  }
}

// Where codes are the front of a binary32 they need not be made: the other bits become zero in place.
HALFULP_NOINLINE inline usize round_prefix_loop(const Encoder& e, const ValueDecoder& d, const u32* from, u32* to,
                                                usize n) {
  const Codec<u32> c = e.narrow;
  const Decoder<u32> back = d.narrow;
  const Narrow front = Narrow::set(~u32{0} << c.shift);
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; lanes > 1 && i + 4 * lanes <= n; i += 4 * lanes) {
    Narrow bits[4], v[4];
    for (usize k = 0; k < 4; ++k) {
      bits[k] = load(from + i + k * lanes);
      v[k] = round_prefix_number(bits[k], c) & front;
    }
    if (any_nan(bits)) {
      for (usize k = 0; k < 4; ++k) v[k] = decode_prefix(encode_prefix(bits[k], c), back);
    }
    for (usize k = 0; k < 4; ++k) store(to + i + k * lanes, v[k]);
  }
  return i;
}

template <class Code>
void round_as(const Encoder& e, const ValueDecoder& d, const u32* from, u32* to, usize n) {
  alignas(64) Code codes[block_lanes];
  usize i = e.route == Route::prefix ? round_prefix_loop(e, d, from, to, n) : 0;
  for (; i < n; i += block_lanes) {
    const usize count = n - i < block_lanes ? n - i : block_lanes;
    encode_block(e, from + i, codes, count);
    decode_as(d, codes, to + i, count);
  }
}

inline void round_kernel(const Encoder& e, const ValueDecoder& d, const u32* from, u32* to, usize n) {
  const Environment environment;
  switch (e.code_bytes) {
    case 1: return round_as<u8>(e, d, from, to, n);
    case 2: return round_as<u16>(e, d, from, to, n);
    default: return round_as<u32>(e, d, from, to, n);
  }
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
