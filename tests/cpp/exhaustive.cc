// Checks the kernels on all binary32 inputs, or a slice of them, and prints one line a format.
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "codes.hpp"
#include "simd/kernels.hpp"
#include "stochastic.hpp"
#include "sweep.hpp"
#include "wide_sources.hpp"

namespace exhaustive {

using halfulp::Overflow;
using halfulp::Rounding;
using halfulp::Subnormals;

namespace {

constexpr const char* usage =
    "usage: exhaustive [--slice K/N] [--edges] [--formats A,B,...|named|all] [--modes default|all|A,B,...]\n"
    "                  [--chosen] [--vectors] [--threads T] [--wide-every B] [--random R]\n"
    "  --slice K/N      every N-th block of all 2^32 binary32 inputs, K from 0 (0/16); 0/1 is all of them\n"
    "  --edges          only inputs at and beside every decision, but under every mode\n"
    "  --modes default  nearest_even, and one other mode and policy that rotate with K\n"
    "  --formats named  those of the product's table (default); all: the unnamed ones of rows.cc, too\n"
    "  --chosen         the more general routes, which no call takes, at edges only\n"
    "  --vectors        the portable routes take every B-th block only: four fifths of the time are theirs\n"
    "  --wide-every B   the 64-bit route takes every B-th block (4)\n"
    "  --random R       binary64 numbers to narrow beside the structured ones, R/16 to round stochastically (2^26)\n";

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "%s\n%s", message.c_str(), usage);
  std::exit(2);
}

bool listed(const std::string& list, const std::string& item) {
  return ("," + list + ",").find("," + item + ",") != std::string::npos;
}

// At edges: every mode with every policy; for wide formats, which have many edges, with three policies that between
// them have every word.
std::vector<Case> edge_cases(const Row& row) {
  const bool wide = row.exponent_bits + row.mantissa_bits >= 16;
  std::vector<Case> cases;
  for (int c = 0; c < 6 * 3 * 3; ++c) {
    const int overflow = c / 6 % 3;
    const int subnormals = c / 18;
    if (!wide || overflow == subnormals) cases.push_back({Rounding(c % 6), Overflow(overflow), Subnormals(subnormals)});
  }
  return cases;
}

std::vector<Case> cases_of(const std::string& modes, const Slice& slice) {
  std::vector<Case> cases;
  const std::uint32_t k = slice.number;
  for (int mode = 0; mode < 6; ++mode) {
    const bool rotating = modes == "default" && mode == static_cast<int>(1 + k % 5);
    if (mode == 0 && (modes == "default" || modes == "all" || listed(modes, name(Rounding::nearest_even)))) {
      cases.push_back({Rounding::nearest_even, Overflow::standard, Subnormals::gradual});
    } else if (rotating || modes == "all" || listed(modes, name(Rounding(mode)))) {
      cases.push_back({Rounding(mode), Overflow(k % 3), Subnormals(k / 3 % 3)});
    }
  }
  if (cases.empty()) fail("--modes: none of '" + modes + "' is a rounding mode");
  return cases;
}

bool wanted(const std::string& formats, const Row& row) {
  return formats == "all" || (formats == "named" && row.named) || listed(formats, row.name);
}

struct Clock {
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }
};

void report(const char* what, const Tally& tally, const Clock& clock, Tally& total) {
  std::printf("%-22s %10" PRIu64 " inputs  %4d passed  %d failed  %6.1f s\n", what, tally.inputs, tally.passed,
              tally.failed, clock.seconds());
  std::fflush(stdout);
  total.passed += tally.passed;
  total.failed += tally.failed;
}

}  // namespace

// What the command line asks for.
struct Options {
  Settings settings{{false, 0, 16}, static_cast<int>(std::thread::hardware_concurrency()), 4, {}};
  std::string formats;
  std::string modes = "default";
  std::uint64_t random = std::uint64_t{1} << 26;
};

void read_option(Options& o, const std::string& option, const char* value) {
  Settings& s = o.settings;
  if (option == "--slice") {
    if (std::sscanf(value, "%" SCNu32 "/%" SCNu32, &s.slice.number, &s.slice.of) != 2 || s.slice.number >= s.slice.of) {
      fail("--slice must be K/N with K < N, not '" + std::string(value) + "'");
    }
  } else if (option == "--formats") {
    o.formats = value;
  } else if (option == "--modes") {
    o.modes = value;
  } else if (option == "--threads") {
    s.threads = std::atoi(value);
  } else if (option == "--wide-every") {
    s.wide_every = static_cast<std::uint32_t>(std::max(1, std::atoi(value)));
  } else if (option == "--random") {
    o.random = std::strtoull(value, nullptr, 10);
  } else {
    fail(option + " is no option");
  }
}

Options read_options(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--edges") {
      o.settings.slice.edges_only = true;
    } else if (option == "--chosen") {
      o.settings.chosen_only = true;
    } else if (option == "--vectors") {
      o.settings.vectors_only = true;
    } else {
      if (i + 1 == argc) fail(option + " is no option, or lacks its value");
      read_option(o, option, argv[++i]);
    }
  }
  const bool edges = o.settings.slice.edges_only;
  if (o.formats.empty()) o.formats = edges ? "all" : "named";
  if (!edges) o.settings.cases = cases_of(o.modes, o.settings.slice);
  return o;
}

void print_plan(const Settings& settings) {
  std::string isas;
  for (const halfulp::Kernels* k : targets()) isas += std::string(" ") + k->isa;
  std::printf("targets:%s; %d threads; ", isas.c_str(), settings.threads);
  if (settings.slice.edges_only) {
    std::printf("edges, every mode\n");
    return;
  }
  std::printf("slice %" PRIu32 "/%" PRIu32 ";", settings.slice.number, settings.slice.of);
  for (const Case& c : settings.cases) {
    std::printf(" %s,%s,%s", name(c.rounding), name(c.overflow), name(c.subnormals));
  }
  std::printf("\n");
}

int main(int argc, char** argv) {
  Options o = read_options(argc, argv);
  print_plan(o.settings);
  Tally total;
  const Clock whole;
  const int faults = count_table_faults();
  total.failed += faults;
  total.passed += faults == 0 ? 1 : 0;
  bool any = false;
  for (const Row& row : rows()) {
    if (!wanted(o.formats, row)) continue;
    any = true;
    const Clock clock;
    if (o.settings.slice.edges_only) o.settings.cases = edge_cases(row);
    const Tally decoded = check_decode(row);
    Tally swept = sweep(row, o.settings);
    swept.passed += decoded.passed;
    swept.failed += decoded.failed;
    report(row.name, swept, clock, total);
  }
  if (!any) fail("--formats: no format is called '" + o.formats + "'");
  const Clock clock;
  report("narrowing to binary32", check_narrowing(o.random), clock, total);
  const Clock stochastic;
  report("stochastic rounding", check_stochastic(o.random / 16), stochastic, total);
  std::printf("%d passed, %d failed in %.1f s\n", total.passed, total.failed, whole.seconds());
  return total.failed == 0 ? 0 : 1;
}

}  // namespace exhaustive

int main(int argc, char** argv) { return exhaustive::main(argc, argv); }
