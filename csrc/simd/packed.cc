// Packed arrays: rows of codes of any width, and conversions that never write the codes out.
#include <cstring>

#include "kernels.hpp"
#include "parallel.hpp"

namespace halfulp {
namespace {

// Elements carried through the L1 cache at a time: a multiple of every group.
constexpr usize block = 8192;

// Codes wider than a byte.
template <class Code>
bool pack_row(const Packing& p, const Code* codes, usize n, u8* packed) {
  u64 seen = 0;
  if (p.order == Order::tf32) {
    for (usize i = 0; i < n; ++i) {
      const u32 word = static_cast<u32>(codes[i]) << 13;
      seen |= codes[i];
      std::memcpy(packed + 4 * i, &word, 4);
    }
  } else {
    std::memset(packed, 0, packed_bytes(p, n));
    for (usize i = 0; i < n; ++i) {
      seen |= codes[i];
      put_code(p, packed, i, codes[i]);
    }
  }
  return (seen & ~code_mask(p)) == 0;
}

bool pack_row(const Packing& p, const u8* codes, usize n, u8* packed) {
  const u64 seen = kernels().pack(p, codes, packed, n);
  return (seen & ~code_mask(p)) == 0;
}

template <class Code>
void unpack_row(const Packing& p, const u8* packed, usize n, Code* codes) {
  if (p.order == Order::tf32) {
    for (usize i = 0; i < n; ++i) {
      u32 word;
      std::memcpy(&word, packed + 4 * i, 4);
      codes[i] = static_cast<Code>(word >> 13);
    }
    return;
  }
  for (usize i = 0; i < n; ++i) codes[i] = static_cast<Code>(code_at(p, packed, i));
}

void unpack_row(const Packing& p, const u8* packed, usize n, u8* codes) { kernels().unpack(p, packed, codes, n); }

// The lowest set bit in which two strings of bytes differ, or 8 * n.
usize first_difference(const u8* a, const u8* b, usize n) {
  for (usize i = 0; i < 8 * n; ++i) {
    if (((a[i / 8] ^ b[i / 8]) >> i % 8 & 1) != 0) return i;
  }
  return 8 * n;
}

// Whether containers of one or four bytes have a bit beside those in use.
bool has_bits_outside(const u8* packed, usize bytes, usize size, u64 used) {
  u32 seen = 0;
  if (size == 1) {
    for (usize i = 0; i < bytes; ++i) seen |= packed[i];
  } else {
    for (usize i = 0; i < bytes; i += 4) {
      u32 word;
      std::memcpy(&word, packed + i, 4);
      seen |= word;
    }
  }
  return (seen & ~used) != 0;
}

// The bits of a row that belong to no code: beside each code in its container, or after the last code.
usize first_padding_bit(const Packing& p, const u8* packed, usize n) {
  const usize bytes = packed_bytes(p, n);
  const usize group = static_cast<usize>(group_size(p));
  if (container_bits(p) != p.bits) {
    const usize size = static_cast<usize>(container_bits(p)) / 8;
    const u64 used = code_mask(p) << container_offset(p);
    if (!has_bits_outside(packed, bytes, size, used)) return 8 * bytes;
    for (usize i = 0; i < bytes; ++i) {
      const u8 stray = static_cast<u8>(packed[i] & ~(used >> i % size * 8));
      if (stray == 0) continue;
      const u8 none = 0;
      return 8 * i + first_difference(&stray, &none, 1);
    }
    return 8 * bytes;
  }
  const usize whole = n / group * group;
  const usize start = packed_bytes(p, whole);
  u8 clean[64 * 8] = {};  // a group is at most 8 codes of 64 bits
  for (usize i = whole; i < n; ++i) put_code(p, clean, i - whole, code_at(p, packed, i));
  return 8 * start + first_difference(packed + start, clean, bytes - start);
}

// Whether rows that follow one another are one long row.
bool is_seamless(const Packing& p, usize n) { return n % static_cast<usize>(group_size(p)) == 0; }

// Four-bit codes in the order of their bytes.
bool has_nibble_order(const Packing& p) {
  return p.bits == 4 && p.order != Order::gguf && p.order != Order::awq && p.order != Order::mma;
}

// Whether one call of a kernel encodes any number of these.
bool is_binary32_kernel(const Encoder& e, Source source) {
  return source == Source::binary32 && e.route != Route::wide && e.bits == 4 && !e.flush_input;
}

bool is_aligned(const char* p, usize size) { return reinterpret_cast<usize>(p) % size == 0; }

template <class Code>
bool pack_rows(const Packing& p, const Code* codes, usize rows, usize n, u8* packed) {
  const usize bytes = packed_bytes(p, n);
  bool good = true;
  for (usize r = 0; r < rows; ++r) good = pack_row(p, codes + r * n, n, packed + r * bytes) && good;
  return good;
}

template <class Code>
void unpack_rows(const Packing& p, const u8* packed, usize rows, usize n, Code* codes) {
  const usize bytes = packed_bytes(p, n);
  for (usize r = 0; r < rows; ++r) unpack_row(p, packed + r * bytes, n, codes + r * n);
}

}  // namespace

bool pack(const Packing& p, int code_bytes, const void* codes, usize rows, usize n, u8* packed) {
  if (is_seamless(p, n)) n *= rows, rows = 1;
  switch (code_bytes) {
    case 1: return pack_rows(p, static_cast<const u8*>(codes), rows, n, packed);
    case 2: return pack_rows(p, static_cast<const u16*>(codes), rows, n, packed);
    case 4: return pack_rows(p, static_cast<const u32*>(codes), rows, n, packed);
    default: return pack_rows(p, static_cast<const u64*>(codes), rows, n, packed);
  }
}

void unpack(const Packing& p, int code_bytes, const u8* packed, usize rows, usize n, void* codes) {
  if (is_seamless(p, n)) n *= rows, rows = 1;
  switch (code_bytes) {
    case 1: return unpack_rows(p, packed, rows, n, static_cast<u8*>(codes));
    case 2: return unpack_rows(p, packed, rows, n, static_cast<u16*>(codes));
    case 4: return unpack_rows(p, packed, rows, n, static_cast<u32*>(codes));
    default: return unpack_rows(p, packed, rows, n, static_cast<u64*>(codes));
  }
}

usize stray_bit(const Packing& p, const u8* packed, usize rows, usize n) {
  if (is_seamless(p, n)) n *= rows, rows = 1;
  const usize bytes = packed_bytes(p, n);
  for (usize r = 0; r < rows; ++r) {
    const usize bit = first_padding_bit(p, packed + r * bytes, n);
    if (bit < 8 * bytes) return 8 * r * bytes + bit;
  }
  return 8 * rows * bytes;
}

void encode_packed(const Encoder& e, const Packing& p, Source source, const char* from, usize rows, usize n,
                   u8* packed) {
  if (is_seamless(p, n)) n *= rows, rows = 1;
  const Kernels& k = kernels();
  const usize size = source_bytes(source);
  const bool nibbles = has_nibble_order(p) && is_binary32_kernel(e, source) && is_aligned(from, size);
  const Stores stores = stores_for(rows * n / 2, 2 * size, 1);
  for (usize r = 0; r < rows; ++r) {
    const char* numbers = from + r * n * size;
    u8* row = packed + r * packed_bytes(p, n);
    if (nibbles) std::memset(row + (n + 1) / 2, 0, packed_bytes(p, n) - (n + 1) / 2);
    in_parallel(n, [&](usize start, usize part) {
      if (nibbles) {
        const u32* words = reinterpret_cast<const u32*>(numbers) + start;
        return k.encode_nibbles(e, p.order == Order::high_first, words, row + start / 2, part, stores);
      }
      alignas(64) u8 codes[block];
      for (usize i = start; i < start + part; i += block) {
        const usize count = start + part - i < block ? start + part - i : block;
        encode(e, source, numbers + i * size, static_cast<isize>(size), reinterpret_cast<char*>(codes), 1, count);
        k.pack(p, codes, row + packed_bytes(p, i), count);
      }
    });
  }
}

void decode_packed(const ValueDecoder& d, const Packing& p, const u8* packed, usize rows, usize n, char* to) {
  if (is_seamless(p, n)) n *= rows, rows = 1;
  const Kernels& k = kernels();
  const usize size = d.binary32 ? 4 : 8;
  const bool nibbles = has_nibble_order(p) && d.binary32 && is_aligned(to, size);
  const Stores stores = stores_for(rows * n / 2, 1, 2 * size);
  for (usize r = 0; r < rows; ++r) {
    const u8* row = packed + r * packed_bytes(p, n);
    char* values = to + r * n * size;
    in_parallel(n, [&](usize start, usize part) {
      if (nibbles) {
        u32* words = reinterpret_cast<u32*>(values) + start;
        return k.decode_nibbles(d, p.order == Order::high_first, row + start / 2, words, part, stores);
      }
      alignas(64) u8 codes[block];
      for (usize i = start; i < start + part; i += block) {
        const usize count = start + part - i < block ? start + part - i : block;
        k.unpack(p, row + packed_bytes(p, i), codes, count);
        k.decode(d, codes, values + i * size, count);
      }
    });
  }
}

}  // namespace halfulp
