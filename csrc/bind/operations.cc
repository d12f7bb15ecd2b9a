// Operations for Python: their table, and a ufunc of one of them.
#include "../numpy/operations.hpp"

#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "../simd/kernels.hpp"
#include "bind.hpp"

namespace py = pybind11;

namespace halfulp::bind {
namespace {

// In the order of their enums. These are the only lists of these words.
constexpr const char* operands_names[] = {"code", "codes_2", "codes_3", "code_and_integer", "integer"};
constexpr const char* results_names[] = {"code", "codes_2", "boolean", "category", "order", "exponent", "integer"};
constexpr const char* propagation_names[] = {"canonical", "x86", "arm"};
constexpr const char* tininess_names[] = {"after", "before"};

const NamedOperator& named(const std::string& name) {
  for (const NamedOperator& o : operators) {
    if (name == o.name) return o;
  }
  throw py::value_error("there is no operation named '" + name + "'");
}

py::list operations_table() {
  py::list rows;
  for (const NamedOperator& o : operators) {
    rows.append(py::make_tuple(o.name, operands_names[static_cast<int>(o.operands)],
                               results_names[static_cast<int>(o.results)]));
  }
  return rows;
}

// `formats`: of the operands, then of the result. `integer`: bits and signedness of an integer source or result.
OperationParameters parameters(const std::vector<Format>& formats, const std::string& rounding,
                               const std::string& overflow, const std::string& subnormals, bool flush_input,
                               u64 nan_positive, u64 nan_negative, const std::string& nan,
                               const std::string& tininess) {
  OperationParameters p{};
  p.integer_bits = 64;
  if (formats.size() < 2 || formats.size() > 4) throw py::value_error("formats: of 1 to 3 operands and a result");
  for (usize i = 0; i < 3; ++i) p.operands[i] = formats[i < formats.size() - 1 ? i : 0];
  p.result = formats.back();
  for (const Format& f : formats) {
    if (f.precision() > max_precision_of_operands) throw py::value_error("formats: more than 24 significant bits");
  }
  p.policy = {
      rounding_of(rounding), overflow_of(overflow), subnormals_of(subnormals), {nan_positive, nan_negative, false}};
  if (is_stochastic(p.policy.rounding)) throw py::value_error("rounding: operations are not stochastic");
  p.flush_input = flush_input;
  p.nan = by_name<NanPropagation>("nan", propagation_names, nan);
  p.tininess = by_name<Tininess>("tininess", tininess_names, tininess);
  return p;
}

py::object operation_ufunc(const std::string& op, const OperationParameters& parameters, bool flags,
                           const std::string& name, const std::string& doc) {
  const NamedOperator& o = named(op);
  numpy::OperationUfunc u{name, doc, make_operation(o, parameters), o.operands, o.results, {}, {}, 0, flags};
  for (int i = 0; i < 3; ++i) {
    u.operand_bytes[i] = code_bytes(parameters.operands[i]);
    u.code_bits[i] = parameters.operands[i].bits();
  }
  u.result_bytes = code_bytes(parameters.result);
  PyObject* made = numpy::make_ufunc(u);
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

// `numbers`: records of `Number`; room for as many codes (uint64) and flags.
void settle_numbers(const OperationParameters& p, const py::buffer& numbers, const py::buffer& codes,
                    const py::buffer& flags) {
  const py::buffer_info from = numbers.request();
  const py::buffer_info to = codes.request(true);
  const py::buffer_info raised = flags.request(true);
  const bool good = from.itemsize == sizeof(Number) && to.itemsize == 8 && raised.itemsize == 1 &&
                    to.size == from.size && raised.size == from.size;
  if (!good) throw py::value_error("settle_numbers: mismatched buffers");
  const Result result = make_result(p.result, p.policy, p.nan, p.tininess);
  for (py::ssize_t i = 0; i < from.size; ++i) {
    const Outcome o = settle(real(unpack_number(static_cast<const Number*>(from.ptr)[i])), result);
    static_cast<u64*>(to.ptr)[i] = o.code;
    static_cast<u8*>(raised.ptr)[i] = o.flags;
  }
}

}  // namespace

void operations(py::module_& m) {
  m.def("operations", &operations_table);
  m.def("nan_propagations", [] { return as_tuple(propagation_names); });
  m.def("tininesses", [] { return as_tuple(tininess_names); });
  py::class_<OperationParameters>(m, "OperationParameters")
      .def(py::init(&parameters))
      .def("set_integers",
           [](OperationParameters& p, const std::string& rounding, bool exact, int bits, bool is_signed,
              bool indefinite) {
             p.integer_rounding = rounding_of(rounding);
             p.exact = exact;
             p.integer_bits = bits;
             p.integer_signed = is_signed;
             p.indefinite = indefinite;
           })
      .def("set_signaling", [](OperationParameters& p, bool signaling) { p.signaling = signaling; });
  m.def("operation_ufunc", &operation_ufunc);
  m.def("settle_numbers", &settle_numbers);
}

}  // namespace halfulp::bind
