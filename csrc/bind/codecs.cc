// Codecs for Python: policies by name, their ufuncs, and the encoding of exact numbers.
#include <pybind11/stl.h>

#include <string>

#include "../numpy/ufuncs.hpp"
#include "../simd/kernels.hpp"
#include "bind.hpp"

namespace py = pybind11;

namespace halfulp::bind {
namespace {

// In the order of their enums. These are the only lists of these words.
constexpr const char* rounding_names[] = {"nearest_even",    "nearest_away",    "toward_zero",
                                          "toward_positive", "toward_negative", "to_odd"};
constexpr const char* overflow_names[] = {"default", "saturate", "saturate_keep_inf"};
constexpr const char* subnormals_names[] = {"gradual", "flush_output", "flush_tiny", "flush_input"};

template <class Enum, usize count>
Enum by_name(const char* argument, const char* const (&names)[count], const std::string& name) {
  std::string known;
  for (usize i = 0; i < count; ++i) {
    if (name == names[i]) return static_cast<Enum>(i);
    known += (i == 0 ? "'" : ", '") + std::string(names[i]) + "'";
  }
  throw py::value_error(std::string(argument) + " must be one of " + known + ", not '" + name + "'");
}

template <usize count>
py::tuple as_tuple(const char* const (&names)[count]) {
  py::tuple result(count);
  for (usize i = 0; i < count; ++i) result[i] = names[i];
  return result;
}

Encoder make(const Format& format, const std::string& rounding, const std::string& overflow,
             const std::string& subnormals, u64 nan_positive, u64 nan_negative, bool keep_payload, bool via_binary32) {
  const Policy policy = {
      rounding_of(rounding),
      by_name<Overflow>("overflow", overflow_names, overflow),
      by_name<Subnormals>("subnormals", subnormals_names, subnormals),
      {nan_positive, nan_negative, keep_payload},
  };
  return make_encoder(format, policy, via_binary32);
}

numpy::Verb verb_of(const std::string& name) {
  if (name == "encode") return numpy::Verb::encode;
  return name == "decode" ? numpy::Verb::decode : numpy::Verb::round;
}

py::object ufunc(const std::string& verb, const std::string& name, const std::string& doc, const Encoder& encoder,
                 const ValueDecoder& decoder, const py::object& owner) {
  PyObject* made = numpy::make_ufunc(verb_of(verb), name, doc, encoder, decoder, owner.ptr());
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

// `numbers`: C-contiguous records of `Number`; `codes`: room for as many codes.
void encode_numbers(const Encoder& encoder, const py::buffer& numbers, const py::buffer& codes) {
  const py::buffer_info from = numbers.request();
  const py::buffer_info to = codes.request(true);
  const py::ssize_t n = from.size;
  if (from.itemsize != static_cast<py::ssize_t>(sizeof(Number)) || to.itemsize != encoder.code_bytes || to.size != n) {
    throw py::value_error("encode_numbers: mismatched buffers");
  }
  encode(encoder, Source::number, static_cast<const char*>(from.ptr), sizeof(Number), static_cast<char*>(to.ptr),
         encoder.code_bytes, static_cast<usize>(n));
}

}  // namespace

Rounding rounding_of(const std::string& name) { return by_name<Rounding>("rounding", rounding_names, name); }

void codecs(py::module_& m) {
  m.def("roundings", [] { return as_tuple(rounding_names); });
  m.def("overflows", [] { return as_tuple(overflow_names); });
  m.def("subnormals", [] { return as_tuple(subnormals_names); });
  py::class_<Encoder>(m, "Encoder").def(py::init(&make));
  py::class_<ValueDecoder>(m, "Decoder").def(py::init([](const Format& f) { return make_value_decoder(f); }));
  m.def("ufunc", &ufunc);
  m.def("encode_numbers", &encode_numbers);
}

}  // namespace halfulp::bind
