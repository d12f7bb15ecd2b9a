// Operations on arrays: making one, and the loop that carries out its definition element by element.
#include "operate.hpp"

#include <atomic>
#include <cstring>

#include "blocks.hpp"
#include "parallel.hpp"

namespace halfulp {

namespace {

Operation make_definition(const NamedOperator& named, const OperationParameters& p) {
  Operation o{};
  o.op = named.op;
  for (int i = 0; i < 3; ++i) o.operands[i] = make_operand(p.operands[i], p.flush_input);
  o.result = make_result(p.result, p.policy, p.nan, p.tininess);
  if (named.results == Results::codes_2) {
    // 9.5 rounds ties toward zero, which no mode of its own does otherwise.
    o.result.codec.tie_even = 0;
    o.rest = o.result;
  }
  o.layout = make_code_layout(p.operands[0], p.policy.overflow);
  o.rounding = p.integer_rounding;
  o.extremum = named.extremum;
  o.by_magnitude = named.extremum.by_magnitude;
  o.set = named.set;
  o.exact = p.exact;
  o.signaling = p.signaling;
  o.integer_bits = p.integer_bits;
  o.integer_signed = p.integer_signed;
  o.indefinite = p.indefinite;
  return o;
}

template <class Int>
u64 load_as(const char* from) {
  Int x;
  std::memcpy(&x, from, sizeof(Int));
  return static_cast<u64>(static_cast<i64>(x));
}

u64 load(const Column& c, usize i) {
  const char* from = c.data + static_cast<isize>(i) * c.stride;
  switch (c.bytes) {
    case 1: return c.is_signed ? load_as<i8>(from) : load_as<u8>(from);
    case 2: return c.is_signed ? load_as<i16>(from) : load_as<u16>(from);
    case 4: return c.is_signed ? load_as<i32>(from) : load_as<u32>(from);
    default: return load_as<i64>(from);
  }
}

template <class Int>
void store_as(u64 bits, char* to) {
  const Int x = static_cast<Int>(bits);
  std::memcpy(to, &x, sizeof(Int));
}

void store(u64 bits, const Column& c, usize i) {
  char* to = c.data + static_cast<isize>(i) * c.stride;
  switch (c.bytes) {
    case 1: return store_as<u8>(bits, to);
    case 2: return store_as<u16>(bits, to);
    case 4: return store_as<u32>(bits, to);
    default: return store_as<u64>(bits, to);
  }
}

Raised define_part(const Operation& o, const Columns& c, usize start, usize n) {
  const int codes = code_operands(o, c.operands);
  u8 all = 0;
  for (usize i = start; i < start + n; ++i) {
    u64 operands[3] = {};
    for (int k = 0; k < c.operands; ++k) {
      operands[k] = load(c.in[k], i);
      if (k < codes && (operands[k] & ~o.operands[k].code_mask) != 0) return {all, i, k};
    }
    u64 rest = 0;
    const Outcome outcome = apply(o, operands, &rest);
    store(outcome.code, c.out[0], i);
    if (c.results > 1) store(rest, c.out[1], i);
    if (c.flags.data != nullptr) store(outcome.flags, c.flags, i);
    all |= outcome.flags;
  }
  return {all, start + n, 0};
}

// The first code with bits above its format's width is left for the definition to find.
bool all_are_codes(const Kernels& k, const ArrayOperation& o, const void* const* codes, usize n) {
  for (int i = 0; i < o.fast.operands; ++i) {
    const usize size = static_cast<usize>(o.fast.from[i].code_bytes);
    if (o.fast.from[i].bits == 8 * o.fast.from[i].code_bytes) continue;
    const u64 mask = o.fast.from[i].code_mask;
    u64 masks = 0;
    for (usize at = 0; at < 64; at += 8 * size) masks |= mask << at;
    if ((k.gather_bits(codes[i], n * size) & ~masks) != 0) return false;
  }
  return true;
}

// One thread's part of a call that goes by way of binary32.
class FastPart {
 public:
  FastPart(const Kernels& k, const ArrayOperation& o, const Columns& c, Stores stores)
      : k_(k), o_(o), c_(c), stores_(stores) {}

  Raised run(usize start, usize n) {
    const usize end = start + n;
    const ShortWay shortly = short_way();
    u8 all = 0;
    usize count = to_next_line(start, n);
    for (usize done = start; done < end; count = 0) {
      if (shortly != nullptr && count == 0) done += run_shortly(shortly, done, end - done, all);
      if (done == end) break;
      if (count == 0) count = end - done < fast_block ? end - done : fast_block;
      const Raised part = one_block(done, count, all);
      all |= part.flags;
      if (part.bad != done + count) return {all, part.bad, part.operand};
      done += count;
    }
    if (stores_ == Stores::past_caches) k_.finish_stores();
    return {all, end, 0};
  }

 private:
  char* place(const Column& column, usize i) const { return column.data + offset(i, column.stride); }
  static bool contiguous(const Column& column) {
    return is_contiguous(column.data, column.stride, static_cast<usize>(column.bytes));
  }

  // Whole cache lines are stored past the caches; the elements before the first one go alone.
  usize to_next_line(usize start, usize n) const {
    if (stores_ != Stores::past_caches) return 0;
    const usize bytes = (64 - reinterpret_cast<usize>(place(c_.out[0], start)) % 64) % 64;
    const usize elements = bytes / static_cast<usize>(c_.out[0].bytes);
    return elements < n ? elements : n;
  }

  using ShortWay = decltype(Kernels::operate_halves);

  // A kernel from codes to codes, if there is one for this call.
  ShortWay short_way() const {
    bool all = c_.flags.data == nullptr && contiguous(c_.out[0]);
    for (int i = 0; i < o_.fast.operands; ++i) all = all && contiguous(c_.in[i]);
    if (!all) return nullptr;
    return o_.fast.halves ? k_.operate_halves : o_.fast.bytes.usable ? k_.operate_bytes : nullptr;
  }

  // How many elements from `at` on raise nothing that has not been seen, and are done.
  usize run_shortly(ShortWay way, usize at, usize n, u8 seen) const {
    const void* codes[3];
    for (int i = 0; i < 3; ++i) codes[i] = place(c_.in[i < o_.fast.operands ? i : 0], at);
    const u32 watched = examined_large | ((seen & flag::underflow) != 0 ? 0 : examined_tiny);
    return way(o_.fast, watched, codes, place(c_.out[0], at), n, stores_);
  }

  Raised one_block(usize at, usize count, u8 seen) {
    const void* codes[3] = {};
    for (int i = 0; i < o_.fast.operands; ++i) {
      const Column& from = c_.in[i];
      codes[i] = gather(static_cast<usize>(from.bytes), place(from, at), from.stride, count, operands_[i]);
    }
    if (!all_are_codes(k_, o_, codes, count)) {
      const Raised part = define_part(o_.definition, c_, at, count);
      if (part.bad != at + count) return part;
    }
    u8* raised = c_.flags.data != nullptr ? reinterpret_cast<u8*>(flags_.bytes) : nullptr;
    // Not yet in their place: the results may be where the operands are.
    const u8 all = operate_fast(o_, k_, codes, results_.bytes, raised, seen, count);
    const usize size = static_cast<usize>(c_.out[0].bytes);
    if (contiguous(c_.out[0])) {
      k_.store(results_.bytes, place(c_.out[0], at), count * size, stores_);
    } else {
      scatter(size, results_, place(c_.out[0], at), c_.out[0].stride, count);
    }
    if (raised != nullptr) scatter(1, flags_, place(c_.flags, at), c_.flags.stride, count);
    return {all, at + count, 0};
  }

  const Kernels& k_;
  const ArrayOperation& o_;
  const Columns& c_;
  const Stores stores_;
  Buffer operands_[3];
  Buffer results_;
  Buffer flags_;
};

// The bytes that n elements of a column take up.
struct Extent {
  const char* first;
  const char* last;
};

Extent extent(const Column& c, usize n) {
  const char* end = c.data + static_cast<isize>(n - 1) * c.stride;
  return {c.stride < 0 ? end : c.data, (c.stride < 0 ? c.data : end) + c.bytes};
}

// Whether a result is written where a later element's operand or result lies, as `reduce` and `accumulate` do: then
// elements must follow one another.
bool has_order(const Columns& c, usize n) {
  if (n < 2) return false;
  const Column* results[] = {&c.out[0], c.results > 1 ? &c.out[1] : nullptr,
                             c.flags.data != nullptr ? &c.flags : nullptr};
  for (const Column* to : results) {
    if (to == nullptr) continue;
    if (to->stride == 0) return true;
    const Extent out = extent(*to, n);
    for (int i = 0; i < c.operands; ++i) {
      const bool same = c.in[i].data == to->data && c.in[i].stride == to->stride && c.in[i].bytes == to->bytes;
      const Extent in = extent(c.in[i], n);
      if (!same && in.first < out.last && out.first < in.last) return true;
    }
  }
  return false;
}

usize bytes_read(const Columns& c) {
  usize all = 0;
  for (int i = 0; i < c.operands; ++i) all += static_cast<usize>(c.in[i].bytes);
  return all;
}

}  // namespace

int code_operands(const Operation& o, int operands) {
  return o.op == Operator::from_integer ? 0 : o.op == Operator::scaleb ? 1 : operands;
}

ArrayOperation make_operation(const NamedOperator& named, const OperationParameters& p) {
  const Operation definition = make_definition(named, p);
  ArrayOperation o{definition, make_fast(named, p, definition), {}, {}};
  for (int i = 0; i < 3; ++i) o.code_bits[i] = p.operands[i].bits();
  return o;
}

Raised operate(const ArrayOperation& o, const Columns& c, usize n) {
  if (has_order(c, n)) return define_part(o.definition, c, 0, n);
  const Kernels& k = kernels();  // once: another thread may choose another target meanwhile
  const bool fast = o.fast.usable && k.operate != nullptr;
  const Stores stores = stores_for(n, bytes_read(c), static_cast<usize>(c.out[0].bytes));
  const Table* table = fast ? nullptr : o.slot.get(o.definition, c, o.code_bits, n);
  std::atomic<unsigned> flags{0};
  std::atomic<usize> bad{4 * n};  // the element and its operand, so that the first of all can be found
  in_parallel(n, [&](usize start, usize count) {
    const Raised part = fast               ? FastPart(k, o, c, stores).run(start, count)
                        : table != nullptr ? look_up(*table, o.definition, c, start, count)
                                           : define_part(o.definition, c, start, count);
    flags.fetch_or(part.flags, std::memory_order_relaxed);
    if (part.bad == start + count) return;
    const usize found = 4 * part.bad + static_cast<usize>(part.operand);
    usize before = bad.load(std::memory_order_relaxed);
    while (found < before && !bad.compare_exchange_weak(before, found)) {
    }
  });
  return {static_cast<u8>(flags), bad / 4, static_cast<int>(bad % 4)};
}

}  // namespace halfulp
