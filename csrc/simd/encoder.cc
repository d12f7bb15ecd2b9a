// Making an Encoder or a ValueDecoder: the choice of route by the parameters of the format and the policy.
#include "../halfulp/encode.hpp"
#include "../halfulp/stochastic.hpp"
#include "kernels.hpp"

namespace halfulp {

int code_bytes(const Format& format) {
  const int bits = format.bits();
  return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
}

namespace {

void add_random(Encoder& e, const Format& format, const Policy& policy) {
  e.random_bits = policy.random_bits;
  e.random_long = is_random_long(e.wide);
  if (!format.narrows_from_binary32()) return;
  e.narrow = make_codec<u32>(format, policy);
  e.route = format.emin() >= -126 ? Route::any : Route::deep;
  e.random_narrow = is_random_narrow(e.narrow);
  e.random_narrow_from_odd = e.random_narrow && is_random_narrow_from_odd(format, e.narrow);
}

}  // namespace

Encoder make_encoder(const Format& format, const Policy& policy, bool via_binary32) {
  Encoder e{};
  e.rounding = policy.rounding;
  e.flush_input = policy.subnormals == Subnormals::flush_input;
  e.via_binary32 = via_binary32;
  e.bits = format.bits();
  e.code_bytes = code_bytes(format);
  e.wide = make_codec<u64>(format, policy);
  e.route = Route::wide;
  if (is_binary32(format, policy)) e.shortcut = Shortcut::binary32;
  if (is_stochastic(policy.rounding)) {
    add_random(e, format, policy);
    return e;
  }
  if (format.narrows_from_binary32()) {
    e.narrow = make_codec<u32>(format, policy);
    e.route = is_prefix(format, e.narrow) ? Route::prefix
              : is_common(e.narrow)       ? Route::common
              : format.emin() >= -126     ? Route::any
                                          : Route::deep;
    if (has_half_route(format, e.narrow)) {
      e.shortcut = Shortcut::half_route;
      e.half = make_half_route(format, e.narrow);
    } else if (is_binary16(format, e.narrow)) {
      e.shortcut = Shortcut::binary16;
    } else if (has_integer_route(format, policy)) {
      e.shortcut = Shortcut::integer;
      e.integer = make_integer_route(format, policy);
    }
  }
  return e;
}

Encoder make_encoder(const Codebook& codebook, const Rounding* mode, const NanRule& nan, bool via_binary32) {
  Encoder e{};
  e.levels = make_level_search(codebook, mode, nan);
  e.route = Route::codebook;
  e.via_binary32 = via_binary32;
  e.bits = codebook.bits;
  e.code_bytes = 1;
  return e;
}

namespace {

// The table by bytes, if the lower two of four are zero in all of it: they are unless a format has more than eight
// significant bits or is subnormal in binary32.
bool fill_planes(ValueDecoder& d) {
  u32 low_bytes = 0;
  for (u32 code = 0; code < 256; ++code) {
    low_bytes |= d.table[code] & 0xffff;
    d.planes[0][code] = static_cast<u8>(d.table[code] >> 16);
    d.planes[1][code] = static_cast<u8>(d.table[code] >> 24);
  }
  return low_bytes == 0;
}

Value smallest_value(const Format& f) {
  if (f.precision() <= 11 && f.lsb_exponent() >= -24 && f.largest_exponent() <= 15) return Value::binary16;
  return f.fits_binary32() ? Value::binary32 : Value::binary64;
}

// Whether binary16 holds a binary32 number: 11 significant bits, the last place at 2^-24 or above.
bool fits_binary16(u32 binary32) {
  const Unpacked<Wide> x = unpack_binary<8, 23>(binary32, false);
  if (x.significand.word == 0) return true;
  const i64 exponent = static_cast<i64>(x.exponent.word);
  const i64 kept = exponent + 25 < 11 ? exponent + 25 : 11;
  return kept > 0 && exponent <= 15 && (x.significand.word << (63 - wide_hidden + kept)) == 0;
}

}  // namespace

ValueDecoder make_value_decoder(const Format& format) {
  ValueDecoder d{};
  d.bits = format.bits();
  d.code_mask = format.magnitude_mask() | format.sign_bit();
  d.smallest = smallest_value(format);
  d.binary32 = format.fits_binary32();
  d.has_table = d.binary32 && format.bits() <= 8;
  d.code_bytes = code_bytes(format);
  d.wide = make_decoder<u64>(format);
  if (d.binary32) d.narrow = make_decoder<u32>(format);
  if (d.binary32 && format.has_subnormals()) {
    const int emin = format.emin();
    d.min_normal = emin >= -126 ? static_cast<u32>(emin + 127) << 23 : u32{1} << (emin + 149);
  }
  if (d.has_table) {
    const u32 mask = static_cast<u32>(d.code_mask);
    for (u32 code = 0; code < 256; ++code) d.table[code] = decode(Lane<u32>{code & mask}, d.narrow).word;
    d.has_planes = fill_planes(d);
  }
  d.route = DecodeRoute::any;
  if (is_prefix(format)) {
    d.route = DecodeRoute::prefix;
  } else if (d.has_table && format.bits() <= 4) {
    d.route = d.has_planes ? DecodeRoute::nibbles : DecodeRoute::sixteen;
  } else if (has_half_decoder(format)) {
    d.route = DecodeRoute::half;
    d.half = make_half_decoder(format);
  } else if (is_small_integer(format)) {
    d.route = DecodeRoute::integer;
    d.integer = make_integer_route(format, Policy{});
  }
  return d;
}

ValueDecoder make_value_decoder(const Codebook& codebook) {
  ValueDecoder d{};
  d.bits = codebook.bits;
  d.code_mask = (u64{1} << codebook.bits) - 1;
  d.smallest = Value::binary16;
  d.binary32 = true;
  d.has_table = true;
  d.code_bytes = 1;
  u32 by_code[max_levels];
  for (u32& level : by_code) level = 0x7fc00000;
  for (int i = 0; i < codebook.count; ++i) {
    by_code[codebook.codes[i]] = codebook.levels[i];
    if (!fits_binary16(codebook.levels[i])) d.smallest = Value::binary32;
  }
  for (u32 code = 0; code < 256; ++code) d.table[code] = by_code[code & d.code_mask];
  d.route = DecodeRoute::any;
  d.has_planes = fill_planes(d);
  if (codebook.bits <= 4) d.route = d.has_planes ? DecodeRoute::nibbles : DecodeRoute::sixteen;
  return d;
}

}  // namespace halfulp
