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
                                          "toward_positive", "toward_negative", "to_odd",
                                          "stochastic_a",    "stochastic_b",    "stochastic_c"};
constexpr const char* overflow_names[] = {"default", "saturate", "saturate_keep_inf"};
constexpr const char* subnormals_names[] = {"gradual", "flush_output", "flush_tiny", "flush_input"};

Encoder make(const Format& format, const std::string& rounding, const std::string& overflow,
             const std::string& subnormals, u64 nan_positive, u64 nan_negative, bool keep_payload, bool via_binary32,
             int random_bits) {
  const Policy policy = {
      rounding_of(rounding),
      overflow_of(overflow),
      subnormals_of(subnormals),
      {nan_positive, nan_negative, keep_payload},
      random_bits,
  };
  const bool in_range = is_stochastic(policy.rounding) ? random_bits >= 1 && random_bits <= 32 : random_bits == 0;
  if (!in_range) throw py::value_error("random_bits is out of range");
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

// A C-contiguous buffer of n elements of this size.
template <class T>
T* elements(const char* what, const py::buffer_info& buffer, py::ssize_t size, py::ssize_t n) {
  const bool aligned = reinterpret_cast<usize>(buffer.ptr) % 8 == 0;
  if (buffer.itemsize != size || buffer.size != n || !aligned) {
    throw py::value_error(std::string(what) + ": mismatched buffers");
  }
  return static_cast<T*>(buffer.ptr);
}

// `numbers`: records of `Number`; `random`: as many uint32 if the rounding is stochastic, else none; `codes`: room for
// as many codes.
void encode_numbers(const Encoder& encoder, const py::buffer& numbers, const py::buffer& random,
                    const py::buffer& codes) {
  const char* what = "encode_numbers";
  const py::buffer_info from = numbers.request();
  const py::buffer_info with = random.request();
  const py::buffer_info to = codes.request(true);
  const py::ssize_t n = from.size;
  const char* x = elements<const char>(what, from, sizeof(Number), n);
  char* out = elements<char>(what, to, encoder.code_bytes, n);
  const usize count = static_cast<usize>(n);
  if (encoder.random_bits == 0)
    return encode(encoder, Source::number, x, sizeof(Number), out, encoder.code_bytes, count);
  const RandomIntegers r = {Source::uint32, elements<const char>(what, with, sizeof(u32), n), sizeof(u32)};
  const Numbers all = {Source::number, nullptr, x, sizeof(Number)};
  if (encode_random(encoder, all, r, out, encoder.code_bytes, count) != count) {
    throw py::value_error("encode_numbers: a random integer is out of range");
  }
}

// Fills a uint32 array with the integers `offset` and on of a stream.
void random(u64 seed, u64 stream, u64 offset, int bits, const py::buffer& words) {
  const py::buffer_info to = words.request(true);
  u32* out = elements<u32>("random", to, sizeof(u32), to.size);
  const usize n = static_cast<usize>(to.size);
  if (bits < 1 || bits > 32) throw py::value_error("random: bits is out of range");
  const py::gil_scoped_release unlocked;
  kernels().random(seed, stream, offset, bits, out, n);
}

}  // namespace

Rounding rounding_of(const std::string& name) { return by_name<Rounding>("rounding", rounding_names, name); }
Overflow overflow_of(const std::string& name) { return by_name<Overflow>("overflow", overflow_names, name); }
Subnormals subnormals_of(const std::string& name) { return by_name<Subnormals>("subnormals", subnormals_names, name); }

void codecs(py::module_& m) {
  m.def("roundings", [] { return as_tuple(rounding_names); });
  m.def("overflows", [] { return as_tuple(overflow_names); });
  m.def("subnormals", [] { return as_tuple(subnormals_names); });
  py::class_<Encoder>(m, "Encoder").def(py::init(&make));
  py::class_<ValueDecoder>(m, "Decoder").def(py::init([](const Format& f) { return make_value_decoder(f); }));
  m.def("ufunc", &ufunc);
  m.def("encode_numbers", &encode_numbers);
  m.def("random", &random);
}

}  // namespace halfulp::bind
