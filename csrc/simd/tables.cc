// Operations by table: every pair of small codes, every code of at most 16 bits.
#include <cstring>
#include <new>

#include "operate.hpp"

namespace halfulp {
namespace {

constexpr int most_bits = 16;

// Bits of all operands together; 0 if there can be no table.
int index_bits(const Operation& o, const Columns& c, const int* code_bits) {
  if (code_operands(o, c.operands) != c.operands || c.operands > 2) return 0;
  const int bits = code_bits[0] + (c.operands > 1 ? code_bits[1] : 0);
  return bits <= most_bits ? bits : 0;
}

void store(u64 bits, u8* to, int bytes) {
  for (int i = 0; i < bytes; ++i) to[i] = static_cast<u8>(bits >> (8 * i));
}

const Table* make_table(const Operation& o, const Columns& c, int first_bits, int bits) {
  const usize entries = usize{1} << bits;
  const int bytes = c.out[0].bytes;
  const int results = c.results;
  const usize size = entries * static_cast<usize>(results * bytes + 1);
  u8* memory = static_cast<u8*>(::operator new(size, std::nothrow));
  Table* table = memory != nullptr ? new (std::nothrow) Table{} : nullptr;
  if (table == nullptr) {
    ::operator delete(memory);
    return nullptr;
  }
  const usize column = entries * static_cast<usize>(bytes);
  *table = {first_bits, memory, results > 1 ? memory + column : nullptr, memory + size - entries};
  for (usize i = 0; i < entries; ++i) {
    const u64 operands[3] = {i & ((u64{1} << first_bits) - 1), i >> first_bits, 0};
    u64 rest = 0;
    const Outcome outcome = apply(o, operands, &rest);
    store(outcome.code, table->results + i * static_cast<usize>(bytes), bytes);
    if (results > 1) store(rest, table->rest + i * static_cast<usize>(bytes), bytes);
    table->flags[i] = outcome.flags;
  }
  return table;
}

void free_table(const Table* table) {
  if (table == nullptr) return;
  ::operator delete(table->results);
  delete table;
}

u64 load_code(const Column& c, usize i) {
  const char* from = c.data + static_cast<isize>(i) * c.stride;
  if (c.bytes == 1) return *reinterpret_cast<const u8*>(from);
  u16 code;
  std::memcpy(&code, from, 2);
  return code;
}

template <int bytes>
void copy_entry(const u8* entries, usize index, const Column& c, usize i) {
  std::memcpy(c.data + static_cast<isize>(i) * c.stride, entries + index * bytes, bytes);
}

template <int bytes>
Raised look_up_as(const Table& t, const Operation& o, const Columns& c, usize start, usize n) {
  u8 all = 0;
  for (usize i = start; i < start + n; ++i) {
    const u64 a = load_code(c.in[0], i);
    const u64 b = c.operands > 1 ? load_code(c.in[1], i) : 0;
    if ((a & ~o.operands[0].code_mask) != 0) return {all, i, 0};
    if (c.operands > 1 && (b & ~o.operands[1].code_mask) != 0) return {all, i, 1};
    const usize index = static_cast<usize>(a | b << t.first_bits);
    copy_entry<bytes>(t.results, index, c.out[0], i);
    if (c.results > 1) copy_entry<bytes>(t.rest, index, c.out[1], i);
    const u8 flags = t.flags[index];
    if (c.flags.data != nullptr) c.flags.data[static_cast<isize>(i) * c.flags.stride] = static_cast<char>(flags);
    all |= flags;
  }
  return {all, start + n, 0};
}

}  // namespace

TableSlot::~TableSlot() { free_table(table_.load()); }

const Table* TableSlot::get(const Operation& o, const Columns& c, const int* code_bits, usize n) {
  const Table* made = table_.load(std::memory_order_acquire);
  if (made != nullptr) return made;
  const int bits = index_bits(o, c, code_bits);
  if (bits == 0 || asked_.fetch_add(n, std::memory_order_relaxed) + n < usize{1} << bits) return nullptr;
  made = make_table(o, c, code_bits[0], bits);
  const Table* other = nullptr;
  if (table_.compare_exchange_strong(other, made, std::memory_order_acq_rel)) return made;
  free_table(made);
  return other;
}

Raised look_up(const Table& t, const Operation& o, const Columns& c, usize start, usize n) {
  switch (c.out[0].bytes) {
    case 1: return look_up_as<1>(t, o, c, start, n);
    case 2: return look_up_as<2>(t, o, c, start, n);
    case 4: return look_up_as<4>(t, o, c, start, n);
    default: return look_up_as<8>(t, o, c, start, n);
  }
}

}  // namespace halfulp
