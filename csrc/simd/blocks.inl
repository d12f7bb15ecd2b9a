// Two steps in one call of one target: a block at a time through the L1 cache, in one floating-point environment.

namespace halfulp {
inline namespace HALFULP_TARGET {

constexpr usize block_lanes = 1024;

// Elements stored past the caches at a time: few enough that the next ones are read while these are written.
constexpr usize piece_lanes = 512;

// A result in pieces: make(start, count, to) computes one, to where it belongs or to a buffer on the way past the
// caches.
template <class T, class F>
void make_result(T* to, usize n, Stores stores, F&& make) {
  if (!can_store_past_caches || stores == Stores::cached || n < 2 * piece_lanes) return make(usize{0}, n, to);
  alignas(64) T piece[piece_lanes];
  usize start = (64 - reinterpret_cast<usize>(to) % 64) % 64 / sizeof(T);
  make(usize{0}, start, to);
  for (; start + piece_lanes <= n; start += piece_lanes) {
    make(start, piece_lanes, piece);
    store_past_caches(piece, to + start, sizeof piece);
  }
  finish_stores();
  make(start, n - start, to + start);
}

inline void store_kernel(const void* from, void* to, usize bytes, Stores stores) {
  const bool lines = reinterpret_cast<usize>(to) % 64 == 0 && bytes % 64 == 0;
  if (can_store_past_caches && stores == Stores::past_caches && lines) return store_past_caches(from, to, bytes);
  std::memcpy(to, from, bytes);
}

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
    if (e.shortcut == Shortcut::binary32) {
      narrow_to_nearest(source, from + i * size, binary32, count);
    } else {
      narrow_block(source, flush, from + i * size, binary32, count);
    }
    encode_block(e, binary32, codes + i, count);
  }
}

// Calls made(codes, count) for each piece while it is in the L1 cache; at most `at_once` codes are one.
template <class F>
void encode_pieces(const Encoder& e, Source source, bool flush, const void* from, void* codes, usize n, Stores stores,
                   usize at_once, F&& made) {
  const Environment environment(e.shortcut == Shortcut::binary32 ? Rounding::nearest_even : Rounding::toward_zero);
  const char* p = static_cast<const char*>(from);
  const usize size = source_bytes(source);
  const auto encode_piece = [&](usize start, usize count, auto* piece) {
    if (source != Source::binary32 || flush) {
      encode_from(e, source, flush, p + start * size, piece, count);
    } else {
      encode_block(e, static_cast<const u32*>(from) + start, piece, count);
    }
    made(piece, count);
  };
  const auto as = [&](auto* to) {
    make_result(to, n, stores, [&](usize start, usize count, auto* piece) {
      for (usize i = 0; i < count; i += at_once) {
        encode_piece(start + i, count - i < at_once ? count - i : at_once, piece + i);
      }
    });
  };
  switch (e.code_bytes) {
    case 1: return as(static_cast<u8*>(codes));
    case 2: return as(static_cast<u16*>(codes));
    default: return as(static_cast<u32*>(codes));
  }
}

inline void encode_from_kernel(const Encoder& e, Source source, bool flush, const void* from, void* codes, usize n,
                               Stores stores) {
  encode_pieces(e, source, flush, from, codes, n, stores, ~usize{0}, [](const auto*, usize) {});
}

template <class Code>
bool any_watched(const Watch& watch, const Code* codes, usize n) {
  const Code mask = static_cast<Code>(watch.mask);
  const Code bits = static_cast<Code>(watch.bits);
  Code least = static_cast<Code>(~Code{0});  // zero if one is found: a minimum is quicker than a comparison
  for (usize i = 0; i < n; ++i) {
    const Code differing = static_cast<Code>((codes[i] & mask) ^ bits);
    least = differing < least ? differing : least;
  }
  return least == 0;
}

inline bool encode_watched_kernel(const Encoder& e, const Watch& watch, Source source, bool flush, const void* from,
                                  void* codes, usize n, Stores stores) {
  constexpr usize at_once = 4 * block_lanes;
  bool found = false;
  encode_pieces(e, source, flush, from, codes, n, stores, at_once,
                [&](const auto* piece, usize count) { found = any_watched(watch, piece, count) || found; });
  return found;
}

inline void decode_to_kernel(const ValueDecoder& d, const void* codes, void* to, usize n, Stores stores) {
  const Environment environment;
  const auto as = [&](auto* values) {
    const usize size = static_cast<usize>(d.code_bytes);
    make_result(values, n, stores, [&](usize start, usize count, auto* piece) {
      decode_any(d, static_cast<const u8*>(codes) + start * size, piece, count);
    });
  };
  return d.binary32 ? as(static_cast<u32*>(to)) : as(static_cast<u64*>(to));
}

// Where codes are the front of a binary32 they need not be made: the other bits become zero in place.
template <Increment kind>
HALFULP_NOINLINE usize round_prefix_loop(const Encoder& e, const ValueDecoder& d, const u32* from, u32* to, usize n) {
  const Codec<u32> c = e.narrow;
  const Decoder<u32> back = d.narrow;
  const Narrow front = Narrow::set(~u32{0} << c.shift);
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; lanes > 1 && i + 4 * lanes <= n; i += 4 * lanes) {
    Narrow bits[4], v[4];
    for (usize k = 0; k < 4; ++k) {
      bits[k] = load(from + i + k * lanes);
      v[k] = round_prefix_number<kind>(bits[k], c) & front;
    }
    if (any_nan(bits)) {
      for (usize k = 0; k < 4; ++k) v[k] = decode_prefix(encode_prefix<kind>(bits[k], c), back);
    }
    for (usize k = 0; k < 4; ++k) store(to + i + k * lanes, v[k]);
  }
  return i;
}

inline usize round_prefix_as(const Encoder& e, const ValueDecoder& d, const u32* from, u32* to, usize n) {
  switch (increment_kind(e.narrow)) {
    case Increment::nearest_even: return round_prefix_loop<Increment::nearest_even>(e, d, from, to, n);
    case Increment::by_sign: return round_prefix_loop<Increment::by_sign>(e, d, from, to, n);
    default: return round_prefix_loop<Increment::to_odd>(e, d, from, to, n);
  }
}

template <class Code>
void round_as(const Encoder& e, const ValueDecoder& d, const u32* from, u32* to, usize n) {
  alignas(64) Code codes[block_lanes];
  usize i = e.route == Route::prefix ? round_prefix_as(e, d, from, to, n) : 0;
  for (; i < n; i += block_lanes) {
    const usize count = n - i < block_lanes ? n - i : block_lanes;
    encode_block(e, from + i, codes, count);
    decode_as(d, codes, to + i, count);
  }
}

inline void round_kernel(const Encoder& e, const ValueDecoder& d, const u32* from, u32* to, usize n, Stores stores) {
  const Environment environment;
  make_result(to, n, stores, [&](usize start, usize count, u32* piece) {
    switch (e.code_bytes) {
      case 1: return round_as<u8>(e, d, from + start, piece, count);
      case 2: return round_as<u16>(e, d, from + start, piece, count);
      default: return round_as<u32>(e, d, from + start, piece, count);
    }
  });
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
