// A model of a converter from bfloat16 to float8_e4m3fn, as a hardware engineer may have written it, against the
// headers.
//
// It rounds ties away from zero where the format's specification rounds them to even: which inputs does that change?
#include <halfulp/encode.hpp>
#include <halfulp/formats.hpp>

#include <cstdint>
#include <cstdio>

namespace {

constexpr halfulp::Format e4m3 = halfulp::format("float8_e4m3fn");

constexpr halfulp::Policy policy(halfulp::Rounding rounding) {
  return {rounding, halfulp::Overflow::standard, halfulp::Subnormals::gradual, halfulp::default_nan(e4m3)};
}

std::uint32_t reference(std::uint32_t float_bits) {
  constexpr halfulp::Codec<halfulp::u32> codec =
      halfulp::make_codec<halfulp::u32>(e4m3, policy(halfulp::Rounding::nearest_even));
  return halfulp::encode(halfulp::unpack_binary32(halfulp::Lane<halfulp::u32>{float_bits}), codec).word;
}

// The unit under test: all in plain shifts, and a tie goes up.
std::uint32_t converter(std::uint32_t float_bits) {
  const std::uint32_t sign = float_bits >> 31 << 7;
  const int field = static_cast<int>(float_bits >> 23 & 0xff);
  const std::uint32_t significand = (float_bits & 0x7fffff) | 0x800000;
  if (field == 0xff) return sign | 0x7f;
  int exponent = field - 127;
  int shift = 20;
  if (exponent < -6) shift += -6 - exponent, exponent = -6;
  if (shift > 25) return sign;
  const std::uint32_t rounded = (significand + (1u << (shift - 1))) >> shift;
  const std::uint32_t code = (static_cast<std::uint32_t>(exponent + 6) << 3) + rounded;
  return sign | (code > 0x7e ? 0x7f : code);
}

}  // namespace

// It can be checked before the program runs.
static_assert(halfulp::encode(halfulp::unpack_binary32(halfulp::Lane<halfulp::u32>{0x3e99999a}),
                              halfulp::make_codec<halfulp::u32>(e4m3, policy(halfulp::Rounding::nearest_even)))
                      .word == 0x2a,
              "0.3 becomes 0.3125");

int main() {
  int wrong = 0;
  for (std::uint32_t upper = 0; upper < 0x10000; ++upper) {
    const std::uint32_t bits = upper << 16;
    const std::uint32_t want = reference(bits);
    const std::uint32_t got = converter(bits);
    if (want == got) continue;
    if (++wrong <= 3) std::printf("bfloat16 %04x: the converter gives %02x, the format %02x\n", upper, got, want);
  }
  std::printf("%d of 65536 inputs differ: the ties\n", wrong);
  return 0;
}
