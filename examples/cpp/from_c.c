/* The C interface: a named format, one of our own, and what each makes of a number. */
#include <halfulp/halfulp.h>
#include <stdio.h>

int main(void) {
  halfulp_codec* e4m3 = halfulp_codec_named("float8_e4m3fn", HALFULP_NEAREST_EVEN, HALFULP_SATURATE, HALFULP_GRADUAL);
  halfulp_codec* e5m3 =
      halfulp_codec_custom(5, 3, 15, HALFULP_IEEE, 1, 1, HALFULP_TOWARD_ZERO, HALFULP_DEFAULT, HALFULP_GRADUAL);
  if (e4m3 == NULL || e5m3 == NULL) return 1;
  const double inputs[] = {0.3, -500.0, 1e-3};
  for (int i = 0; i < 3; ++i) {
    const long long a = halfulp_encode(e4m3, inputs[i]);
    const long long b = halfulp_encode(e5m3, inputs[i]);
    printf("%g: float8_e4m3fn %02llx = %g, e5m3 %03llx = %g\n", inputs[i], a, halfulp_decode(e4m3, a), b,
           halfulp_decode(e5m3, b));
  }
  halfulp_codec_free(e4m3);
  halfulp_codec_free(e5m3);
  return 0;
}
