// The pool of threads: they sleep until there is work, and no two callers share them.
#include "parallel.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace halfulp {
namespace {

// Waking a thread takes as long as some ten thousand elements do: below this, one thread is as fast.
constexpr usize worth_waking = 4 * smallest_part;
// Parts for each thread, so that none waits long for another that was interrupted.
constexpr usize parts_per_thread = 4;

std::atomic<int> wanted{1};

class Pool {
 public:
  // False if another caller has the threads: nothing was done.
  bool run(usize n, const Range& range, int threads) {
    if (taken_.exchange(true, std::memory_order_acquire)) return false;
    start_workers(threads - 1);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      range_ = range;
      n_ = n;
      part_ = part_size(n, threads);
      next_.store(0, std::memory_order_relaxed);
      helpers_ = threads - 1;
    }
    wake_.notify_all();
    run_parts(range, n, part_);
    {
      std::unique_lock<std::mutex> lock(mutex_);
      helpers_ = 0;  // who has not woken yet need not
      idle_.wait(lock, [this] { return running_ == 0; });
    }
    taken_.store(false, std::memory_order_release);
    return true;
  }

 private:
  // A thread that cannot be had is done without.
  void start_workers(int count) {
    try {
      for (; workers_ < count; ++workers_) std::thread([this] { work(); }).detach();
    } catch (const std::system_error&) {
    }
  }

  static usize part_size(usize n, int threads) {
    const usize share = n / (parts_per_thread * static_cast<usize>(threads));
    return share < smallest_part ? smallest_part : share - share % smallest_part;
  }

  void run_parts(const Range& range, usize n, usize part) {
    for (;;) {
      const usize start = next_.fetch_add(part, std::memory_order_relaxed);
      if (start >= n) return;
      range.run(range.context, start, n - start < part ? n - start : part);
    }
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return helpers_ > 0; });
      --helpers_;
      ++running_;
      const Range range = range_;
      const usize n = n_;
      const usize part = part_;
      lock.unlock();
      run_parts(range, n, part);
      lock.lock();
      if (--running_ == 0) idle_.notify_one();
    }
  }

  std::atomic<bool> taken_{false};
  int workers_ = 0;  // belongs to whoever has taken the pool
  std::atomic<usize> next_{0};
  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::condition_variable idle_;
  Range range_{};
  usize n_ = 0;
  usize part_ = smallest_part;
  int helpers_ = 0;  // threads that may still join
  int running_ = 0;
};

// Never destroyed: its threads may outlive every destructor. A forked child has none of them, so it starts anew.
std::atomic<Pool*> pool{nullptr};

Pool& the_pool() {
  static std::mutex making;
  Pool* p = pool.load(std::memory_order_acquire);
  if (p != nullptr) return *p;
  const std::lock_guard<std::mutex> lock(making);
  p = pool.load(std::memory_order_relaxed);
  if (p == nullptr) {
#if defined(__unix__) || defined(__APPLE__)
    // The lock is held across a fork: the child must not find it taken by a thread it does not have.
    static const int registered = pthread_atfork([] { making.lock(); }, [] { making.unlock(); },
                                                 [] {
                                                   pool.store(nullptr, std::memory_order_relaxed);
                                                   making.unlock();
                                                 });
    static_cast<void>(registered);
#endif
    p = new Pool;
    pool.store(p, std::memory_order_release);
  }
  return *p;
}

}  // namespace

int num_threads() { return wanted.load(std::memory_order_relaxed); }

void set_num_threads(int n) { wanted.store(n, std::memory_order_relaxed); }

void run_in_parallel(usize n, const Range& range) {
  const usize parts = n / smallest_part;
  const usize threads = static_cast<usize>(num_threads());
  const bool alone = threads == 1 || n < worth_waking;
  if (alone || !the_pool().run(n, range, static_cast<int>(threads < parts ? threads : parts))) {
    range.run(range.context, 0, n);
  }
}

}  // namespace halfulp
