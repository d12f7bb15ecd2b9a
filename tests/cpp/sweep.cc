// The sweep: blocks of inputs are shared out to threads; every check's codes are compared with its judge's.
#include "sweep.hpp"

#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "hardware.hpp"
#include "simd/kernels.hpp"

namespace exhaustive {

using halfulp::Encoder;
using halfulp::Kernels;
using halfulp::Overflow;
using halfulp::Policy;
using halfulp::Rounding;
using halfulp::Route;
using halfulp::Shortcut;
using halfulp::Subnormals;
using std::size_t;
using std::uint16_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

namespace {

constexpr size_t block = 8192;

using Codes = std::function<void(const uint32_t* from, void* codes, size_t n)>;

enum class When : char { always, some_blocks, at_edges };

struct Check {
  std::string name;
  Codes codes;
  size_t judge;  // index into Plan::judges
  When when;
  std::atomic<uint64_t> wrong{0};

  Check(std::string n, Codes c, size_t j, When w) : name(std::move(n)), codes(std::move(c)), judge(j), when(w) {}
};

struct Plan {
  size_t code_bytes = 0;
  std::vector<Codes> judges;
  std::vector<std::unique_ptr<Check>> checks;
  std::vector<uint32_t> edges;

  void add(std::string name, Codes codes, When when) {
    checks.push_back(std::make_unique<Check>(std::move(name), std::move(codes), judges.size() - 1, when));
  }
};

Codes by_steps(Expected expected, size_t code_bytes) {
  return [expected = std::move(expected), code_bytes](const uint32_t* from, void* codes, size_t n) {
    if (code_bytes == 1) return expected.fill(from, static_cast<uint8_t*>(codes), n);
    if (code_bytes == 2) return expected.fill(from, static_cast<uint16_t*>(codes), n);
    return expected.fill(from, static_cast<uint32_t*>(codes), n);
  };
}

Codes by_kernel(const Kernels* k, const Encoder& e) {
  return [=](const uint32_t* from, void* codes, size_t n) { k->encode(e, from, codes, n); };
}

Codes by_wide_kernel(const Kernels* k, const Encoder& e) {
  return [=](const uint32_t* from, void* codes, size_t n) {
    k->encode_wide(e.wide, e.code_bytes, halfulp::Source::binary32, false, from, codes, n);
  };
}

// As whole calls make them: in pieces, stored past the caches.
Codes by_pieces(const Kernels* k, const Encoder& e) {
  return [=](const uint32_t* from, void* codes, size_t n) {
    k->encode_from(e, halfulp::Source::binary32, false, from, codes, n, halfulp::Stores::past_caches);
  };
}

// Two codes to a byte, stored past the caches.
Codes by_nibbles(const Kernels* k, const Encoder& e, bool high_first) {
  return [=](const uint32_t* from, void* codes, size_t n) {
    std::vector<uint8_t> packed((n + 1) / 2);
    k->encode_nibbles(e, high_first, from, packed.data(), n, halfulp::Stores::past_caches);
    for (size_t i = 0; i < n; ++i) {
      const bool high = (i % 2 != 0) != high_first;
      static_cast<uint8_t*>(codes)[i] = static_cast<uint8_t>(high ? packed[i / 2] >> 4 : packed[i / 2] & 15);
    }
  };
}

// Where a code is the front of a binary32, rounding is encoding; the bits behind must be zero.
Codes by_rounding(const Kernels* k, const Encoder& e, const halfulp::Format& format) {
  const halfulp::ValueDecoder d = halfulp::make_value_decoder(format);
  return [=](const uint32_t* from, void* codes, size_t n) {
    std::vector<uint32_t> values(n);
    k->round(e, d, from, values.data(), n, halfulp::Stores::past_caches);
    for (size_t i = 0; i < n; ++i) {
      const uint32_t front = values[i] >> e.narrow.shift;
      const uint32_t code = front << e.narrow.shift == values[i] ? front : ~front;
      std::memcpy(static_cast<char*>(codes) + i * static_cast<size_t>(e.code_bytes), &code,
                  static_cast<size_t>(e.code_bytes));
    }
  };
}

// All ways that serve this codec, on every target: its shortcut, its route, and the more general ones. Of the portable
// routes only the chosen one goes everywhere; the others are slow, and the same templates as the other targets'.
void add_routes(Plan& plan, const std::string& label, const Encoder& chosen, const halfulp::Format& format,
                const Settings& settings) {
  Encoder e = chosen;
  e.shortcut = Shortcut::none;
  const char* const routes[] = {"prefix", "common", "any", "deep"};
  for (const Kernels* k : targets()) {
    const bool portable = k == targets().front();
    const std::string start = label + " " + k->isa + " ";
    if (chosen.shortcut != Shortcut::none && !portable) {
      plan.add(start + "shortcut", by_kernel(k, chosen), When::always);
    }
    if (!portable) plan.add(start + "in pieces", by_pieces(k, chosen), When::some_blocks);
    if (chosen.bits == 4) {
      plan.add(start + "low nibbles first", by_nibbles(k, chosen, false), portable ? When::at_edges : When::always);
      plan.add(start + "high nibbles first", by_nibbles(k, chosen, true), When::at_edges);
    }
    if (chosen.route == Route::prefix) plan.add(start + "rounded", by_rounding(k, chosen, format), When::always);
    for (int route = static_cast<int>(chosen.route); route <= static_cast<int>(Route::deep); ++route) {
      e.route = static_cast<Route>(route);
      if (e.route == Route::common && !halfulp::is_common(e.narrow)) continue;
      const bool serves = e.route == chosen.route && (portable || chosen.shortcut == Shortcut::none);
      const bool spared = settings.chosen_only ? !serves : portable && e.route != chosen.route;
      const bool rare = portable && settings.vectors_only;
      const When when = spared ? When::at_edges : rare ? When::some_blocks : When::always;
      plan.add(start + routes[route], by_kernel(k, e), when);
    }
    plan.add(start + "wide", by_wide_kernel(k, e), portable ? When::some_blocks : When::at_edges);
  }
}

void add_case(Plan& plan, const Row& row, const Case& c, const Settings& settings) {
  const halfulp::Format f = product_format(row);
  const Policy policy = {c.rounding, c.overflow, c.subnormals, halfulp::default_nan(f)};
  const Encoder e = halfulp::make_encoder(f, policy, false);
  const std::string label =
      std::string(row.name) + " " + name(c.rounding) + " " + name(c.overflow) + " " + name(c.subnormals);
  plan.code_bytes = static_cast<size_t>(e.code_bytes);

  Expected expected = expected_codes(row, c);
  const std::vector<uint32_t> edges = expected.edges();
  std::vector<uint32_t> all;
  std::set_union(edges.begin(), edges.end(), plan.edges.begin(), plan.edges.end(), std::back_inserter(all));
  plan.edges = std::move(all);
  plan.judges.push_back(by_steps(std::move(expected), plan.code_bytes));
  add_routes(plan, label, e, f, settings);

  // The same codec but for NaN payloads, which these two judges keep.
  const bool plain = c.overflow == Overflow::standard && c.subnormals == Subnormals::gradual;
  const bool binary16 = plain && std::strcmp(row.name, "float16") == 0 && has_hardware_binary16(c.rounding);
  const bool bfloat16 = plain && std::strcmp(row.name, "bfloat16") == 0 && c.rounding == Rounding::nearest_even;
  if (!binary16 && !bfloat16) return;
  plan.judges.push_back([=](const uint32_t* from, void* codes, size_t n) {
    if (binary16) return hardware_binary16(c.rounding, from, static_cast<uint16_t*>(codes), n);
    return textbook_bfloat16(from, static_cast<uint16_t*>(codes), n);
  });
  const halfulp::NanRule payload = {f.nan_code(), f.nan_code() | f.sign_bit(), true};
  const Encoder keeping =
      halfulp::make_encoder(f, {c.rounding, Overflow::standard, Subnormals::gradual, payload}, false);
  for (const Kernels* k : targets()) {
    const char* judge = binary16 ? " payloads, F16C" : " payloads, textbook";
    const When when = k == targets().front() ? When::some_blocks : When::always;
    plan.add(label + " " + k->isa + judge, by_kernel(k, keeping), when);
  }
}

template <class Code>
void count(const uint32_t* from, const Code* actual, const Code* expected, size_t n, Check& check) {
  for (size_t i = 0; i < n; ++i) {
    if (actual[i] == expected[i]) continue;
    if (check.wrong++ != 0) continue;
    std::printf("FAIL %s: binary32 0x%08" PRIX32 " gives 0x%X, not 0x%X\n", check.name.c_str(), from[i],
                static_cast<unsigned>(actual[i]), static_cast<unsigned>(expected[i]));
  }
}

// One thread's buffers.
struct Worker {
  std::vector<std::vector<unsigned char>> judged;
  std::vector<unsigned char> actual = std::vector<unsigned char>(4 * block);

  void run(Plan& plan, const uint32_t* from, size_t n, bool edges, bool some) {
    judged.resize(plan.judges.size());
    for (size_t j = 0; j < judged.size(); ++j) {
      judged[j].resize(4 * block);
      plan.judges[j](from, judged[j].data(), n);
    }
    for (const auto& check : plan.checks) {
      if (check->when == When::at_edges && !edges) continue;
      if (check->when == When::some_blocks && !some && !edges) continue;
      // What an earlier check left must not pass for this one's.
      std::memset(actual.data(), 0xa5, n * plan.code_bytes);
      check->codes(from, actual.data(), n);
      const unsigned char* expected = judged[check->judge].data();
      if (std::memcmp(actual.data(), expected, n * plan.code_bytes) == 0) continue;
      switch (plan.code_bytes) {
        case 1: count(from, actual.data(), expected, n, *check); break;
        case 2: count(from, as<uint16_t>(actual.data()), as<uint16_t>(expected), n, *check); break;
        default: count(from, as<uint32_t>(actual.data()), as<uint32_t>(expected), n, *check);
      }
    }
  }

  template <class Code>
  static const Code* as(const unsigned char* p) {
    return reinterpret_cast<const Code*>(p);
  }
};

// Slices interleave by the digit sum of the block's number in base `of`: each slice has one block of every `of`
// neighbours, and no slice has all the blocks that begin at a power of two, where the ties are.
bool in_slice(uint32_t number, const Slice& s) {
  uint32_t sum = 0;
  for (uint32_t rest = number; s.of > 1 && rest != 0; rest /= s.of) sum += rest % s.of;
  return s.of == 1 || sum % s.of == s.number;
}

// The edges in whole blocks, ascending in each; unless they are many, once more for every quarter of the 32 lanes that
// an input can be in.
std::vector<uint32_t> in_every_quarter(const std::vector<uint32_t>& edges) {
  std::vector<uint32_t> all;
  const size_t quarters = edges.size() < size_t{1} << 18 ? 4 : 1;
  for (size_t quarter = 0; quarter < quarters; ++quarter) {
    all.insert(all.end(), 8 * quarter, edges.front());
    all.insert(all.end(), edges.begin(), edges.end());
    all.resize((all.size() + block - 1) / block * block, edges.back());
  }
  return all;
}

}  // namespace

Tally sweep(const Row& row, const Settings& settings) {
  Plan plan;
  for (const Case& c : settings.cases) add_case(plan, row, c, settings);
  const size_t edge_count = plan.edges.size();
  plan.edges = in_every_quarter(plan.edges);

  constexpr size_t block_count = (size_t{1} << 32) / block;
  const size_t edge_blocks = plan.edges.size() / block;
  const size_t work = edge_blocks + (settings.slice.edges_only ? 0 : block_count);
  std::atomic<size_t> next{0};
  std::atomic<uint64_t> inputs{0};
  const auto run = [&] {
    Worker worker;
    std::vector<uint32_t> from(block);
    for (size_t at = next++; at < work; at = next++) {
      if (at < edge_blocks) {
        worker.run(plan, plan.edges.data() + at * block, block, true, true);
        continue;
      }
      const auto number = static_cast<uint32_t>(at - edge_blocks);
      if (!in_slice(number, settings.slice)) continue;
      for (size_t i = 0; i < block; ++i) from[i] = static_cast<uint32_t>(number * block + i);
      worker.run(plan, from.data(), block, false, number / settings.slice.of % settings.wide_every == 0);
      inputs += block;
    }
  };
  std::vector<std::thread> threads;
  for (int t = 1; t < settings.threads; ++t) threads.emplace_back(run);
  run();
  for (std::thread& t : threads) t.join();

  Tally tally;
  tally.inputs = settings.slice.edges_only ? edge_count : inputs.load();
  for (const auto& check : plan.checks) {
    (check->wrong == 0 ? tally.passed : tally.failed) += 1;
    if (check->wrong != 0) std::printf("FAIL %s: %" PRIu64 " wrong\n", check->name.c_str(), check->wrong.load());
  }
  return tally;
}

}  // namespace exhaustive
