// Making an Encoder or a ValueDecoder: the choice of route by the parameters of the format and the policy.
#include "../halfulp/encode.hpp"
#include "kernels.hpp"

namespace halfulp {

int code_bytes(const Format& format) {
  const int bits = format.bits();
  return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
}

Encoder make_encoder(const Format& format, const Policy& policy, bool via_binary32) {
  Encoder e{};
  e.format = format;
  e.policy = policy;
  e.via_binary32 = via_binary32;
  e.code_bytes = code_bytes(format);
  e.wide = make_codec<u64>(format, policy);
  e.route = Route::wide;
  if (format.narrows_from_binary32()) {
    e.narrow = make_codec<u32>(format, policy);
    e.route = is_common(e.narrow) ? Route::common : format.emin() >= -126 ? Route::any : Route::deep;
    e.has_half_route = has_half_route(format, e.narrow);
    if (e.has_half_route) e.half = make_half_route(format, e.narrow);
  }
  return e;
}

ValueDecoder make_value_decoder(const Format& format) {
  ValueDecoder d{};
  d.format = format;
  d.binary32 = format.fits_binary32();
  d.by_table = d.binary32 && format.bits() <= 8;
  d.code_bytes = code_bytes(format);
  d.wide = make_decoder<u64>(format);
  if (d.binary32) d.narrow = make_decoder<u32>(format);
  if (d.by_table) {
    for (u32 code = 0; code < 256; ++code) {
      d.table[code] = decode(Lane<u32>{code & static_cast<u32>(format.magnitude_mask() | format.sign_bit())}, d.narrow).word;
    }
  }
  return d;
}

}  // namespace halfulp
