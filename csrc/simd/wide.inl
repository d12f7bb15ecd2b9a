// The 64-bit loops of one target: any source to codes, one element at a time.

namespace halfulp {
inline namespace HALFULP_TARGET {

// Takes apart elements of one source type, a few at a time: the loops that follow are compiled once, not once a type.
constexpr usize unpack_block = 32;

template <class F>
void unpack_each(usize n, Unpacked<Wide>* to, F&& unpack) {
  for (usize i = 0; i < n; ++i) to[i] = unpack(i);
}

template <class Int>
void unpack_integers(const Int* from, usize n, Unpacked<Wide>* to) {
  unpack_each(n, to, [from](usize i) {
    const bool negative = from[i] < 0;
    const u64 bits = static_cast<u64>(from[i]);
    return unpack_integer(negative, negative ? u64{0} - bits : bits);
  });
}

HALFULP_NOINLINE inline void unpack(Source source, bool flush, const void* from, usize start, usize n,
                                    Unpacked<Wide>* to) {
  const char* p = static_cast<const char*>(from) + start * source_bytes(source);
  const auto as = [p](auto typed) { return reinterpret_cast<const decltype(typed)*>(p); };
  const u64* longs = as(u64{});
  switch (source) {
    case Source::boolean: return unpack_each(n, to, [p](usize i) { return unpack_integer(false, p[i] != 0 ? 1 : 0); });
    case Source::int8: return unpack_integers(as(i8{}), n, to);
    case Source::int16: return unpack_integers(as(i16{}), n, to);
    case Source::int32: return unpack_integers(as(i32{}), n, to);
    case Source::int64: return unpack_integers(as(i64{}), n, to);
    case Source::uint8: return unpack_integers(as(u8{}), n, to);
    case Source::uint16: return unpack_integers(as(u16{}), n, to);
    case Source::uint32: return unpack_integers(as(u32{}), n, to);
    case Source::uint64: return unpack_integers(as(u64{}), n, to);
    case Source::binary16:
      return unpack_each(n, to, [=](usize i) { return unpack_binary<5, 10>(as(u16{})[i], flush); });
    case Source::binary32:
      return unpack_each(n, to, [=](usize i) { return unpack_binary<8, 23>(as(u32{})[i], flush); });
    case Source::binary64: return unpack_each(n, to, [=](usize i) { return unpack_binary<11, 52>(longs[i], flush); });
    case Source::x87:  // sixteen bytes: the significand, then sign and exponent
      return unpack_each(n, to,
                         [=](usize i) { return unpack_x87(longs[2 * i], static_cast<u16>(longs[2 * i + 1]), flush); });
    case Source::binary128:
      return unpack_each(n, to, [=](usize i) { return unpack_binary128(longs[2 * i + 1], longs[2 * i], flush); });
    case Source::number: return unpack_each(n, to, [=](usize i) { return unpack_number(as(Number{})[i]); });
  }
}

template <class Code>
HALFULP_NOINLINE void encode_wide_as(const Codec<u64>& codec, Source source, bool flush, const void* from, Code* codes,
                                     usize n) {
  const Codec<u64> c = codec;
  Unpacked<Wide> x[unpack_block];
  for (usize start = 0; start < n; start += unpack_block) {
    const usize count = n - start < unpack_block ? n - start : unpack_block;
    unpack(source, flush, from, start, count, x);
    for (usize i = 0; i < count; ++i) codes[start + i] = static_cast<Code>(encode(x[i], c).word);
  }
}

inline void encode_wide_kernel(const Codec<u64>& c, int code_bytes, Source source, bool flush, const void* from,
                               void* codes, usize n) {
  switch (code_bytes) {
    case 1: return encode_wide_as(c, source, flush, from, static_cast<u8*>(codes), n);
    case 2: return encode_wide_as(c, source, flush, from, static_cast<u16*>(codes), n);
    case 4: return encode_wide_as(c, source, flush, from, static_cast<u32*>(codes), n);
    default: return encode_wide_as(c, source, flush, from, static_cast<u64*>(codes), n);
  }
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
