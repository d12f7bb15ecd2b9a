// Sorting, and what else NumPy asks of the order of elements: all of it on keys.
#include <cstdlib>
#include <memory>

#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

const Dtype& dtype_of_array(const void* array) {
  return dtype_of(PyArray_DESCR(static_cast<PyArrayObject*>(const_cast<void*>(array))));
}

template <class Word>
Word load(const void* from) {
  Word word;
  std::memcpy(&word, from, sizeof(Word));
  return word;
}

// Most numbers are no NaN: then their magnitudes are compared with their signs.
template <class Word>
int compare(const void* a, const void* b, void* array) {
  const Order& o = dtype_of_array(array).order;
  const u64 x = load<Word>(a);
  const u64 y = load<Word>(b);
  const u64 one = x & o.magnitude_mask;
  const u64 other = y & o.magnitude_mask;
  if (o.by_magnitude && one <= o.last_number && other <= o.last_number) {
    const i64 left = (x & o.sign) != 0 ? -static_cast<i64>(one) : static_cast<i64>(one);
    const i64 right = (y & o.sign) != 0 ? -static_cast<i64>(other) : static_cast<i64>(other);
    return static_cast<int>(left > right) - static_cast<int>(left < right);
  }
  const Word first = key(o, static_cast<Word>(x));
  const Word second = key(o, static_cast<Word>(y));
  return static_cast<int>(first > second) - static_cast<int>(first < second);
}

template <class Word>
npy_bool nonzero(void* data, void* array) {
  return !is_zero(dtype_of_array(array).order, load<Word>(data));
}

// -- the first NaN, or else the first extremum

// The key, ascending toward what is looked for. Of minima NaN comes first: after all ones comes zero.
template <bool greatest, class Word>
Word wanted(const Order& o, Word code) {
  const Word k = key(o, code);
  if (greatest) return k;
  const Word after = static_cast<Word>((k + (o.has_nan ? 1 : 0)) & o.code_mask);
  return static_cast<Word>(~after);
}

template <bool greatest, class Word>
int arg_extremum(void* data, npy_intp n, npy_intp* found, void* array) {
  const Order o = dtype_of_array(array).order;
  const char* codes = static_cast<const char*>(data);
  const auto at = [&](npy_intp i) { return wanted<greatest>(o, load<Word>(codes + i * isize{sizeof(Word)})); };
  constexpr npy_intp block = 4096;
  npy_intp from = 0;
  Word best = 0;
  for (npy_intp start = 0; start < n; start += block) {
    const npy_intp end = n - start < block ? n : start + block;
    Word most = 0;
    for (npy_intp i = start; i < end; ++i) most = at(i) > most ? at(i) : most;
    if (most > best) {
      best = most;
      from = start;
    }
  }
  while (from < n && at(from) != best) ++from;
  *found = from < n ? from : 0;
  return 0;
}

// Of contiguous codes. The key says which code it is, but for the sign of zero.
template <bool greatest, class Word>
bool find_extremum(const Order& o, const Word* codes, usize n, u64* code) {
  Word most = 0;
  for (usize i = 0; i < n; ++i) {
    const Word w = wanted<greatest>(o, codes[i]);
    most = w > most ? w : most;
  }
  const Word nan = greatest ? static_cast<Word>(o.code_mask) : static_cast<Word>(~Word{0});
  if (o.has_nan && most == nan) return false;
  const u64 found = greatest ? most : static_cast<Word>(~most) - u64{o.has_nan};
  *code = code_of_key(o, found);
  if (o.sign == 0 || found != o.middle) return true;
  const Word better = static_cast<Word>(greatest ? 0 : o.sign);
  bool any = false;
  for (usize i = 0; i < n; ++i) any = any || (codes[i] & static_cast<Word>(o.code_mask)) == better;
  *code = any ? better : better ^ o.sign;
  return true;
}

template <bool greatest, class Word>
bool find_extremum(const Order& o, const char* codes, isize stride, usize n, u64* code) {
  Word block[extrema_at_once];
  for (usize i = 0; i < n; ++i) block[i] = load<Word>(codes + static_cast<isize>(i) * stride);
  return find_extremum<greatest>(o, block, n, code);
}

template <bool greatest>
bool find_extremum(const Dtype& d, const char* codes, isize stride, usize n, u64* code) {
  switch (d.size()) {
    case 1: return find_extremum<greatest, u8>(d.order, codes, stride, n, code);
    case 2: return find_extremum<greatest, u16>(d.order, codes, stride, n, code);
    case 4: return find_extremum<greatest, u32>(d.order, codes, stride, n, code);
    default: return find_extremum<greatest, u64>(d.order, codes, stride, n, code);
  }
}

// -- sorting by the digits of keys, the last one first: in the time of a few copies, and stable

constexpr npy_intp few = 24;

template <class Item, class Key>
void sort_few(Item* items, npy_intp n, const Key& key_of) {
  for (npy_intp i = 1; i < n; ++i) {
    const Item item = items[i];
    const auto k = key_of(item);
    npy_intp to = i;
    for (; to > 0 && key_of(items[to - 1]) > k; --to) items[to] = items[to - 1];
    items[to] = item;
  }
}

// 0, or -1 if there is no memory. NumPy makes the exception of that.
template <int digits, class Item, class Key>
int sort_by_digits(Item* items, npy_intp n, const Key& key_of) {
  if (n <= few) return sort_few(items, n, key_of), 0;
  const std::unique_ptr<Item, void (*)(void*)> spare(
      static_cast<Item*>(std::malloc(static_cast<usize>(n) * sizeof(Item))), std::free);
  if (spare == nullptr) return -1;
  npy_intp places[digits][256] = {};
  for (npy_intp i = 0; i < n; ++i) {
    const u64 k = key_of(items[i]);
    for (int d = 0; d < digits; ++d) ++places[d][(k >> 8 * d) & 255];
  }
  Item* from = items;
  Item* to = spare.get();
  for (int d = 0; d < digits; ++d) {
    npy_intp* place = places[d];
    if (place[(u64{key_of(from[0])} >> 8 * d) & 255] == n) continue;  // all the same
    npy_intp next = 0;
    for (int digit = 0; digit < 256; ++digit) {
      const npy_intp count = place[digit];
      place[digit] = next;
      next += count;
    }
    for (npy_intp i = 0; i < n; ++i) to[place[(u64{key_of(from[i])} >> 8 * d) & 255]++] = from[i];
    Item* const sorted = to;
    to = from;
    from = sorted;
  }
  if (from != items) std::memcpy(items, from, static_cast<usize>(n) * sizeof(Item));
  return 0;
}

template <class Word>
int sort(void* data, npy_intp n, void* array) {
  const Order o = dtype_of_array(array).order;
  return sort_by_digits<sizeof(Word)>(static_cast<Word*>(data), n, [&](Word code) { return key(o, code); });
}

template <class Word>
int arg_sort(void* data, npy_intp* indices, npy_intp n, void* array) {
  const Order o = dtype_of_array(array).order;
  const Word* codes = static_cast<const Word*>(data);
  return sort_by_digits<sizeof(Word)>(indices, n, [&](npy_intp i) { return key(o, codes[i]); });
}

template <class Word>
const PyType_Slot* slots() {
  static const PyType_Slot all[] = {
      {NPY_DT_PyArray_ArrFuncs_compare, slot(compare<Word>)},
      {NPY_DT_PyArray_ArrFuncs_argmax, slot(arg_extremum<true, Word>)},
      {NPY_DT_PyArray_ArrFuncs_argmin, slot(arg_extremum<false, Word>)},
      {NPY_DT_PyArray_ArrFuncs_nonzero, slot(nonzero<Word>)},
      {0, nullptr},
  };
  return all;
}

template <class Word>
void set_sorts(PyArray_ArrFuncs* functions) {
  for (auto& each : functions->sort) each = sort<Word>;
  for (auto& each : functions->argsort) each = arg_sort<Word>;
}

}  // namespace

const PyType_Slot* order_functions(usize size) {
  switch (size) {
    case 1: return slots<u8>();
    case 2: return slots<u16>();
    case 4: return slots<u32>();
    default: return slots<u64>();
  }
}

void set_sorts(const Dtype& d) {
  PyArray_ArrFuncs* functions = PyDataType_GetArrFuncs(d.descr);
  switch (d.size()) {
    case 1: return set_sorts<u8>(functions);
    case 2: return set_sorts<u16>(functions);
    case 4: return set_sorts<u32>(functions);
    default: return set_sorts<u64>(functions);
  }
}

bool extremum(const Dtype& d, bool greatest, const char* codes, isize stride, usize n, u64* code) {
  return greatest ? find_extremum<true>(d, codes, stride, n, code) : find_extremum<false>(d, codes, stride, n, code);
}

}  // namespace halfulp::numpy
