// The C interface over the shared headers.
#include "halfulp.h"

#include <cstring>
#include <new>

#include "../halfulp/decode.hpp"
#include "../halfulp/formats.hpp"
#include "../halfulp/source.hpp"

namespace {

using halfulp::i64;
using halfulp::u64;

constexpr int rounding_count = HALFULP_TO_ODD + 1;
constexpr int overflow_count = HALFULP_SATURATE_KEEP_INF + 1;
constexpr int subnormals_count = HALFULP_FLUSH_INPUT + 1;
constexpr int specials_count = HALFULP_INTEGER + 1;

// The numbers of halfulp.h are those of the enums they become.
static_assert(static_cast<int>(halfulp::Rounding::nearest_even) == HALFULP_NEAREST_EVEN, "");
static_assert(static_cast<int>(halfulp::Rounding::nearest_away) == HALFULP_NEAREST_AWAY, "");
static_assert(static_cast<int>(halfulp::Rounding::toward_zero) == HALFULP_TOWARD_ZERO, "");
static_assert(static_cast<int>(halfulp::Rounding::toward_positive) == HALFULP_TOWARD_POSITIVE, "");
static_assert(static_cast<int>(halfulp::Rounding::toward_negative) == HALFULP_TOWARD_NEGATIVE, "");
static_assert(static_cast<int>(halfulp::Rounding::to_odd) == HALFULP_TO_ODD, "");
static_assert(static_cast<int>(halfulp::Overflow::standard) == HALFULP_DEFAULT, "");
static_assert(static_cast<int>(halfulp::Overflow::saturate) == HALFULP_SATURATE, "");
static_assert(static_cast<int>(halfulp::Overflow::saturate_keep_inf) == HALFULP_SATURATE_KEEP_INF, "");
static_assert(static_cast<int>(halfulp::Subnormals::gradual) == HALFULP_GRADUAL, "");
static_assert(static_cast<int>(halfulp::Subnormals::flush_output) == HALFULP_FLUSH_OUTPUT, "");
static_assert(static_cast<int>(halfulp::Subnormals::flush_tiny) == HALFULP_FLUSH_TINY, "");
static_assert(static_cast<int>(halfulp::Subnormals::flush_input) == HALFULP_FLUSH_INPUT, "");
static_assert(static_cast<int>(halfulp::Specials::ieee) == HALFULP_IEEE, "");
static_assert(static_cast<int>(halfulp::Specials::fn) == HALFULP_FN, "");
static_assert(static_cast<int>(halfulp::Specials::fnuz) == HALFULP_FNUZ, "");
static_assert(static_cast<int>(halfulp::Specials::finite) == HALFULP_FINITE, "");
static_assert(static_cast<int>(halfulp::Specials::p3109_e) == HALFULP_P3109_E, "");
static_assert(static_cast<int>(halfulp::Specials::p3109_f) == HALFULP_P3109_F, "");
static_assert(static_cast<int>(halfulp::Specials::integer) == HALFULP_INTEGER, "");

bool is_below(int value, int count) { return value >= 0 && value < count; }

}  // namespace

struct halfulp_codec {
  int bits;
  bool flush_input;
  halfulp::Codec<u64> codec;
  halfulp::Decoder<u64> decoder;
};

namespace {

halfulp_codec* make(const halfulp::Format& f, int rounding, int overflow, int subnormals) {
  const bool known = is_below(rounding, rounding_count) && is_below(overflow, overflow_count) &&
                     is_below(subnormals, subnormals_count);
  if (!known) return nullptr;
  const halfulp::Policy policy = {static_cast<halfulp::Rounding>(rounding), static_cast<halfulp::Overflow>(overflow),
                                  static_cast<halfulp::Subnormals>(subnormals), halfulp::default_nan(f)};
  return new (std::nothrow) halfulp_codec{f.bits(), subnormals == HALFULP_FLUSH_INPUT,
                                          halfulp::make_codec<u64>(f, policy), halfulp::make_decoder<u64>(f)};
}

long long encode(const halfulp_codec* c, const halfulp::Unpacked<halfulp::Wide>& x) {
  return static_cast<long long>(halfulp::encode(x, c->codec).word);
}

}  // namespace

extern "C" {

halfulp_codec* halfulp_codec_named(const char* format, int rounding, int overflow, int subnormals) {
  if (format == nullptr) return nullptr;
  for (const halfulp::Format& f : halfulp::formats) {
    if (std::strcmp(f.name, format) == 0) return make(f, rounding, overflow, subnormals);
  }
  return nullptr;
}

halfulp_codec* halfulp_codec_custom(int exponent_bits, int mantissa_bits, int bias, int specials, int is_signed,
                                    int has_zero, int rounding, int overflow, int subnormals) {
  if (!is_below(specials, specials_count)) return nullptr;
  const halfulp::Format f = {
      "", exponent_bits, mantissa_bits, bias, static_cast<halfulp::Specials>(specials), is_signed != 0, has_zero != 0,
      ""};
  return halfulp::check(f) == halfulp::FormatError::none ? make(f, rounding, overflow, subnormals) : nullptr;
}

void halfulp_codec_free(halfulp_codec* codec) { delete codec; }

int halfulp_bits(const halfulp_codec* codec) { return codec->bits; }

long long halfulp_encode(const halfulp_codec* codec, double value) {
  u64 bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return encode(codec, halfulp::unpack_binary<11, 52>(bits, codec->flush_input));
}

long long halfulp_encode_float_bits(const halfulp_codec* codec, int bits) {
  return encode(codec, halfulp::unpack_binary<8, 23>(static_cast<halfulp::u32>(bits), codec->flush_input));
}

long long halfulp_encode_integer(const halfulp_codec* codec, long long value) {
  const u64 bits = static_cast<u64>(value);
  return encode(codec, halfulp::unpack_integer(value < 0, value < 0 ? u64{0} - bits : bits));
}

double halfulp_decode(const halfulp_codec* codec, long long code) {
  const u64 mask = ~u64{0} >> (64 - codec->bits);
  const u64 bits = halfulp::decode(halfulp::Wide{static_cast<u64>(code) & mask}, codec->decoder).word;
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // extern "C"
