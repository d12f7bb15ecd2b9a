// Decode of every code, on every target: by the chosen route, by table, by arithmetic, and in binary64.
#include "codes.hpp"

#include <cinttypes>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "simd/kernels.hpp"

namespace exhaustive {
namespace {

using std::size_t;
using std::uint32_t;
using std::uint64_t;

// The same number, infinity or NaN in binary32; exact, for the formats here.
uint32_t narrowed(uint64_t bits) {
  if ((bits & 0x7fffffffffffffff) > 0x7ff0000000000000) {
    return static_cast<uint32_t>(bits >> 63 << 31 | 0x7fc00000 | ((bits >> 29) & 0x007fffff));
  }
  double value = 0;
  std::memcpy(&value, &bits, 8);
  const float number = static_cast<float>(value);
  uint32_t result = 0;
  std::memcpy(&result, &number, 4);
  return result;
}

template <class Bits>
bool same(const Row& row, const char* isa, const char* how, const std::vector<Bits>& actual,
          const std::vector<uint64_t>& expected) {
  for (size_t code = 0; code < expected.size(); ++code) {
    const uint64_t wanted = sizeof(Bits) == 8 ? expected[code] : narrowed(expected[code]);
    if (actual[code] == wanted) continue;
    std::printf("FAIL %s %s decode %s: code 0x%zX gives 0x%" PRIX64 ", not 0x%" PRIX64 "\n", row.name, isa, how, code,
                static_cast<uint64_t>(actual[code]), wanted);
    return false;
  }
  return true;
}

// Packed codes of four bits: every pair many times, in pieces stored past the caches, and an odd number of them.
bool check_nibbles(const Row& row, const halfulp::Kernels* k, const halfulp::ValueDecoder& d, bool high_first) {
  constexpr size_t count = 4097;
  std::vector<uint64_t> expected(count);
  std::vector<unsigned char> packed((count + 1) / 2);
  for (size_t i = 0; i < count; ++i) {
    const size_t code = (i % 2 == 0 ? i / 2 : i / 32) % 16;
    const bool high = (i % 2 != 0) != high_first;
    packed[i / 2] = static_cast<unsigned char>(packed[i / 2] | code << (high ? 4 : 0));
    expected[i] = expected_value(row, static_cast<uint32_t>(code));
  }
  for (size_t offset = 0; offset < 2; ++offset) {
    std::vector<uint32_t> values(offset + count, 0xa5a5a5a5);
    k->decode_nibbles(d, high_first, packed.data(), &values[offset], count, halfulp::Stores::past_caches);
    values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(offset));
    if (!same(row, k->isa, high_first ? "high nibbles first" : "low nibbles first", values, expected)) return false;
  }
  return true;
}

}  // namespace

Tally check_decode(const Row& row) {
  const halfulp::ValueDecoder chosen = halfulp::make_value_decoder(product_format(row));
  // Every code, and of small formats again and again: enough for the widest vectors.
  const size_t every = size_t{1} << chosen.bits;
  const size_t count = every < 256 ? 256 : every;
  std::vector<uint64_t> expected(count);
  std::vector<unsigned char> codes(count * static_cast<size_t>(chosen.code_bytes));
  for (size_t i = 0; i < count; ++i) {
    const size_t code = i % every;
    expected[i] = expected_value(row, static_cast<uint32_t>(code));
    std::memcpy(&codes[i * static_cast<size_t>(chosen.code_bytes)], &code, static_cast<size_t>(chosen.code_bytes));
  }
  Tally tally;
  tally.inputs = count;
  const auto add = [&tally](bool good) { (good ? tally.passed : tally.failed) += 1; };
  for (const halfulp::Kernels* k : targets()) {
    const auto check = [&](const char* how, const halfulp::ValueDecoder& d) {
      std::vector<uint32_t> values(count, 0xa5a5a5a5);
      k->decode(d, codes.data(), values.data(), count);
      add(same(row, k->isa, how, values, expected));
    };
    if (chosen.bits == 4) {
      add(check_nibbles(row, k, chosen, false));
      add(check_nibbles(row, k, chosen, true));
    }
    halfulp::ValueDecoder d = chosen;
    check("as chosen", d);
    d.has_planes = false;
    if (chosen.has_planes) check("without byte tables", d);
    d.route = halfulp::DecodeRoute::any;
    if (d.has_table) check("by table", d);
    d.has_table = false;
    check("by arithmetic", d);
    d.binary32 = false;
    std::vector<uint64_t> wide(count);
    k->decode(d, codes.data(), wide.data(), count);
    add(same(row, k->isa, "in binary64", wide, expected));
  }
  return tally;
}

}  // namespace exhaustive
