// Products of matrices of codes for Python: shapes and strides checked against each other, then one call.
#include "../simd/accumulate.hpp"

#include <chrono>
#include <new>
#include <string>
#include <vector>

#include "../numpy/operations.hpp"
#include "../simd/kernels.hpp"
#include "bind.hpp"

namespace py = pybind11;

namespace halfulp::bind {
namespace {

// In the order of their enum. This is the only list of these words.
constexpr const char* accumulate_names[] = {"exact", "sequential", "pairwise", "kahan"};

// An array whose last two axes are a matrix, those before them a batch.
class Matrices {
 public:
  Matrices(const py::buffer& buffer, bool writable, int element_bytes) : info_(buffer.request(writable)) {
    if (info_.ndim < 2 || info_.itemsize != element_bytes) throw py::value_error("multiply: mismatched buffers");
    for (const py::ssize_t stride : info_.strides) strides_.push_back(static_cast<isize>(stride));
  }
  usize axes() const { return static_cast<usize>(info_.ndim); }
  usize size(usize axis) const { return static_cast<usize>(info_.shape[axis]); }
  usize rows() const { return size(axes() - 2); }
  usize columns() const { return size(axes() - 1); }
  CodeMatrices matrices() const {
    return {static_cast<char*>(info_.ptr), strides_[axes() - 2], strides_[axes() - 1], strides_.data()};
  }

 private:
  py::buffer_info info_;
  std::vector<isize> strides_;
};

// Without the interpreter's lock, but for a moment now and then in which handlers of signals may run.
class Unlocked {
 public:
  Unlocked() : state_(PyEval_SaveThread()), asked_(Clock::now()) {}
  ~Unlocked() { PyEval_RestoreThread(state_); }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

  Interruption interruption() {
    return {[](void* self) { return static_cast<Unlocked*>(self)->raised(); }, this};
  }

 private:
  using Clock = std::chrono::steady_clock;
  // Taking the lock may last 5 ms while other threads run Python.
  static constexpr std::chrono::milliseconds patience{200};

  // Whether a handler raised an exception, as that of Ctrl-C does.
  bool raised() {
    if (Clock::now() - asked_ < patience) return false;
    PyEval_RestoreThread(state_);
    const bool raised = PyErr_CheckSignals() != 0;
    state_ = PyEval_SaveThread();
    asked_ = Clock::now();
    return raised;
  }

  PyThreadState* state_;
  Clock::time_point asked_;
};

RoundingTo rounding_to(const OperationParameters& p) { return {p.result, p.policy}; }

// The flags of all elements or-ed together, or -1 if some operand has bits above its format's width.
int multiply_matrices(const OperationParameters& to, const OperationParameters& each_step,
                      const OperationParameters& each_product, bool round_products, const std::string& order,
                      const py::buffer& a, const py::buffer& b, const py::buffer& result, const py::buffer& flags) {
  const Matrices from_a(a, false, code_bytes(to.operands[0]));
  const Matrices from_b(b, false, code_bytes(to.operands[1]));
  const Matrices codes(result, true, code_bytes(to.result));
  const Matrices raised(flags, true, 1);
  const usize batch_axes = codes.axes() - 2;
  std::vector<usize> batch;
  bool good = from_a.axes() == codes.axes() && from_b.axes() == codes.axes() && raised.axes() == codes.axes();
  for (usize i = 0; good && i < batch_axes; ++i) {
    batch.push_back(codes.size(i));
    good = from_a.size(i) == batch[i] && from_b.size(i) == batch[i] && raised.size(i) == batch[i];
  }
  good = good && from_a.rows() == codes.rows() && from_b.columns() == codes.columns() &&
         from_a.columns() == from_b.rows() && raised.rows() == codes.rows() && raised.columns() == codes.columns();
  if (!good) throw py::value_error("multiply: mismatched buffers");
  const MatrixProduct p = {from_a.matrices(),
                           from_b.matrices(),
                           codes.matrices(),
                           raised.matrices(),
                           codes.rows(),
                           codes.columns(),
                           from_a.columns(),
                           static_cast<int>(batch_axes),
                           batch.data(),
                           to.operands[0],
                           to.operands[1],
                           rounding_to(to),
                           rounding_to(each_step),
                           rounding_to(each_product),
                           round_products,
                           to.flush_input,
                           to.tininess,
                           by_name<Accumulate>("accumulate", accumulate_names, order)};
  Multiplied done{};
  {
    Unlocked unlocked;
    done = multiply(p, unlocked.interruption());
  }
  if (done.how == Multiplied::interrupted) throw py::error_already_set();
  if (done.how == Multiplied::no_memory) throw std::bad_alloc();
  return done.how == Multiplied::stray_bits ? -1 : done.flags;
}

}  // namespace

void accumulate(py::module_& m) {
  m.def("accumulates", [] { return as_tuple(accumulate_names); });
  m.def("multiply", &multiply_matrices);
  m.def("give_floating_point_errors", [](const std::string& name, int flags) {
    if (numpy::give_floating_point_errors(name.c_str(), static_cast<u8>(flags)) < 0) throw py::error_already_set();
  });
}

}  // namespace halfulp::bind
