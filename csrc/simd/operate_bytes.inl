// Products and quotients of codes of a byte, by table lookups in 8-bit lanes: no number is ever made.

namespace halfulp {
inline namespace HALFULP_TARGET {

#if defined(HALFULP_BYTE_TABLES)

// Results may be where operands are, element for element, so they go there when the block is known to be good.
// `by_sign`: negative results are rounded otherwise than positive ones, or the least ones not to zero as zeros are.
template <bool by_sign>
HALFULP_BYTE_TABLES HALFULP_NOINLINE usize operate_bytes_loop(const ByteOperation& o, bool watch_tiny, const u8* a,
                                                              const u8* b, u8* to, usize n, Stores stores) {
  constexpr usize step = 512;
  const ByteTable exponent_a = load_table(o.exponent[0]);
  const ByteTable exponent_b = load_table(o.exponent[1]);
  const ByteTable fraction_a = load_table(o.fraction[0]);
  const ByteTable fraction_b = load_table(o.fraction[1]);
  const ByteTable rounded = load_table(o.rounded[0]);
  const ByteTable rounded_negative = load_table(o.rounded[by_sign ? 1 : 0]);
  const Bytes carry = load_bytes(o.carry);
  const Bytes fraction = load_bytes(o.result_fraction);
  const Bytes least_normal = Bytes::set(o.least_normal);
  const Bytes with_zero = Bytes::set(ByteOperation::most_with_zero);
  alignas(64) u8 results[step];
  usize i = 0;
  for (; i + step <= n; i += step) {
    Bytes special = Bytes::set(0);
    Bytes most = Bytes::set(0);
    Bytes tiny = Bytes::set(0);
    for (usize j = 0; j < step; j += Bytes::lanes) {
      const Bytes x = load_bytes(a + i + j);
      const Bytes y = load_bytes(b + i + j);
      const Bytes e = look_up(x, exponent_a);
      const Bytes f = look_up(y, exponent_b);
      const Bytes pair = look_up(x, fraction_a) | look_up(y, fraction_b);
      const Bytes place = e + f + look_up(pair, carry);
      const Bytes below = excess(least_normal, place);
      const Bytes index = shl<5>(min(below, Bytes::set(7))) | look_up(pair, fraction);
      const Bytes binades = min(excess(place, least_normal), Bytes::set(o.most_binades));
      const Bytes signs = (x ^ y) & Bytes::set(o.sign_bit);
      Bytes last_places = look_up(index, rounded);
      if constexpr (by_sign) {
        const Bytes plus = equal(signs, Bytes::set(0));
        const Bytes zero = equal(excess(place, with_zero), Bytes::set(0));
        last_places = and_not(zero, select(plus, last_places, look_up(index, rounded_negative)));
      }
      const Bytes magnitude = shl(binades, o.mantissa_bits) + last_places;
      const Bytes sign = and_not(equal(magnitude, Bytes::set(o.without_sign)), signs);
      special = special | e | f;
      most = max(most, magnitude);
      tiny = tiny | min(below, excess(place, with_zero));
      store(results + j, magnitude | sign);
    }
    if (any((special & Bytes::set(ByteOperation::special)) | excess(most, Bytes::set(o.largest)))) return i;
    if (watch_tiny && any(tiny)) return i;
    store_kernel(results, to + i, step, stores);
  }
  return i;
}

inline usize operate_bytes_kernel(const FastOperation& f, u32 watched, const void* const* codes, void* to, usize n,
                                  Stores stores) {
  if (!has_byte_tables()) return 0;
  const u8* a = static_cast<const u8*>(codes[0]);
  const u8* b = static_cast<const u8*>(codes[1]);
  const bool watch_tiny = (watched & examined_tiny) != 0;
  if (f.bytes.by_sign) return operate_bytes_loop<true>(f.bytes, watch_tiny, a, b, static_cast<u8*>(to), n, stores);
  return operate_bytes_loop<false>(f.bytes, watch_tiny, a, b, static_cast<u8*>(to), n, stores);
}

#endif

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
