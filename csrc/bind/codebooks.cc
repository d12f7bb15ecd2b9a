// The table of codebooks, codebooks of a caller's own, and their encoders, for Python.
#include <pybind11/stl.h>

#include <string>

#include "../halfulp/codebooks.hpp"
#include "../simd/kernels.hpp"
#include "bind.hpp"

namespace py = pybind11;

namespace halfulp::bind {
namespace {

// In the order of their enum.
constexpr const char* ties_names[] = {"lower", "upper", "even", "toward_zero"};

Ties ties_of(const std::string& name) {
  int index = 0;
  std::string known;
  for (const char* word : ties_names) {
    if (name == word) return static_cast<Ties>(index);
    known += (index == 0 ? "'" : ", '") + std::string(word) + "'";
    ++index;
  }
  throw py::value_error("Codebook: ties must be one of " + known + ", not '" + name + "'");
}

template <class T>
const T* elements(const py::buffer_info& buffer, py::ssize_t least, py::ssize_t most) {
  if (buffer.itemsize != static_cast<py::ssize_t>(sizeof(T)) || buffer.size < least || buffer.size > most) {
    throw py::value_error("Codebook: mismatched buffers");
  }
  return static_cast<const T*>(buffer.ptr);
}

// `levels`: binary32 bits, ascending; `codes`: bytes, distinct; `thresholds`: records of `Number` between the levels,
// or none for the exact midpoints. All C-contiguous.
Codebook make(const py::buffer& levels, const py::buffer& codes, const py::buffer& thresholds,
              const std::string& ties) {
  const py::buffer_info info[3] = {levels.request(), codes.request(), thresholds.request()};
  const u32* level = elements<u32>(info[0], 2, max_levels);
  const py::ssize_t count = info[0].size;
  const u8* code = elements<u8>(info[1], count, count);
  const Number* given = elements<Number>(info[2], 0, count - 1);
  if (info[2].size != 0 && info[2].size != count - 1) throw py::value_error("Codebook: mismatched buffers");
  const Ties side = ties_of(ties);
  Codebook b{};
  b.count = static_cast<int>(count);
  for (int i = 0; i < b.count; ++i) {
    b.levels[i] = level[i];
    b.codes[i] = code[i];
    while ((code[i] >> b.bits) != 0) ++b.bits;
  }
  for (int i = 0; i + 1 < b.count; ++i) {
    b.decisions[i] = {info[2].size != 0 ? given[i] : midpoint(level[i], level[i + 1]), tie_goes_up(b, i, side)};
  }
  return b;
}

template <class T>
py::list as_list(const T* values, int count) {
  py::list all;
  for (int i = 0; i < count; ++i) all.append(values[i]);
  return all;
}

// Each decision as (integer, exponent, whether a tie goes up): the threshold is integer * 2^exponent. An odd integer
// has lost bits.
py::list decisions(const Codebook& b) {
  py::list all;
  for (int i = 0; i + 1 < b.count; ++i) {
    const Number& x = b.decisions[i].threshold;
    const i64 significand = static_cast<i64>(x.significand);
    const int exponent = significand == 0 ? 0 : x.exponent - wide_hidden;
    all.append(py::make_tuple(x.negative != 0 ? -significand : significand, exponent, b.decisions[i].tie_goes_up));
  }
  return all;
}

// `rounding`: null for the codebook's own decisions.
Encoder encoder(const Codebook& b, const py::object& rounding, int nan_positive, int nan_negative, bool via_binary32) {
  const NanRule nan = {static_cast<u64>(nan_positive), static_cast<u64>(nan_negative), false};
  if (rounding.is_none()) return make_encoder(b, nullptr, nan, via_binary32);
  const Rounding mode = rounding_of(rounding.cast<std::string>());
  return make_encoder(b, &mode, nan, via_binary32);
}

}  // namespace

void codebooks(py::module_& m) {
  py::class_<Codebook>(m, "Codebook")
      .def(py::init(&make))
      .def_property_readonly("bits", [](const Codebook& b) { return b.bits; })
      .def_property_readonly("levels", [](const Codebook& b) { return as_list(b.levels, b.count); })
      .def_property_readonly("codes", [](const Codebook& b) { return as_list(b.codes, b.count); })
      .def_property_readonly("decisions", &decisions)
      .def("can_round", [](const Codebook& b, const std::string& mode) { return can_round(b, rounding_of(mode)); })
      .def("encoder", &encoder)
      .def("decoder", [](const Codebook& b) { return make_value_decoder(b); });
  m.def("codebooks", [] {
    py::list rows;
    for (const NamedCodebook& row : halfulp::codebooks) rows.append(py::make_tuple(row.name, row.codebook, row.source));
    return rows;
  });
  m.def("ties", [] {
    py::list names;
    for (const char* name : ties_names) names.append(name);
    return py::tuple(names);
  });
}

}  // namespace halfulp::bind
