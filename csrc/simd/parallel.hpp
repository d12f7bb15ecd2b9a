// Work on an array from several threads, where that pays.
#pragma once

#include "../halfulp/config.hpp"

namespace halfulp {

inline constexpr int max_threads = 1024;

// The smallest part of an array that a thread takes: a multiple of every block and cache line.
inline constexpr usize smallest_part = usize{1} << 16;

// How many threads may work on one array, the caller's among them. 1 unless set.
int num_threads();
void set_num_threads(int n);

// A function of the elements [start, start + count).
struct Range {
  void (*run)(void* context, usize start, usize count);
  void* context;
};

// Calls the function for parts of [0, n) that cover it, from several threads at once if n is large. It must not throw,
// and what it does for one part must not depend on the others. Returns when all parts are done.
void run_in_parallel(usize n, const Range& range);

template <class F>
void in_parallel(usize n, F&& f) {
  Range range{};
  range.run = [](void* context, usize start, usize count) { (*static_cast<F*>(context))(start, count); };
  range.context = &f;
  run_in_parallel(n, range);
}

}  // namespace halfulp
