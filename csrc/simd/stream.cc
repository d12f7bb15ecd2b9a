// Strided arrays of any element type, carried through the contiguous kernels in blocks that stay in the L1 cache.
#include <cstring>

#include "../halfulp/round_to_odd.hpp"
#include "blocks.hpp"
#include "kernels.hpp"

namespace halfulp {

usize source_bytes(Source source) {
  switch (source) {
    case Source::boolean:
    case Source::int8:
    case Source::uint8: return 1;
    case Source::int16:
    case Source::uint16:
    case Source::binary16: return 2;
    case Source::int32:
    case Source::uint32:
    case Source::binary32: return 4;
    case Source::int64:
    case Source::uint64:
    case Source::binary64: return 8;
    case Source::x87:
    case Source::binary128: return 16;
    case Source::number: return sizeof(Number);
  }
  return 0;
}

usize value_bytes(Value value) {
  switch (value) {
    case Value::binary16: return 2;
    case Value::binary32: return 4;
    case Value::binary64: return 8;
    default: return 16;
  }
}

namespace {

// Arrays that move this many bytes (read and written, each once) find nothing of themselves in the caches when they are
// used next, and reading the result's lines before writing them is a waste. With 32 MiB of last-level cache, storing
// past it begins to pay between 24 (encoding) and 72 MiB (decoding); below, it costs up to half of the speed.
constexpr usize past_caches = usize{48} << 20;

}  // namespace

Stores stores_for(usize elements, usize bytes_from, usize bytes_to) {
  return elements * (bytes_from + bytes_to) < past_caches ? Stores::cached : Stores::past_caches;
}

namespace {

// Codes that may have stray bits are looked through this many at a time, before they are decoded.
constexpr usize checked_codes = 8192;

// Whether encode_block takes arrays of any length.
bool takes_any_length(const Encoder& e, Source source) {
  if (e.shortcut == Shortcut::binary32) return true;
  if (e.route == Route::codebook && !fits_binary32(source)) return false;
  return e.route != Route::wide && (!e.via_binary32 || source == Source::binary32 || source == Source::binary16);
}

// Contiguous elements of any source to contiguous codes, at most a block of them unless `takes_any_length`.
void encode_block(const Kernels& k, const Encoder& e, bool flush, Source source, const char* from, void* codes, usize n,
                  usize whole = 0) {
  if (takes_any_length(e, source)) {
    const Stores stores = stores_for(n < whole ? whole : n, source_bytes(source), static_cast<usize>(e.code_bytes));
    return k.encode_from(e, source, flush, from, codes, n, stores);
  }
  alignas(64) u32 binary32[block];
  if (e.via_binary32 && source != Source::binary32 && source != Source::binary16) {
    k.encode_wide(to_binary32_nearest, 4, source, flush, from, binary32, n);
    if (e.route == Route::wide) return k.encode_wide(e.wide, e.code_bytes, Source::binary32, false, binary32, codes, n);
    return k.encode(e, binary32, codes, n);
  }
  if (e.route == Route::codebook) return k.encode_levels(e.levels, source, from, static_cast<u8*>(codes), n);
  k.encode_wide(e.wide, e.code_bytes, source, flush, from, codes, n);
}

Encoder exact_binary16() {
  const Format& f = format("float16");
  const NanRule payload = {f.nan_code(), f.nan_code() | f.sign_bit(), true};
  return make_encoder(f, Policy{Rounding::nearest_even, Overflow::standard, Subnormals::gradual, payload}, false);
}

// Binary32 or binary64 bits to another type that holds every one of them exactly.
void to_value(const Kernels& k, bool binary32, const Buffer& bits, Value value, Buffer& out, usize n) {
  static const Encoder to_binary16 = exact_binary16();
  const auto* words = reinterpret_cast<const u32*>(bits.bytes);
  const auto* longs = reinterpret_cast<const u64*>(bits.bytes);
  if (value == Value::binary16) {
    const Source source = binary32 ? Source::binary32 : Source::binary64;
    return encode_block(k, to_binary16, false, source, bits.bytes, out.bytes, n);
  }
  if (value == Value::binary64) return k.widen(words, reinterpret_cast<u64*>(out.bytes), n);
  for (usize i = 0; i < n; ++i) {
    const auto x = binary32 ? unpack_binary<8, 23>(words[i], false) : unpack_binary<11, 52>(longs[i], false);
    const LongdoubleWords packed = value == Value::x87 ? pack_x87(x) : pack_binary128(x);
    std::memcpy(out.bytes + 16 * i, &packed, 16);
  }
}

// n <= block contiguous codes to strided values.
void decode_block(const Kernels& k, const ValueDecoder& d, const void* codes, Value value, char* to, isize stride,
                  usize n) {
  const bool same_type = value == (d.binary32 ? Value::binary32 : Value::binary64);
  if (same_type && is_contiguous(to, stride, value_bytes(value))) return k.decode(d, codes, to, n);
  Buffer bits;
  k.decode(d, codes, bits.bytes, n);
  if (same_type) {
    return scatter(value_bytes(value), bits, to, stride, n);
  }
  Buffer values;
  to_value(k, d.binary32, bits, value, values, n);
  scatter(value_bytes(value), values, to, stride, n);
}

// Whether any of n contiguous codes has a bit above the format's width.
bool has_stray_bits(const Kernels& k, const ValueDecoder& d, const char* codes, usize n) {
  u64 mask = d.code_mask;
  for (int bits = 8 * d.code_bytes; bits < 64; bits *= 2) mask |= mask << bits;
  return (k.gather_bits(codes, n * static_cast<usize>(d.code_bytes)) & ~mask) != 0;
}

// Codes in any integer width to the decoder's own, and where the first one with stray bits is.
template <class In, class Out>
usize narrow_codes(const char* from, isize stride, u64 mask, Out* to, usize n) {
  u64 stray = 0;
  for (usize i = 0; i < n; ++i) {
    In code;
    std::memcpy(&code, from + static_cast<isize>(i) * stride, sizeof(In));
    stray |= code & ~mask;
    to[i] = static_cast<Out>(code & mask);
  }
  if (stray == 0) return n;
  for (usize i = 0;; ++i) {
    In code;
    std::memcpy(&code, from + static_cast<isize>(i) * stride, sizeof(In));
    if ((code & ~mask) != 0) return i;
  }
}

template <class Out>
usize narrow_codes(int from_bytes, const char* from, isize stride, u64 mask, Out* to, usize n) {
  switch (from_bytes) {
    case 1: return narrow_codes<u8>(from, stride, mask, to, n);
    case 2: return narrow_codes<u16>(from, stride, mask, to, n);
    case 4: return narrow_codes<u32>(from, stride, mask, to, n);
    default: return narrow_codes<u64>(from, stride, mask, to, n);
  }
}

usize narrow_codes(const ValueDecoder& d, int from_bytes, const char* from, isize stride, Buffer& to, usize n) {
  switch (d.code_bytes) {
    case 1: return narrow_codes(from_bytes, from, stride, d.code_mask, reinterpret_cast<u8*>(to.bytes), n);
    case 2: return narrow_codes(from_bytes, from, stride, d.code_mask, reinterpret_cast<u16*>(to.bytes), n);
    case 4: return narrow_codes(from_bytes, from, stride, d.code_mask, reinterpret_cast<u32*>(to.bytes), n);
    default: return narrow_codes(from_bytes, from, stride, d.code_mask, reinterpret_cast<u64*>(to.bytes), n);
  }
}

}  // namespace

// The values of another format's codes as binary32, ready to be encoded.
void decode_source(const Kernels& k, const ValueDecoder& d, bool flush, const char* from, isize stride, Buffer& bits,
                   usize n) {
  Buffer codes;
  narrow_codes(d, d.code_bytes, from, stride, codes, n);
  k.decode(d, codes.bytes, bits.bytes, n);
  if (!flush) return;
  auto* words = reinterpret_cast<u32*>(bits.bytes);
  for (usize i = 0; i < n; ++i) {
    if ((words[i] & 0x7fffffff) < d.min_normal) words[i] &= 0x80000000;
  }
}

void encode(const Encoder& e, Source source, const char* from, isize from_stride, char* codes, isize code_stride,
            usize n, usize whole) {
  const Kernels& k = kernels();
  const usize size = source_bytes(source);
  const usize code_size = static_cast<usize>(e.code_bytes);
  const bool direct = is_contiguous(codes, code_stride, code_size);
  if (takes_any_length(e, source) && direct && is_contiguous(from, from_stride, size)) {
    return encode_block(k, e, e.flush_input, source, from, codes, n, whole);
  }
  in_blocks(n, [&](usize start, usize count) {
    Buffer in;
    Buffer out;
    const char* p = gather(size, from + offset(start, from_stride), from_stride, count, in);
    char* to = codes + offset(start, code_stride);
    encode_block(k, e, e.flush_input, source, p, direct ? to : out.bytes, count);
    if (!direct) scatter(code_size, out, to, code_stride, count);
  });
}

bool encode_watched(const Encoder& e, const Watch& watch, Source source, const char* from, isize from_stride,
                    char* codes, isize code_stride, usize n, usize whole, bool* found) {
  const usize size = source_bytes(source);
  const usize code_size = static_cast<usize>(e.code_bytes);
  if (!takes_any_length(e, source) || !is_contiguous(from, from_stride, size) ||
      !is_contiguous(codes, code_stride, code_size)) {
    return false;
  }
  const Stores stores = stores_for(n < whole ? whole : n, size, code_size);
  *found = kernels().encode_watched(e, watch, source, e.flush_input, from, codes, n, stores);
  return true;
}

usize decode(const ValueDecoder& d, int code_bytes, const char* codes, isize code_stride, Value value, char* to,
             isize to_stride, usize n, usize whole) {
  const Kernels& k = kernels();
  const usize size = value_bytes(value);
  const usize code_size = static_cast<usize>(code_bytes);
  const bool own_width = code_bytes == d.code_bytes && is_contiguous(codes, code_stride, code_size);
  const bool same_type = value == (d.binary32 ? Value::binary32 : Value::binary64);
  usize start = 0;
  if (own_width && same_type && is_contiguous(to, to_stride, size)) {
    const bool every_code = d.bits == 8 * code_bytes;
    while (start < n) {
      const char* here = codes + start * code_size;
      const usize count = every_code || n - start < checked_codes ? n - start : checked_codes;
      if (!every_code && has_stray_bits(k, d, here, count)) break;
      k.decode_to(d, here, to + start * size, count, stores_for(n < whole ? whole : n, code_size, size));
      start += count;
    }
  }
  usize good = n;
  in_blocks(n - start, [&](usize first, usize count) {
    if (good < n) return;
    const usize at = start + first;
    const char* here = codes + offset(at, code_stride);
    char* values = to + offset(at, to_stride);
    if (own_width && !has_stray_bits(k, d, here, count))
      return decode_block(k, d, here, value, values, to_stride, count);
    Buffer own;
    const usize clean = narrow_codes(d, code_bytes, here, code_stride, own, count);
    if (clean < count) good = at + clean;
    decode_block(k, d, own.bytes, value, values, to_stride, clean);
  });
  return good;
}

void round(const Encoder& e, const ValueDecoder& d, Source source, const char* from, isize from_stride, Value value,
           char* to, isize to_stride, usize n, usize whole) {
  const Kernels& k = kernels();
  const usize size = value_bytes(value);
  const bool plain = e.route != Route::wide && d.binary32 && !e.flush_input;
  if (plain && source == Source::binary32 && value == Value::binary32 && is_contiguous(from, from_stride, size) &&
      is_contiguous(to, to_stride, size)) {
    const Stores stores = stores_for(n < whole ? whole : n, size, size);
    return k.round(e, d, reinterpret_cast<const u32*>(from), reinterpret_cast<u32*>(to), n, stores);
  }
  in_blocks(n, [&](usize start, usize count) {
    Buffer in;
    Buffer codes;
    const char* p = gather(source_bytes(source), from + offset(start, from_stride), from_stride, count, in);
    encode_block(k, e, e.flush_input, source, p, codes.bytes, count);
    decode_block(k, d, codes.bytes, value, to + offset(start, to_stride), to_stride, count);
  });
}

void encode_codes(const Encoder& e, const ValueDecoder& from_format, const char* from, isize from_stride, char* codes,
                  isize code_stride, usize n) {
  const Kernels& k = kernels();
  in_blocks(n, [&](usize start, usize count) {
    Buffer bits;
    Buffer out;
    decode_source(k, from_format, e.flush_input, from + offset(start, from_stride), from_stride, bits, count);
    encode_block(k, e, false, Source::binary32, bits.bytes, out.bytes, count);
    scatter(static_cast<usize>(e.code_bytes), out, codes + offset(start, code_stride), code_stride, count);
  });
}

void round_codes(const Encoder& e, const ValueDecoder& d, const ValueDecoder& from_format, const char* from,
                 isize from_stride, Value value, char* to, isize to_stride, usize n) {
  const Kernels& k = kernels();
  in_blocks(n, [&](usize start, usize count) {
    Buffer codes;
    encode_codes(e, from_format, from + offset(start, from_stride), from_stride, codes.bytes, e.code_bytes, count);
    decode_block(k, d, codes.bytes, value, to + offset(start, to_stride), to_stride, count);
  });
}

}  // namespace halfulp
