// One question, many operands: `operate` on every target in every environment, with flags and without, and `apply`.
#include "trial.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>

#include "machine.hpp"
#include "simd/operate.hpp"
#include "simd/parallel.hpp"
#include "sweep.hpp"

namespace exhaustive {

using halfulp::ArrayOperation;
using halfulp::Column;
using halfulp::Columns;
using halfulp::Format;
using halfulp::NamedOperator;
using halfulp::NanPropagation;
using halfulp::Operator;
using halfulp::Raised;
using halfulp::Rounding;
using std::size_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

Count& Count::operator+=(const Count& other) {
  judged += other.judged;
  compared += other.compared;
  failed += other.failed;
  return *this;
}

namespace {

const NamedOperator& named(Operator op) {
  for (const NamedOperator& o : halfulp::operators) {
    if (o.op == op) return o;
  }
  return halfulp::operators[0];
}

// What stands for NaN, as halfulp.ops chooses it.
halfulp::OperationParameters parameters(const Question& q, const Manner& m) {
  halfulp::OperationParameters p{};
  const int count = operand_count(q.op);
  for (int k = 0; k < 3; ++k) p.operands[k] = product_format(q.from[k < count ? k : 0]);
  const Format to = product_format(q.to);
  p.result = to;
  uint64_t nan = to.has_nan() ? to.nan_code() : to.is_integer() ? 0 : to.max_magnitude();
  const bool by_operand = to.has_nan() && m.nan != NanPropagation::canonical;
  const uint64_t negative = by_operand && to.nan_has_sign() ? nan | to.sign_bit() : nan;
  p.policy = {m.policy.rounding, m.policy.overflow, m.policy.subnormals, {nan, negative, false}};
  p.flush_input = q.flush_input;
  p.nan = to.has_nan() ? m.nan : NanPropagation::canonical;
  p.tininess = m.tininess;
  p.integer_rounding = m.policy.rounding;
  p.exact = m.exact;
  p.integer_bits = 64;
  return p;
}

// Codes as arrays have them: bytes each of the format's width.
struct Array {
  int bytes;
  std::vector<uint64_t> words;  // aligned memory

  Array(const Row& row, size_t n)
      : bytes(halfulp::code_bytes(product_format(row))), words((n * static_cast<size_t>(bytes) + 7) / 8) {}
  char* data() { return reinterpret_cast<char*>(words.data()); }
  void set(size_t i, uint32_t code) { std::memcpy(data() + i * static_cast<size_t>(bytes), &code, size_of_code()); }
  uint32_t get(size_t i) {
    uint32_t code = 0;
    std::memcpy(&code, data() + i * static_cast<size_t>(bytes), size_of_code());
    return code;
  }
  size_t size_of_code() const { return static_cast<size_t>(bytes); }
  Column column() { return {data(), bytes, bytes, false}; }
};

void in_threads(int threads, size_t n, const std::function<void(size_t start, size_t count)>& work) {
  const size_t share = (n + static_cast<size_t>(threads) - 1) / static_cast<size_t>(threads);
  std::vector<std::thread> running;
  for (size_t start = share; start < n; start += share) {
    running.emplace_back([&work, start, share, n] { work(start, std::min(share, n - start)); });
  }
  work(0, std::min(share, n));
  for (std::thread& t : running) t.join();
}

// -- reports

constexpr int most_reports = 60;
constexpr int most_of_one_trial = 2;
std::atomic<int> reports{0};
std::atomic<int> reports_of_trial{0};
std::mutex printing;

bool may_report() { return reports_of_trial++ < most_of_one_trial && reports++ < most_reports; }

void report(const Trial& t, const Manner& m, const char* path, size_t i, const Verdict& got, const Verdict& expected) {
  if (!may_report()) return;
  const std::lock_guard<std::mutex> lock(printing);
  std::printf("%s(", name(t.question).c_str());
  for (int k = 0; k < operand_count(t.question.op); ++k)
    std::printf("%s%#x", k == 0 ? "" : ", ", t.operands.codes[k][i]);
  std::printf("), %s, %s, %s%s, tininess %s, nan %d, %s: %#x flags %#x, must be %#x flags %#x\n",
              name(m.policy.rounding), name(m.policy.overflow), name(m.policy.subnormals),
              t.question.flush_input ? ", flush_input" : "",
              m.tininess == halfulp::Tininess::before ? "before" : "after", static_cast<int>(m.nan), path, got.code,
              got.flags, expected.code, expected.flags);
}

void complain(const Trial& t, const Manner& m, const char* path, const char* what, int environment) {
  if (!may_report()) return;
  const std::lock_guard<std::mutex> lock(printing);
  std::printf("%s, %s, %s: %s (%s)\n", name(t.question).c_str(), name(m.policy.rounding), path, what,
              CallersEnvironment::name(environment).c_str());
}

// -- paths

int next_environment() {
  static int number = 0;
  return environment_count() == 0 ? 0 : number++ % environment_count();
}

struct Run {
  const Trial& trial;
  const std::vector<Verdict>& verdicts;
  std::vector<Array>& operands;
  Array& results;
  std::vector<uint8_t>& flags;

  // One call of `operate` in a caller's environment, all its results compared.
  uint64_t operate_once(const ArrayOperation& o, size_t manner, const char* path, bool with_flags) {
    const size_t n = trial.n;
    const Manner& m = trial.manners[manner];
    const int count = operand_count(trial.question.op);
    Columns c{};
    c.operands = count;
    c.results = 1;
    for (int k = 0; k < count; ++k) c.in[k] = operands[static_cast<size_t>(k)].column();
    c.out[0] = results.column();
    if (with_flags) c.flags = {reinterpret_cast<char*>(flags.data()), 1, 1, false};
    std::fill(results.words.begin(), results.words.end(), ~uint64_t{0});
    std::fill(flags.begin(), flags.end(), uint8_t{0xff});
    const int number = next_environment();
    CallersEnvironment environment(number);
    const Raised raised = halfulp::operate(o, c, n);
    const bool untouched = environment.end();
    uint64_t failed = 0;
    uint8_t all = 0;
    for (size_t i = 0; i < n; ++i) {
      const Verdict& expected = verdicts[manner * n + i];
      const Verdict got = {results.get(i), with_flags ? flags[i] : expected.flags};
      all |= expected.flags;
      if (got.code == expected.code && got.flags == expected.flags) continue;
      ++failed;
      report(trial, m, path, i, got, expected);
    }
    // Nobody asks a whole array whether something was inexact, so that need not be found out.
    const uint8_t asked = with_flags ? 0x1f : 0x1e;
    const bool same_flags = ((raised.flags ^ all) & asked) == 0;
    if (!untouched) complain(trial, m, path, "the caller's environment has changed", number);
    if (!same_flags) complain(trial, m, path, "the flags of all elements together differ", number);
    if (raised.bad != n) complain(trial, m, path, "an operand was taken for no code", number);
    return failed + (untouched ? 0 : 1) + (same_flags ? 0 : 1) + (raised.bad != n ? 1 : 0);
  }

  uint64_t apply_each(const ArrayOperation& o, size_t manner, int threads) {
    std::atomic<uint64_t> failed{0};
    in_threads(threads, trial.n, [&](size_t start, size_t count) {
      for (size_t i = start; i < start + count; ++i) {
        uint64_t own[3] = {};
        halfulp::u64 codes[3] = {};
        for (int k = 0; k < operand_count(trial.question.op); ++k) own[k] = trial.operands.codes[k][i];
        for (int k = 0; k < 3; ++k) codes[k] = own[k];
        const halfulp::Outcome outcome = halfulp::apply(o.definition, codes, nullptr);
        const Verdict& expected = verdicts[manner * trial.n + i];
        if (outcome.code == expected.code && outcome.flags == expected.flags) continue;
        const Verdict got = {static_cast<uint32_t>(outcome.code), outcome.flags};
        ++failed;
        report(trial, trial.manners[manner], "apply", i, got, expected);
      }
    });
    return failed;
  }
};

}  // namespace

namespace {

std::vector<Array> arrays_of(const Trial& t) {
  std::vector<Array> operands;
  for (int k = 0; k < operand_count(t.question.op); ++k) {
    operands.emplace_back(t.question.from[k], t.n);
    for (size_t i = 0; i < t.n; ++i) operands.back().set(i, t.operands.codes[k][i]);
  }
  return operands;
}

// The short ways serve no block in which there is anything but ordinary results: zero, or normal and below the largest
// number, raising nothing (but inexact). After an underflow they serve blocks with others, too.
enum class Blocks { ordinary, also_tiny, one_other };

constexpr const char* name(Blocks which) {
  return which == Blocks::ordinary ? " ordinary" : which == Blocks::also_tiny ? " tiny" : " one other";
}

// Which operands of a trial to put together, in which order.
std::vector<size_t> choose(const Trial& t, const Verdict* verdicts, Blocks which) {
  const Format to = product_format(t.question.to);
  std::vector<size_t> ordinary, exact_tiny, underflowing, others;
  for (size_t i = 0; i < t.n; ++i) {
    const Verdict& v = verdicts[i];
    const uint64_t magnitude = v.code & ~to.sign_bit();
    const unsigned raised = v.flags & 0x1eU;
    if ((raised & ~halfulp::flag::underflow) != 0 || magnitude >= to.max_magnitude()) {
      others.push_back(i);
    } else if (raised != 0) {
      underflowing.push_back(i);
    } else {
      (magnitude != 0 && magnitude <= uint64_t{1} << to.mantissa_bits ? exact_tiny : ordinary).push_back(i);
    }
  }
  if (which == Blocks::ordinary) return ordinary;
  if (which == Blocks::also_tiny) {
    underflowing.insert(underflowing.end(), exact_tiny.begin(), exact_tiny.end());
    underflowing.insert(underflowing.end(), ordinary.begin(), ordinary.end());
    return underflowing;
  }
  constexpr size_t block = 512;
  constexpr size_t blocks = 64;
  std::vector<size_t> chosen;
  if (ordinary.empty() || others.empty()) return chosen;
  for (size_t i = 0; i < block * blocks; ++i) chosen.push_back(ordinary[i % ordinary.size()]);
  for (size_t k = 0; k < blocks; ++k) chosen[block * k + 37 * k % block] = others[k * others.size() / blocks];
  return chosen;
}

uint64_t operate_on_some(const Trial& t, size_t manner, const std::vector<Verdict>& verdicts, const ArrayOperation& o,
                         Blocks which, const std::string& path, uint64_t& compared) {
  const Verdict* of_manner = verdicts.data() + manner * t.n;
  const std::vector<size_t> chosen = choose(t, of_manner, which);
  if (chosen.empty()) return 0;
  std::vector<uint32_t> codes[3];
  std::vector<Verdict> expected;
  for (const size_t i : chosen) {
    for (int k = 0; k < operand_count(t.question.op); ++k) codes[k].push_back(t.operands.codes[k][i]);
    expected.push_back(of_manner[i]);
  }
  Trial some = t;
  some.n = chosen.size();
  some.manners = {t.manners[manner]};
  for (int k = 0; k < 3; ++k) some.operands.codes[k] = codes[k].data();
  std::vector<Array> operands = arrays_of(some);
  Array results(t.question.to, some.n);
  std::vector<uint8_t> flags(some.n);
  Run paths{some, expected, operands, results, flags};
  compared += some.n;
  return paths.operate_once(o, 0, path.c_str(), false);
}

}  // namespace

const char* name(Operator op) { return named(op).name; }

std::string name(const Question& q) {
  std::string text = name(q.op) + std::string(" ");
  for (int k = 0; k < operand_count(q.op); ++k) text += q.from[k].name + std::string(" ");
  return text + "-> " + q.to.name;
}

bool has_mpfr() { return judge_by_mpfr({}, {}, {}, 0, 0, nullptr, 0); }

const JudgeFunction& exact_judge() {
  static const JudgeFunction judge = has_mpfr() ? JudgeFunction(judge_by_mpfr) : JudgeFunction(judge_by_binary64);
  return judge;
}

Count run(const Trial& t, const JudgeFunction& judge, int threads) {
  reports_of_trial = 0;
  std::vector<Verdict> verdicts(t.manners.size() * t.n);
  in_threads(threads, t.n,
             [&](size_t start, size_t n) { judge(t.question, t.manners, t.operands, start, n, verdicts.data(), t.n); });
  std::vector<Array> operands = arrays_of(t);
  Array results(t.question.to, t.n);
  std::vector<uint8_t> flags(t.n);
  Run paths{t, verdicts, operands, results, flags};
  halfulp::set_num_threads(threads);
  Count count;
  count.judged = verdicts.size();
  for (size_t m = 0; m < t.manners.size(); ++m) {
    const ArrayOperation o = halfulp::make_operation(named(t.question.op), parameters(t.question, t.manners[m]));
    if (t.definition) {
      count.failed += paths.apply_each(o, m, threads);
      count.compared += t.n;
    }
    // What has no vectors is the same on all targets.
    const size_t distinct = o.fast.usable ? targets().size() : 1;
    for (size_t k = 0; k < distinct; ++k) {
      halfulp::use_isa(targets()[k]->isa);
      const bool vectors = o.fast.usable && targets()[k]->operate != nullptr;
      count.failed += paths.operate_once(o, m, targets()[k]->isa, true);
      count.compared += t.n;
      if (!vectors) continue;
      const std::string isa = targets()[k]->isa;
      count.failed += paths.operate_once(o, m, (isa + " without flags").c_str(), false);
      count.compared += t.n;
      if (o.fast.compares) continue;
      for (const Blocks which : {Blocks::ordinary, Blocks::also_tiny, Blocks::one_other}) {
        count.failed += operate_on_some(t, m, verdicts, o, which, isa + name(which), count.compared);
      }
    }
  }
  return count;
}

Count compare_judges(const Trial& t, const JudgeFunction& first, const JudgeFunction& second, size_t every) {
  Trial sample = t;
  std::vector<uint32_t> codes[3];
  for (int k = 0; k < operand_count(t.question.op); ++k) {
    for (size_t i = 0; i < t.n; i += every) codes[k].push_back(t.operands.codes[k][i]);
    sample.operands.codes[k] = codes[k].data();
  }
  sample.n = codes[0].size();
  std::vector<Verdict> one(sample.n * t.manners.size());
  std::vector<Verdict> other(one.size());
  first(t.question, t.manners, sample.operands, 0, sample.n, one.data(), sample.n);
  second(t.question, t.manners, sample.operands, 0, sample.n, other.data(), sample.n);
  Count count;
  count.judged = one.size();
  for (size_t i = 0; i < one.size(); ++i) {
    if (one[i].code == other[i].code && one[i].flags == other[i].flags) continue;
    ++count.failed;
    report(sample, t.manners[i / sample.n], "judges", i % sample.n, one[i], other[i]);
  }
  return count;
}

}  // namespace exhaustive
