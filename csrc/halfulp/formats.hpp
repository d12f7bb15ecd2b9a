// THE TABLE: every named format, one row each. Adding a format is adding a row.
#pragma once

#include "format.hpp"

namespace halfulp {

inline constexpr Format formats[] = {
    // name                 E   M   bias  specials           signed zero   source
    {"float64", 11, 52, 1023, Specials::ieee, true, true, "IEEE 754-2019 binary64"},
    {"float32", 8, 23, 127, Specials::ieee, true, true, "IEEE 754-2019 binary32"},
    {"tfloat32", 8, 10, 127, Specials::ieee, true, true, "NVIDIA TF32; AMD XF32"},
    {"float16", 5, 10, 15, Specials::ieee, true, true, "IEEE 754-2019 binary16"},
    {"bfloat16", 8, 7, 127, Specials::ieee, true, true, "binary32 without its low half"},
    {"fp24", 7, 16, 63, Specials::ieee, true, true, "1/7/16 shader float"},
    {"pxr24", 8, 15, 127, Specials::ieee, true, true, "OpenEXR PXR24"},
    {"float8_e5m2", 5, 2, 15, Specials::ieee, true, true, "OCP OFP8 1.0 E5M2"},
    {"float8_e4m3fn", 4, 3, 7, Specials::fn, true, true, "OCP OFP8 1.0 E4M3"},
    {"float8_e4m3", 4, 3, 7, Specials::ieee, true, true, "IEEE-style E4M3 (StableHLO)"},
    {"float8_e3m4", 3, 4, 3, Specials::ieee, true, true, "IEEE-style E3M4 (StableHLO)"},
    {"float8_e4m3fnuz", 4, 3, 8, Specials::fnuz, true, true, "AMD CDNA3 fp8; Graphcore"},
    {"float8_e5m2fnuz", 5, 2, 16, Specials::fnuz, true, true, "AMD CDNA3 bf8; Graphcore"},
    {"float8_e4m3b11fnuz", 4, 3, 11, Specials::fnuz, true, true, "E4M3 with bias 11"},
    {"float8_e8m0fnu", 8, 0, 127, Specials::fn, false, false, "OCP MX 1.0 E8M0 scale"},
    {"float8_e5m3fnu", 5, 3, 15, Specials::fn, false, true, "NVIDIA UE5M3 scale"},
    {"float8_ue4m3", 4, 3, 7, Specials::fn, false, true, "NVFP4 scale, 7 bits"},
    {"float6_e2m3fn", 2, 3, 1, Specials::finite, true, true, "OCP MX 1.0 FP6 E2M3"},
    {"float6_e3m2fn", 3, 2, 3, Specials::finite, true, true, "OCP MX 1.0 FP6 E3M2"},
    {"float4_e2m1fn", 2, 1, 1, Specials::finite, true, true, "OCP MX 1.0 FP4 E2M1"},
    {"float4_e1m2fn", 1, 2, 1, Specials::finite, true, true, "Ascend FP4 E1M2"},
    {"int2", 0, 1, 0, Specials::integer, true, true, "two's complement"},
    {"int4", 0, 3, -2, Specials::integer, true, true, "two's complement"},
    {"int8", 0, 7, -6, Specials::integer, true, true, "two's complement"},
    {"uint2", 0, 2, -1, Specials::integer, false, true, "unsigned binary"},
    {"uint4", 0, 4, -3, Specials::integer, false, true, "unsigned binary"},
    {"uint8", 0, 8, -7, Specials::integer, false, true, "unsigned binary"},
    {"mxint8", 0, 7, 0, Specials::integer, true, true, "OCP MX 1.0 INT8, i/64"},
};

inline constexpr int format_count = static_cast<int>(sizeof(formats) / sizeof(formats[0]));

// Not constexpr: an unknown name is a compile error in constant expressions.
HALFULP_HD inline const Format& no_such_format() { return formats[0]; }

// The row with this name.
HALFULP_HD constexpr const Format& format(const char* name) {
  for (const Format& f : formats) {
    const char* a = f.name;
    const char* b = name;
    while (*a != 0 && *a == *b) ++a, ++b;
    if (*a == *b) return f;
  }
  return no_such_format();
}

}  // namespace halfulp
