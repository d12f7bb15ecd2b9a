// Checks arithmetic on codes, results and flags, against MPFR, binary64 and the machine's own instructions.
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "machine.hpp"
#include "operands.hpp"
#include "simd/kernels.hpp"
#include "sweep.hpp"
#include "trial.hpp"

namespace exhaustive {

using halfulp::NanPropagation;
using halfulp::Operator;
using halfulp::Overflow;
using halfulp::Rounding;
using halfulp::Subnormals;
using halfulp::Tininess;
using std::size_t;
using std::uint32_t;
using std::uint64_t;

namespace {

constexpr const char* usage =
    "usage: arithmetic [--slice K/N] [--count N] [--seed S] [--parts A,B,...] [--threads T]\n"
    "  --slice K/N  of the exhaustive parts: one in N of their questions, K from 0 (0/16); 0/1 is all of them\n"
    "  --count N    structured operands beside them (4194304)\n"
    "  --seed S     of those operands and of the policies that rotate (1)\n"
    "  --parts      pairs, triples, unary, convert, structured, mixed, machine (all)\n";

struct Options {
  uint32_t slice = 0;
  uint32_t of = 16;
  uint64_t count = uint64_t{1} << 22;
  uint64_t seed = 1;
  std::string parts = "pairs,triples,unary,convert,structured,mixed,machine";
  int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
};

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "%s\n%s", message.c_str(), usage);
  std::exit(2);
}

Options read_options(int argc, char** argv) {
  Options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    const char* value = argv[i + 1];
    if (option == "--slice") {
      if (std::sscanf(value, "%" SCNu32 "/%" SCNu32, &o.slice, &o.of) != 2 || o.slice >= o.of) {
        fail("--slice must be K/N with K < N, not '" + std::string(value) + "'");
      }
    } else if (option == "--count") {
      o.count = std::strtoull(value, nullptr, 10);
    } else if (option == "--seed") {
      o.seed = std::strtoull(value, nullptr, 10);
    } else if (option == "--parts") {
      o.parts = value;
    } else if (option == "--threads") {
      o.threads = std::max(1, std::atoi(value));
    } else {
      fail(option + " is no option");
    }
  }
  if (argc % 2 == 0) fail(std::string(argv[argc - 1]) + " is no option, or lacks its value");
  return o;
}

Question question(Operator op, const Row& a, const Row& b, const Row& c, const Row& to) {
  return {op, {a, b, c}, to, false};
}
Question question(Operator op, const Row& r) { return question(op, r, r, r, r); }

constexpr Rounding modes[] = {Rounding::nearest_even,    Rounding::nearest_away,    Rounding::toward_zero,
                              Rounding::toward_positive, Rounding::toward_negative, Rounding::to_odd};

// Every mode with both rules of tininess, nothing else out of the ordinary.
std::vector<Manner> plain_manners() {
  std::vector<Manner> all;
  for (const Rounding mode : modes) {
    for (const Tininess t : {Tininess::after, Tininess::before}) {
      all.push_back({{mode, Overflow::standard, Subnormals::gradual}, t, NanPropagation::canonical, false});
    }
  }
  return all;
}

// Every mode, the rest at random.
std::vector<Manner> rotating_manners(uint64_t seed) {
  std::vector<Manner> all;
  for (const Rounding mode : modes) {
    const uint64_t z = mixed(mixed(seed) + static_cast<uint64_t>(mode));
    all.push_back({{mode, Overflow(z % 3), Subnormals(z / 3 % 3)},
                   Tininess(z / 9 % 2),
                   NanPropagation(z / 18 % 3),
                   z / 54 % 2 != 0});
  }
  return all;
}

// Arrays of operands, one for each.
struct Codes {
  std::vector<uint32_t> of[3];

  size_t size() const { return of[0].size(); }
  Operands operands() const { return {{of[0].data(), of[1].data(), of[2].data()}}; }
};

// All combinations of the first operand's codes, the second one's and so on.
Codes combinations(const std::vector<uint32_t> (&each)[3], int count) {
  Codes codes;
  size_t n = 1;
  for (int k = 0; k < count; ++k) n *= each[k].size();
  for (int k = 0; k < 3; ++k) codes.of[k].resize(n);
  for (size_t i = 0; i < n; ++i) {
    size_t rest = i;
    for (int k = 0; k < count; rest /= each[k].size(), ++k) codes.of[k][i] = each[k][rest % each[k].size()];
  }
  return codes;
}

Codes all_codes(const Row& r, int count) {
  std::vector<uint32_t> each(size_t{1} << bits_of(r));
  for (size_t i = 0; i < each.size(); ++i) each[i] = static_cast<uint32_t>(i);
  return combinations({each, each, each}, count);
}

Codes special_operands(const Question& q) {
  return combinations({special_codes(q.from[0]), special_codes(q.from[1]), special_codes(q.from[2])},
                      operand_count(q.op));
}

Codes structured_operands(const Question& q, uint64_t seed, size_t n) {
  Codes codes;
  for (int k = 0; k < 3; ++k) codes.of[k].resize(n);
  uint32_t* const to[3] = {codes.of[0].data(), codes.of[1].data(), codes.of[2].data()};
  fill_operands(q, seed, n, to);
  return codes;
}

class Work {
 public:
  explicit Work(const Options& options) : options_(options) {}

  // In the plain manners and then in others.
  void everywhere(const Question& q, const Codes& codes) {
    const uint64_t turn = turn_++;
    if (mixed(turn) % options_.of != options_.slice) return;
    Trial t{q, plain_manners(), codes.size(), codes.operands(), true};
    total += run(t, exact_judge(), options_.threads);
    t.manners = rotating_manners(options_.seed * 1000003 + turn);
    t.question.flush_input = mixed(options_.seed + turn) % 2 != 0;
    total += run(t, exact_judge(), options_.threads);
  }

  // Operands in one of two sets of manners; a sample of them is judged twice.
  void structured(Question q, uint64_t seed, const Codes& codes) {
    Trial t{q, rotating_manners(seed), codes.size(), codes.operands(), false};
    if (seed % 2 == 0) {
      for (Manner& m : t.manners) m = {{m.policy.rounding, {}, {}}, m.tininess, NanPropagation::canonical, m.exact};
    } else {
      t.question.flush_input = seed % 4 == 1;
    }
    total += run(t, judge_by_binary64, options_.threads);
    if (has_mpfr()) {
      const Count sample = compare_judges(t, judge_by_binary64, judge_by_mpfr, 61);
      total.failed += sample.failed;
      twice += sample.judged;
    }
    operands += t.n;
  }

  // The machine's four modes.
  void machine(const Question& q, const Codes& codes) {
    if (!machine_answers(q.op, q.from[0], q.to)) return;
    Trial t{q, {}, codes.size(), codes.operands(), true};
    for (const Rounding mode : modes) {
      if (mode == Rounding::nearest_away || mode == Rounding::to_odd) continue;
      t.manners.push_back({{mode, Overflow::standard, Subnormals::gradual}, machine_tininess(), machine_nan(), false});
    }
    total += run(t, judge_by_machine, options_.threads);
    operands += t.n;
  }

  Count total;
  uint64_t operands = 0;  // structured ones
  uint64_t twice = 0;     // verdicts that two judges gave

 private:
  const Options& options_;
  uint64_t turn_ = 0;
};

// -- parts

constexpr Operator binary_operators[] = {Operator::add,    Operator::subtract,  Operator::multiply,
                                         Operator::divide, Operator::remainder, Operator::fmod};

void pairs(Work& w, const Options&) {
  for (const Row& r : rows()) {
    if (bits_of(r) > 8) continue;
    const Codes codes = all_codes(r, 2);
    for (const Operator op : binary_operators) w.everywhere(question(op, r), codes);
  }
}

void triples(Work& w, const Options&) {
  for (const Row& r : rows()) {
    if (bits_of(r) <= 6) w.everywhere(question(Operator::fma, r), all_codes(r, 3));
  }
}

void unary(Work& w, const Options&) {
  for (const Row& r : rows()) {
    const Codes codes = all_codes(r, 1);
    for (const Operator op : {Operator::sqrt, Operator::round_to_integral}) w.everywhere(question(op, r), codes);
  }
}

void conversions(Work& w, const Options&) {
  for (const Row& from : rows()) {
    if (bits_of(from) > 16) continue;
    const Codes codes = all_codes(from, 1);
    for (const std::vector<Row>* all : {&rows(), &wide_rows()}) {
      for (const Row& to : *all) w.everywhere(question(Operator::convert, from, from, from, to), codes);
    }
  }
}

const Row& row(const std::string& wanted) {
  for (const Row& r : rows()) {
    if (r.name == wanted) return r;
  }
  return binary32_row();
}

constexpr size_t most_at_once = size_t{1} << 18;

// `count` operands, by turns of some questions, each of which gets its turn; arrays of every length modulo a vector.
template <class Ask>
void in_turns(uint64_t count, size_t most, const Options& o, Ask&& ask) {
  most = std::min(most, std::max(size_t{4096}, static_cast<size_t>(count / 64)));
  uint64_t turn = 0;
  for (uint64_t done = 0; done < count; ++turn) {
    const size_t n = static_cast<size_t>(std::min<uint64_t>(most - turn % 67, count - done));
    ask(turn, mixed(o.seed) + turn, n);
    done += n;
  }
}

void structured(Work& w, const Options& o) {
  constexpr Operator ops[] = {Operator::add, Operator::multiply, Operator::divide, Operator::fma, Operator::subtract};
  const Row& f16 = row("float16");
  const Row& bf16 = row("bfloat16");
  const Row& tf32 = row("tfloat32");
  const Row* formats[] = {&f16,  &bf16,           &tf32, &wide_rows()[0], &f16,  &bf16,
                          &tf32, &wide_rows()[1], &f16,  &bf16,           &tf32, &wide_rows()[2]};
  for (const Row* r : formats) {
    for (const Operator op : ops) w.structured(question(op, *r), mixed(w.operands), special_operands(question(op, *r)));
  }
  in_turns(o.count, most_at_once, o, [&](uint64_t turn, uint64_t seed, size_t n) {
    const Question q = question(ops[turn % 5], *formats[turn / 5 % 12]);
    w.structured(q, seed, structured_operands(q, seed, n));
  });
}

// Operands and result of different formats, of any, a third of them random; every operation.
void mixed_formats(Work& w, const Options& o) {
  constexpr Operator ops[] = {Operator::fma,    Operator::add,      Operator::multiply,
                              Operator::divide, Operator::subtract, Operator::remainder,
                              Operator::sqrt,   Operator::convert,  Operator::fmod};
  const auto any = [](uint64_t z) -> Row {
    const size_t k = z % (rows().size() + wide_rows().size() + 20);
    if (k < rows().size()) return rows()[k];
    return k - rows().size() < wide_rows().size() ? wide_rows()[k - rows().size()] : random_row(z);
  };
  in_turns(o.count / 8, most_at_once / 64, o, [&](uint64_t turn, uint64_t seed, size_t n) {
    const uint64_t z = mixed(seed);
    const Row a = any(z >> 16);
    const bool same = z % 4 == 0;
    const Question q = question(ops[turn % 9], a, same ? a : any(mixed(z)), same ? a : any(mixed(z + 1)),
                                same ? a : any(mixed(z + 2)));
    w.structured(q, z, structured_operands(q, z, n));
    if (q.op != Operator::fma) w.structured(q, z >> 2, special_operands(q));
  });
}

void machine(Work& w, const Options& o) {
  const Row& f32 = binary32_row();
  const Row& f16 = row("float16");
  std::vector<Question> questions;
  for (const Operator op :
       {Operator::add, Operator::subtract, Operator::multiply, Operator::divide, Operator::fma, Operator::sqrt}) {
    questions.push_back(question(op, f32));
  }
  questions.push_back(question(Operator::convert, f32, f32, f32, f16));
  for (const Question& q : questions) w.machine(q, special_operands(q));
  w.machine(question(Operator::convert, f16, f16, f16, f32), all_codes(f16, 1));
  in_turns(o.count, most_at_once, o, [&](uint64_t turn, uint64_t seed, size_t n) {
    const Question& q = questions[turn % questions.size()];
    w.machine(q, structured_operands(q, seed, n));
  });
}

struct Part {
  const char* name;
  void (*run)(Work&, const Options&);
};

constexpr Part parts[] = {{"pairs", pairs},         {"triples", triples},       {"unary", unary},
                          {"convert", conversions}, {"structured", structured}, {"mixed", mixed_formats},
                          {"machine", machine}};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int arithmetic(int argc, char** argv) {
  const Options o = read_options(argc, argv);
  const auto begun = std::chrono::steady_clock::now();
  std::string isas;
  for (const halfulp::Kernels* k : targets()) isas += std::string(" ") + k->isa;
  std::printf("targets:%s; %d threads; slice %" PRIu32 "/%" PRIu32 "; count %" PRIu64 "; seed %" PRIu64 "; %s\n",
              isas.c_str(), o.threads, o.slice, o.of, o.count, o.seed,
              has_mpfr() ? "exact results by MPFR" : "no MPFR: exact results by binary64");
  uint64_t failed = 0;
  for (const Part& part : parts) {
    if (("," + o.parts + ",").find("," + std::string(part.name) + ",") == std::string::npos) continue;
    const auto start = std::chrono::steady_clock::now();
    Work w(o);
    part.run(w, o);
    std::printf("%-10s %11" PRIu64 " operands  %12" PRIu64 " verdicts (%" PRIu64 " by two judges)  %12" PRIu64
                " results compared  %" PRIu64 " failed  %6.1f s\n",
                part.name, w.operands, w.total.judged, w.twice, w.total.compared, w.total.failed, seconds_since(start));
    std::fflush(stdout);
    failed += w.total.failed;
  }
  std::printf("%" PRIu64 " failed in %.1f s\n", failed, seconds_since(begun));
  return failed == 0 ? 0 : 1;
}

}  // namespace exhaustive

int main(int argc, char** argv) { return exhaustive::arithmetic(argc, argv); }
