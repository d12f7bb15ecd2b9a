/* The C interface: single conversions for testbenches. Every function can be imported into SystemVerilog by DPI-C
 * (halfulp.sv does it): chandle is halfulp_codec*, longint is long long, real is double.
 *
 * Link with the library that halfulp.get_library() names, or with the CMake target halfulp::c. */
#ifndef HALFULP_H_
#define HALFULP_H_

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define HALFULP_API __declspec(dllexport)
#else
#define HALFULP_API __attribute__((visibility("default")))
#endif

enum halfulp_rounding {
  HALFULP_NEAREST_EVEN,
  HALFULP_NEAREST_AWAY,
  HALFULP_TOWARD_ZERO,
  HALFULP_TOWARD_POSITIVE,
  HALFULP_TOWARD_NEGATIVE,
  HALFULP_TO_ODD
};

enum halfulp_overflow {
  HALFULP_DEFAULT,          /* Inf, else NaN, else the largest finite */
  HALFULP_SATURATE,         /* the largest finite, for Inf too */
  HALFULP_SATURATE_KEEP_INF /* the largest finite, Inf stays Inf */
};

enum halfulp_subnormals { HALFULP_GRADUAL, HALFULP_FLUSH_OUTPUT, HALFULP_FLUSH_TINY, HALFULP_FLUSH_INPUT };

enum halfulp_specials {
  HALFULP_IEEE,
  HALFULP_FN,
  HALFULP_FNUZ,
  HALFULP_FINITE,
  HALFULP_P3109_E,
  HALFULP_P3109_F,
  HALFULP_INTEGER
};

/* A format with a conversion policy. Read-only once made, so threads may share one. */
typedef struct halfulp_codec halfulp_codec;

/* A named format, such as "float8_e4m3fn". NULL if there is none of this name, or if a policy is none of the above.
 * NaN becomes what halfulp's Python default makes of it. */
HALFULP_API halfulp_codec* halfulp_codec_named(const char* format, int rounding, int overflow, int subnormals);

/* A format by its parameters, as halfulp.Format takes them. NULL if they contradict each other: halfulp.Format says
 * why. */
HALFULP_API halfulp_codec* halfulp_codec_custom(int exponent_bits, int mantissa_bits, int bias, int specials,
                                                int is_signed, int has_zero, int rounding, int overflow,
                                                int subnormals);

/* Does nothing to NULL. All functions below want a codec: look at what the two above return. */
HALFULP_API void halfulp_codec_free(halfulp_codec* codec);

/* The width of a code, 1 to 64. */
HALFULP_API int halfulp_bits(const halfulp_codec* codec);

/* The code of a binary64 number: one rounding. */
HALFULP_API long long halfulp_encode(const halfulp_codec* codec, double value);

/* The code of the binary32 number with these bits; halfulp_encode cannot tell its subnormals, nor all of its NaN. */
HALFULP_API long long halfulp_encode_float_bits(const halfulp_codec* codec, int bits);

/* The code of an integer. */
HALFULP_API long long halfulp_encode_integer(const halfulp_codec* codec, long long value);

/* The value of a code, exactly. Bits above the width are ignored. */
HALFULP_API double halfulp_decode(const halfulp_codec* codec, long long code);

#ifdef __cplusplus
}
#endif

#endif /* HALFULP_H_ */
