// The list of formats: the named ones, and some that nobody named, for every way the specials can fall.
#include "rows.hpp"

#include <cstdio>
#include <cstring>

#include "halfulp/formats.hpp"

namespace exhaustive {

using halfulp::Specials;

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"tfloat32", 8, 10, 127, Specials::ieee, true, true, true},
      {"float16", 5, 10, 15, Specials::ieee, true, true, true},
      {"bfloat16", 8, 7, 127, Specials::ieee, true, true, true},
      {"float8_e5m2", 5, 2, 15, Specials::ieee, true, true, true},
      {"float8_e4m3fn", 4, 3, 7, Specials::fn, true, true, true},
      {"float8_e4m3", 4, 3, 7, Specials::ieee, true, true, true},
      {"float8_e3m4", 3, 4, 3, Specials::ieee, true, true, true},
      {"float8_e4m3fnuz", 4, 3, 8, Specials::fnuz, true, true, true},
      {"float8_e5m2fnuz", 5, 2, 16, Specials::fnuz, true, true, true},
      {"float8_e4m3b11fnuz", 4, 3, 11, Specials::fnuz, true, true, true},
      {"float8_e8m0fnu", 8, 0, 127, Specials::fn, false, false, true},
      {"float8_e5m3fnu", 5, 3, 15, Specials::fn, false, true, true},
      {"float8_ue4m3", 4, 3, 7, Specials::fn, false, true, true},
      {"float6_e2m3fn", 2, 3, 1, Specials::finite, true, true, true},
      {"float6_e3m2fn", 3, 2, 3, Specials::finite, true, true, true},
      {"float4_e2m1fn", 2, 1, 1, Specials::finite, true, true, true},
      {"float4_e1m2fn", 1, 2, 1, Specials::finite, true, true, true},
      {"int2", 0, 1, 0, Specials::integer, true, true, true},
      {"int4", 0, 3, -2, Specials::integer, true, true, true},
      {"int8", 0, 7, -6, Specials::integer, true, true, true},
      {"uint2", 0, 2, -1, Specials::integer, false, true, true},
      {"uint4", 0, 4, -3, Specials::integer, false, true, true},
      {"uint8", 0, 8, -7, Specials::integer, false, true, true},
      {"mxint8", 0, 7, 0, Specials::integer, true, true, true},

      {"p3109_k8p4se", 4, 3, 8, Specials::p3109_e, true, true, false},
      {"p3109_k8p3sf", 5, 2, 16, Specials::p3109_f, true, true, false},
      {"p3109_k8p3ue", 6, 2, 32, Specials::p3109_e, false, true, false},
      {"p3109_k6p2uf", 5, 1, 16, Specials::p3109_f, false, true, false},
      {"e5m7_ieee", 5, 7, 14, Specials::ieee, true, true, false},
      {"e3m9_fnuz", 3, 9, 4, Specials::fnuz, true, true, false},
      {"e5m4_finite", 5, 4, 15, Specials::finite, true, true, false},
      {"e5m4_ieee_low", 5, 4, 100, Specials::ieee, true, true, false},
      {"e4m2_fn_lowest", 4, 2, 115, Specials::fn, true, true, false},
      {"e4m4_fnuz_high", 4, 4, -80, Specials::fnuz, true, true, false},
      {"e2m4_finite_deep", 2, 4, 140, Specials::finite, true, true, false},
      {"e8m0_signed", 8, 0, 127, Specials::fn, true, true, false},
      {"e3m0_unsigned", 3, 0, 3, Specials::finite, false, true, false},
      {"e4m3_zeroless", 4, 3, 7, Specials::p3109_e, false, false, false},
      {"e1m1_ieee", 1, 1, 0, Specials::ieee, true, true, false},
      {"e0m5_finite", 0, 5, -4, Specials::finite, true, true, false},
      {"e0m6_fnuz", 0, 6, 3, Specials::fnuz, true, true, false},
      {"e0m7_fn_unsigned", 0, 7, -6, Specials::fn, false, true, false},
      {"int16", 0, 15, -14, Specials::integer, true, true, false},
      {"e6m11_ieee", 6, 11, 31, Specials::ieee, true, true, false},
      {"e7m9_p3109_f", 7, 9, 64, Specials::p3109_f, true, true, false},
  };
  return all;
}

halfulp::Format product_format(const Row& r) {
  if (r.named) return halfulp::format(r.name);
  return {r.name, r.exponent_bits, r.mantissa_bits, r.bias, r.specials, r.is_signed, r.has_zero, ""};
}

int count_table_faults() {
  int faults = 0;
  for (const halfulp::Format& f : halfulp::formats) {
    if (f.bits() > 19 || !f.narrows_from_binary32()) continue;
    bool same = false;
    for (const Row& r : rows()) {
      if (std::strcmp(r.name, f.name) != 0) continue;
      same = r.exponent_bits == f.exponent_bits && r.mantissa_bits == f.mantissa_bits && r.bias == f.bias &&
             r.specials == f.specials && r.is_signed == f.is_signed && r.has_zero == f.has_zero;
    }
    if (!same) std::printf("%s: the table's row and the one in tests/cpp/rows.cc differ\n", f.name);
    faults += same ? 0 : 1;
  }
  for (const Row& r : rows()) {
    const halfulp::Format f = product_format(r);
    if (halfulp::check(f) == halfulp::FormatError::none && f.narrows_from_binary32()) continue;
    std::printf("%s: is no format that narrows from binary32\n", r.name);
    ++faults;
  }
  return faults;
}

}  // namespace exhaustive
