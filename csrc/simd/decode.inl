// Decoding loops of one target: codes to binary32 or binary64.

namespace halfulp {
inline namespace HALFULP_TARGET {

template <class Code>
HALFULP_NOINLINE void decode_loop(const Decoder<u32>& decoder, const Code* codes, u32* to, usize n) {
  const Decoder<u32> d = decoder;
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) store(to + i, decode(load(codes + i), d));
  for (; i < n; ++i) to[i] = decode(One{codes[i]}, d).word;
}

// Only NaN, which may have to be made quiet, needs more than a shift.
template <class Code>
HALFULP_NOINLINE void decode_prefix_loop(const Decoder<u32>& decoder, const Code* codes, u32* to, usize n) {
  const Decoder<u32> d = decoder;
  const Narrow shift = Narrow::set(23 - d.mantissa_bits);
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; lanes > 1 && i + 4 * lanes <= n; i += 4 * lanes) {
    Narrow v[4];
    for (usize k = 0; k < 4; ++k) v[k] = shl(load(codes + i + k * lanes), shift);
    if (any_nan(v)) {
      for (usize k = 0; k < 4; ++k) v[k] = decode_prefix(load(codes + i + k * lanes), d);
    }
    for (usize k = 0; k < 4; ++k) store(to + i + k * lanes, v[k]);
  }
  for (; i < n; ++i) to[i] = decode_prefix(One{codes[i]}, d).word;
}

template <class Code>
HALFULP_NOINLINE void decode_wide_loop(const Decoder<u64>& decoder, const Code* codes, u64* to, usize n) {
  const Decoder<u64> d = decoder;
  for (usize i = 0; i < n; ++i) to[i] = decode(Wide{codes[i]}, d).word;
}

// Eight codes at a time from one word (little-endian, as every target is): a plain loop becomes slow gathers.
HALFULP_NOINLINE inline void decode_table_loop(const u32 (&table)[256], const u8* codes, u32* to, usize n) {
  usize i = 0;
  for (; i + 8 <= n; i += 8) {
    u64 eight;
    std::memcpy(&eight, codes + i, sizeof eight);
    for (usize k = 0; k < 8; ++k) to[i + k] = table[(eight >> (8 * k)) & 0xff];
  }
  for (; i < n; ++i) to[i] = table[codes[i]];
}

#if defined(HALFULP_SHORTCUTS)
// NaN and Inf are rare: a block that has none of them is spared the selects.
template <HalfSpecials specials>
HALFULP_NOINLINE usize decode_half_loop(const HalfDecoder& decoder, const u8* codes, u32* to, usize n) {
  const HalfDecoder d = decoder;
  constexpr usize lanes = Half::lanes;
  usize i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const Half first = load_half(codes + i);
    const Half second = load_half(codes + i + lanes);
    if (specials == HalfSpecials::same || any(maybe_special<specials>(load_bytes(codes + i), d))) {
      store_scaled(to + i, half_of_code<specials>(first, d), d.scale);
      store_scaled(to + i + lanes, half_of_code<specials>(second, d), d.scale);
    } else {
      store_scaled(to + i, half_of_number(first, d), d.scale);
      store_scaled(to + i + lanes, half_of_number(second, d), d.scale);
    }
  }
  return i;
}

template <HalfSpecials specials>
HALFULP_NOINLINE usize decode_half_loop(const HalfDecoder& decoder, const u16* codes, u32* to, usize n) {
  const HalfDecoder d = decoder;
  constexpr usize lanes = Half::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) store_scaled(to + i, half_of_code<specials>(load_half(codes + i), d), d.scale);
  return i;
}

template <class Code>
usize decode_half_as(const HalfDecoder& d, const Code* codes, u32* to, usize n) {
  switch (d.specials) {
    case HalfSpecials::same: return decode_half_loop<HalfSpecials::same>(d, codes, to, n);
    case HalfSpecials::one_nan: return decode_half_loop<HalfSpecials::one_nan>(d, codes, to, n);
    default: return decode_half_loop<HalfSpecials::other>(d, codes, to, n);
  }
}

template <class Code>
HALFULP_NOINLINE usize decode_integer_loop(const IntegerRoute& route, const Code* codes, u32* to, usize n) {
  const IntegerRoute r = route;
  constexpr usize lanes = Narrow::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) store(to + i, integer_value(load(codes + i), r));
  return i;
}

HALFULP_NOINLINE inline usize decode_nibbles_loop(const ValueDecoder& d, const u8* codes, u32* to, usize n) {
  constexpr usize lanes = 2 * Half::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Bytes code = load_planes(codes + i);
    store_planes(to + i, look_up(code, d.planes[0]), look_up(code, d.planes[1]));
  }
  return i;
}

HALFULP_NOINLINE inline usize decode_sixteen_loop(const u32 (&table)[256], const u8* codes, u32* to, usize n) {
  const Sixteen values(table);
  usize i = 0;
  for (; i + 16 <= n; i += 16) values.store_decoded(to + i, codes + i);
  return i;
}

#if defined(HALFULP_BYTE_TABLES)
HALFULP_BYTE_TABLES HALFULP_NOINLINE inline usize decode_planes_loop(const ValueDecoder& d, const u8* codes, u32* to,
                                                                     usize n) {
  const ByteTable byte2 = load_table(d.planes[0]);
  const ByteTable byte3 = load_table(d.planes[1]);
  constexpr usize lanes = 2 * Half::lanes;
  usize i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Bytes code = load_planes(codes + i);
    store_planes(to + i, look_up(code, byte2), look_up(code, byte3));
  }
  return i;
}
#endif
#endif

// As many codes from the start as the fast ways of this target take.
template <class Code>
usize decode_fast([[maybe_unused]] const ValueDecoder& d, [[maybe_unused]] const Code* codes, [[maybe_unused]] u32* to,
                  [[maybe_unused]] usize n) {
#if defined(HALFULP_BYTE_TABLES)
  if constexpr (sizeof(Code) == 1) {
    if (d.has_planes && has_byte_tables()) return decode_planes_loop(d, codes, to, n);
  }
#endif
#if defined(HALFULP_SHORTCUTS)
  if constexpr (sizeof(Code) <= 2) {
    if (d.route == DecodeRoute::half) return decode_half_as(d.half, codes, to, n);
    if (d.route == DecodeRoute::integer) return decode_integer_loop(d.integer, codes, to, n);
  }
  if constexpr (sizeof(Code) == 1) {
    if (d.route == DecodeRoute::nibbles) return decode_nibbles_loop(d, codes, to, n);
    if (d.route == DecodeRoute::sixteen) return decode_sixteen_loop(d.table, codes, to, n);
  }
#endif
  return 0;
}

template <class Code>
void decode_as(const ValueDecoder& d, const Code* codes, u32* to, usize n) {
  const usize done = decode_fast(d, codes, to, n);
  codes += done;
  to += done;
  n -= done;
  if (d.route == DecodeRoute::half && !d.has_table) {
    constexpr usize whole = 4 * Narrow::lanes;
    const auto fast = [&](const Code* in, u32* out) { return decode_fast(d, in, out, whole); };
    if (in_one_block<whole>(codes, to, n, fast)) return;
  }
  if constexpr (sizeof(Code) == 1) {
    if (d.has_table) return decode_table_loop(d.table, codes, to, n);
  }
  if (d.route == DecodeRoute::prefix) return decode_prefix_loop(d.narrow, codes, to, n);
  decode_loop(d.narrow, codes, to, n);
}

// The bits that any of these words has.
HALFULP_NOINLINE inline u64 gather_bits_kernel(const void* words, usize bytes) {
  const u8* p = static_cast<const u8*>(words);
  u64 seen = 0;
  for (; bytes >= 8; bytes -= 8, p += 8) {
    u64 word;
    std::memcpy(&word, p, 8);
    seen |= word;
  }
  u64 rest = 0;
  std::memcpy(&rest, p, bytes);
  return seen | rest;
}

template <class Word>
u64 largest_word(const void* words, u64 mask, usize n) {
  const u8* p = static_cast<const u8*>(words);
  const Word kept = static_cast<Word>(mask);
  Word largest = 0;
  for (usize i = 0; i < n; ++i) {
    Word word;
    std::memcpy(&word, p + i * sizeof(Word), sizeof(Word));
    word = static_cast<Word>(word & kept);
    largest = word > largest ? word : largest;
  }
  return largest;
}

HALFULP_NOINLINE inline u64 largest_kernel(const void* words, usize bytes, u64 mask, usize n) {
  switch (bytes) {
    case 1: return largest_word<u8>(words, mask, n);
    case 2: return largest_word<u16>(words, mask, n);
    case 4: return largest_word<u32>(words, mask, n);
    default: return largest_word<u64>(words, mask, n);
  }
}

inline void decode_any(const ValueDecoder& d, const void* codes, void* to, usize n) {
  const auto as = [&](auto typed) {
    const auto* p = static_cast<const decltype(typed)*>(codes);
    return d.binary32 ? decode_as(d, p, static_cast<u32*>(to), n)
                      : decode_wide_loop(d.wide, p, static_cast<u64*>(to), n);
  };
  switch (d.code_bytes) {
    case 1: return as(u8{});
    case 2: return as(u16{});
    case 4: return as(u32{});
    default: return decode_wide_loop(d.wide, static_cast<const u64*>(codes), static_cast<u64*>(to), n);
  }
}

inline void decode_kernel(const ValueDecoder& d, const void* codes, void* to, usize n) {
  const Environment environment;
  decode_any(d, codes, to, n);
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
