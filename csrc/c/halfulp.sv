// halfulp.h for SystemVerilog: `import halfulp::*;`, and give the simulator the library that halfulp.get_library() names.
package halfulp;

  typedef enum int {
    NEAREST_EVEN, NEAREST_AWAY, TOWARD_ZERO, TOWARD_POSITIVE, TOWARD_NEGATIVE, TO_ODD
  } rounding_t;
  typedef enum int {DEFAULT, SATURATE, SATURATE_KEEP_INF} overflow_t;
  typedef enum int {GRADUAL, FLUSH_OUTPUT, FLUSH_TINY, FLUSH_INPUT} subnormals_t;
  typedef enum int {IEEE, FN, FNUZ, FINITE, P3109_E, P3109_F, INTEGER} specials_t;

  import "DPI-C" function chandle halfulp_codec_named(input string format, input int rounding, input int overflow,
                                                      input int subnormals);
  import "DPI-C" function chandle halfulp_codec_custom(input int exponent_bits, input int mantissa_bits,
                                                       input int bias, input int specials, input int is_signed,
                                                       input int has_zero, input int rounding, input int overflow,
                                                       input int subnormals);
  import "DPI-C" function void halfulp_codec_free(input chandle codec);
  import "DPI-C" function int halfulp_bits(input chandle codec);
  import "DPI-C" function longint halfulp_encode(input chandle codec, input real value);
  import "DPI-C" function longint halfulp_encode_float_bits(input chandle codec, input int bits);
  import "DPI-C" function longint halfulp_encode_integer(input chandle codec, input longint value);
  import "DPI-C" function real halfulp_decode(input chandle codec, input longint code);

endpackage
