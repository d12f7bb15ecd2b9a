// Packing loops of one target: a byte per code to dense bits and back.

namespace halfulp {
inline namespace HALFULP_TARGET {

// Eight codes that are packed together, in the order of the string, a byte each.
inline u64 load_eight(const Packing& p, const u8* codes) {
  u64 v = 0;
  for (u64 k = 0; k < 8; ++k) v |= u64{codes[nth_of_eight(p, k)]} << 8 * k;
  return v;
}
inline void store_eight(const Packing& p, u64 v, u8* codes) {
  for (u64 k = 0; k < 8; ++k) codes[nth_of_eight(p, k)] = static_cast<u8>(v >> 8 * k);
}

#if defined(HALFULP_SHORTCUTS)
// Byte shuffles of sixteen codes; an index with its top bit set gives 0.
struct Shuffles {
  u8 to_string[16];    // codes in the order of the string
  u8 from_string[16];  // and back
  u8 compact[16];      // the low `bits` bytes of both 64-bit halves, side by side
  u8 expand[16];       // and back
};

inline Shuffles make_shuffles(const Packing& p) {
  Shuffles s{};
  const u64 bits = static_cast<u64>(p.bits);
  for (u64 i = 0; i < 16; ++i) {
    const u64 half = i / 8 * 8;
    const u64 nth = nth_of_eight(p, i % 8);
    s.to_string[i] = static_cast<u8>(half + nth);
    s.from_string[half + nth] = static_cast<u8>(i);
    s.compact[i] = static_cast<u8>(i < bits ? i : i < 2 * bits ? 8 + i - bits : 0x80);
    s.expand[i] = static_cast<u8>(i % 8 < bits ? i / 8 * bits + i % 8 : 0x80);
  }
  return s;
}

// Codes of 1, 2 or 4 bits: pairs of bytes meet in the low byte of their 16-bit lane, until a byte is full.
template <int width, int bits>
Chunk join(const u8* codes, const Shuffles& s, Chunk& all) {
  if constexpr (width == bits) {
    const Chunk v = shuffle(load_parts(codes, 16), s.to_string);
    all = all | v;
    return v;
  } else {
    constexpr int half = width / 2;
    const Chunk a = join<half, bits>(codes, s, all);
    const Chunk b = join<half, bits>(codes + Chunk::size * half / bits, s, all);
    return low_bytes(join_pairs<half>(a), join_pairs<half>(b));
  }
}

template <int bits>
HALFULP_NOINLINE usize pack_powers(const Packing& p, const u8* codes, u8* packed, usize n, u64& seen) {
  const Shuffles s = make_shuffles(p);
  constexpr usize step = Chunk::size * 8 / bits;
  Chunk all = Chunk::set(0);
  usize i = 0;
  for (; i + step <= n; i += step) store_parts(packed + i * bits / 8, join<8, bits>(codes + i, s, all), 16);
  seen |= gather_bits(all);
  return i;
}

// And back: half a vector of bytes becomes a whole one of their halves.
template <int width, int bits>
void split(const u8* packed, const Shuffles& s, u8* codes) {
  constexpr int half = width / 2;
  constexpr usize size = Chunk::size;
  const Chunk wide = widen_bytes(packed);
  const Chunk v = (wide | shl(wide, 8 - half)) & Chunk::set(0x0101010101010101 * ((u64{1} << half) - 1));
  if constexpr (half == bits) {
    store_parts(codes, shuffle(v, s.from_string), 16);
  } else {
    u8 halves[size];
    store_parts(halves, v, 16);
    split<half, bits>(halves, s, codes);
    split<half, bits>(halves + size / 2, s, codes + size / 2 * half / bits);
  }
}

template <int bits>
HALFULP_NOINLINE usize unpack_powers(const Packing& p, const u8* packed, u8* codes, usize n) {
  const Shuffles s = make_shuffles(p);
  constexpr usize step = Chunk::size * 4 / bits;
  usize i = 0;
  for (; i + step <= n; i += step) split<8, bits>(packed + i * bits / 8, s, codes + i);
  return i;
}

// `close_gaps` in every 64-bit lane. Each part of sixteen codes leaves 2 * bits bytes, written as sixteen: what is too
// many is overwritten by the next part, so the last parts of the array are left to others.
template <bool below_seven>
HALFULP_NOINLINE usize pack_eights(const Packing& p, const u8* codes, u8* packed, usize n, u64& seen) {
  const Shuffles s = make_shuffles(p);
  constexpr usize step = Chunk::size;
  const int bits = p.bits;
  const usize part = 2 * static_cast<usize>(bits);
  const usize bytes = n / 8 * static_cast<usize>(bits);
  const int gap = 8 - bits;
  const Chunk one = Chunk::set(0x00ff00ff00ff00ff);
  const Chunk two = Chunk::set(0x0000ffff0000ffff);
  const Chunk four = Chunk::set(0x00000000ffffffff);
  Chunk all = Chunk::set(0);
  usize i = 0;
  for (u8* to = packed; i + step <= n && to + (step / 16 - 1) * part + 16 <= packed + bytes; i += step) {
    Chunk v = shuffle(load_parts(codes + i, 16), s.to_string);
    all = all | v;
    if constexpr (below_seven) {
      v = join_fours(v, bits);
    } else {
      v = (v & one) | shr(and_not(one, v), gap);
      v = (v & two) | shr(and_not(two, v), 2 * gap);
    }
    v = (v & four) | shr(and_not(four, v), 4 * gap);
    store_parts(to, shuffle(v, s.compact), part);
    to += step / 16 * part;
  }
  seen |= gather_bits(all);
  return i;
}

HALFULP_NOINLINE inline usize unpack_eights(const Packing& p, const u8* packed, u8* codes, usize n) {
  const Shuffles s = make_shuffles(p);
  constexpr usize step = Chunk::size;
  const usize part = 2 * static_cast<usize>(p.bits);
  const usize bytes = n / 8 * static_cast<usize>(p.bits);
  const int gap = 8 - p.bits;
  const u64 mask = code_mask(p);
  const Chunk one = Chunk::set(mask * 0x0001000100010001);
  const Chunk two = Chunk::set((mask << p.bits | mask) * 0x0000000100000001);
  const Chunk four = Chunk::set((u64{1} << 4 * p.bits) - 1);
  usize i = 0;
  for (const u8* from = packed; i + step <= n && from + (step / 16 - 1) * part + 16 <= packed + bytes; i += step) {
    Chunk v = shuffle(load_parts(from, part), s.expand);
    v = (v & four) | shl(and_not(four, v), 4 * gap);
    v = (v & two) | shl(and_not(two, v), 2 * gap);
    v = (v & one) | shl(and_not(one, v), gap);
    store_parts(codes + i, shuffle(v, s.from_string), 16);
    from += step / 16 * part;
  }
  return i;
}
#endif

// A byte to each code: a shift, which the compiler makes vectors of.
HALFULP_NOINLINE inline u64 pack_containers(const Packing& p, const u8* codes, u8* packed, usize n) {
  const int offset = container_offset(p);
  u8 seen = 0;
  for (usize i = 0; i < n; ++i) {
    seen = static_cast<u8>(seen | codes[i]);
    packed[i] = static_cast<u8>(codes[i] << offset);
  }
  return seen;
}
HALFULP_NOINLINE inline void unpack_containers(const Packing& p, const u8* packed, u8* codes, usize n) {
  const int offset = container_offset(p);
  const u8 mask = static_cast<u8>(code_mask(p));
  for (usize i = 0; i < n; ++i) codes[i] = static_cast<u8>(packed[i] >> offset & mask);
}

#if defined(HALFULP_SHORTCUTS)
// Blocks of 32 codes in two planes of nibbles, as many blocks at a time as a vector has parts.
HALFULP_NOINLINE inline usize pack_planes(const u8* codes, u8* packed, usize n, u64& seen) {
  constexpr usize step = 2 * Chunk::size;
  Chunk all = Chunk::set(0);
  usize i = 0;
  for (; i + step <= n; i += step) {
    const Chunk low = load_parts(codes + i, 32);
    const Chunk high = load_parts(codes + i + 16, 32);
    all = all | low | high;
    store_parts(packed + i / 2, low | shl(high, 4), 16);
  }
  seen |= gather_bits(all);
  return i;
}
HALFULP_NOINLINE inline usize unpack_planes(const u8* packed, u8* codes, usize n) {
  constexpr usize step = 2 * Chunk::size;
  const Chunk mask = Chunk::set(0x0f0f0f0f0f0f0f0f);
  usize i = 0;
  for (; i + step <= n; i += step) {
    const Chunk both = load_parts(packed + i / 2, 16);
    store_parts(codes + i, both & mask, 32);
    store_parts(codes + i + 16, shr(both, 4) & mask, 32);
  }
  return i;
}
#endif

// As many codes from the start, a multiple of the group, as the fast ways of this target take.
inline usize pack_fast([[maybe_unused]] const Packing& p, [[maybe_unused]] const u8* codes, [[maybe_unused]] u8* packed,
                       [[maybe_unused]] usize n, [[maybe_unused]] u64& seen) {
#if defined(HALFULP_SHORTCUTS)
  if (p.order == Order::gguf) return pack_planes(codes, packed, n, seen);
  switch (p.bits) {
    case 1: return pack_powers<1>(p, codes, packed, n, seen);
    case 2: return pack_powers<2>(p, codes, packed, n, seen);
    case 4: return pack_powers<4>(p, codes, packed, n, seen);
    case 7:
    case 8: return pack_eights<false>(p, codes, packed, n, seen);
    default: return pack_eights<true>(p, codes, packed, n, seen);
  }
#else
  return 0;
#endif
}
inline usize unpack_fast([[maybe_unused]] const Packing& p, [[maybe_unused]] const u8* packed,
                         [[maybe_unused]] u8* codes, [[maybe_unused]] usize n) {
#if defined(HALFULP_SHORTCUTS)
  if (p.order == Order::gguf) return unpack_planes(packed, codes, n);
  switch (p.bits) {
    case 1: return unpack_powers<1>(p, packed, codes, n);
    case 2: return unpack_powers<2>(p, packed, codes, n);
    case 4: return unpack_powers<4>(p, packed, codes, n);
    default: return unpack_eights(p, packed, codes, n);
  }
#else
  return 0;
#endif
}

inline u64 pack_kernel(const Packing& p, const u8* codes, u8* packed, usize n) {
  if (p.order == Order::mma) return pack_containers(p, codes, packed, n);
  const usize bits = static_cast<usize>(p.bits);
  u64 seen = 0;
  usize i = pack_fast(p, codes, packed, n, seen);
  for (; p.order != Order::gguf && i + 8 <= n; i += 8) {
    const u64 v = load_eight(p, codes + i);
    const u64 dense = close_gaps(v, p.bits);
    seen |= v;
    for (usize k = 0; k < bits; ++k) packed[i / 8 * bits + k] = static_cast<u8>(dense >> 8 * k);
  }
  for (usize k = i / 8 * bits; k < packed_bytes(p, n); ++k) packed[k] = 0;
  for (; i < n; ++i) {
    seen |= codes[i];
    put_code(p, packed, i, codes[i]);
  }
  seen |= seen >> 32;
  seen |= seen >> 16;
  return (seen | seen >> 8) & 0xff;
}

inline void unpack_kernel(const Packing& p, const u8* packed, u8* codes, usize n) {
  if (p.order == Order::mma) return unpack_containers(p, packed, codes, n);
  const usize bits = static_cast<usize>(p.bits);
  usize i = unpack_fast(p, packed, codes, n);
  for (; p.order != Order::gguf && i + 8 <= n; i += 8) {
    u64 dense = 0;
    for (usize k = 0; k < bits; ++k) dense |= u64{packed[i / 8 * bits + k]} << 8 * k;
    store_eight(p, open_gaps(dense, p.bits), codes + i);
  }
  for (; i < n; ++i) codes[i] = static_cast<u8>(code_at(p, packed, i));
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
