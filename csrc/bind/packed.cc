// Packed codes for Python: orders by name, and loops over contiguous buffers whose sizes are checked here.
#include <pybind11/stl.h>

#include <string>
#include <tuple>

#include "../simd/kernels.hpp"
#include "bind.hpp"

namespace py = pybind11;

namespace halfulp::bind {
namespace {

// In the order of their enum.
constexpr const char* order_names[] = {"low_first", "high_first", "bitstream", "gguf", "gptq", "awq", "tf32", "mma"};

std::string widths(Order order) {
  std::string all;
  for (int bits = 1; bits <= 64; ++bits) {
    if (has_packing({order, bits})) all += (all.empty() ? "" : ", ") + std::to_string(bits);
  }
  return order == Order::bitstream ? "1 to 64" : all;
}

Packing packing_of(const std::string& name, int bits) {
  std::string known;
  int index = 0;
  for (const char* word : order_names) {
    if (name == word) {
      const Packing p = {static_cast<Order>(index), bits};
      if (has_packing(p)) return p;
      throw py::value_error("order '" + name + "' packs codes of " + widths(p.order) + " bits, not " +
                            std::to_string(bits));
    }
    known += (index == 0 ? "'" : ", '") + std::string(word) + "'";
    ++index;
  }
  throw py::value_error("order must be one of " + known + ", not '" + name + "'");
}

// No buffer holds more, and their bits can be counted.
constexpr usize most_codes = usize{1} << 56;

// A C-contiguous buffer of elements of these sizes.
struct Contiguous {
  py::buffer_info info;
  usize bytes;

  Contiguous(const py::buffer& buffer, bool writable) : info(buffer.request(writable)) {
    py::ssize_t stride = info.itemsize;
    for (py::ssize_t d = info.ndim; d-- > 0;) {
      const usize k = static_cast<usize>(d);
      if (info.shape[k] > 1 && info.strides[k] != stride) throw py::value_error("packed: a buffer is not contiguous");
      stride *= info.shape[k];
    }
    bytes = static_cast<usize>(info.size) * static_cast<usize>(info.itemsize);
  }
  char* data() const { return static_cast<char*>(info.ptr); }
  u8* packed() const { return static_cast<u8*>(info.ptr); }
};

// How many codes a row holds, or an error if the buffers are not `rows` equal rows of elements and their bits.
usize row_length(const Packing& p, const Contiguous& elements, usize rows, const Contiguous& packed) {
  const usize count = static_cast<usize>(elements.info.size);
  const usize n = rows == 0 ? 0 : count / rows;
  if (n * rows != count || n > most_codes || packed_bytes(p, n) * rows != packed.bytes) {
    throw py::value_error("packed: mismatched buffers");
  }
  return n;
}

int code_size(const Packing& p, const Contiguous& codes) {
  const int size = static_cast<int>(codes.info.itemsize);
  if (p.bits > 8 * size || (size != 1 && size != 2 && size != 4 && size != 8) || (size > 1 && p.bits <= 8)) {
    throw py::value_error("packed: mismatched buffers");
  }
  return size;
}

std::tuple<int, int, int> packing(const std::string& order, int bits) {
  const Packing p = packing_of(order, bits);
  return {group_size(p), container_bits(p), unit_bytes(p)};
}

bool pack_into(const std::string& order, int bits, const py::buffer& codes, usize rows, const py::buffer& packed) {
  const Packing p = packing_of(order, bits);
  const Contiguous from(codes, false);
  const Contiguous to(packed, true);
  const int size = code_size(p, from);
  const usize n = row_length(p, from, rows, to);
  const py::gil_scoped_release unlocked;
  return pack(p, size, from.data(), rows, n, to.packed());
}

void unpack_into(const std::string& order, int bits, const py::buffer& packed, usize rows, const py::buffer& codes) {
  const Packing p = packing_of(order, bits);
  const Contiguous from(packed, false);
  const Contiguous to(codes, true);
  const int size = code_size(p, to);
  const usize n = row_length(p, to, rows, from);
  const py::gil_scoped_release unlocked;
  unpack(p, size, from.packed(), rows, n, to.data());
}

u64 stray_bit_of(const std::string& order, int bits, const py::buffer& packed, usize rows, usize n) {
  const Packing p = packing_of(order, bits);
  const Contiguous from(packed, false);
  if (n > most_codes || packed_bytes(p, n) * rows != from.bytes) throw py::value_error("packed: mismatched buffers");
  const py::gil_scoped_release unlocked;
  return stray_bit(p, from.packed(), rows, n);
}

Source source_of(const Contiguous& values) {
  const std::string& format = values.info.format;
  if (format == "f" && values.info.itemsize == 4) return Source::binary32;
  if (format == "d" && values.info.itemsize == 8) return Source::binary64;
  if (format == "e" && values.info.itemsize == 2) return Source::binary16;
  throw py::value_error("packed: values must be float16, float32 or float64");
}

void encode_into(const Encoder& encoder, const std::string& order, const py::buffer& values, usize rows,
                 const py::buffer& packed) {
  const Packing p = packing_of(order, encoder.bits);
  const Contiguous from(values, false);
  const Contiguous to(packed, true);
  const Source source = source_of(from);
  const usize n = row_length(p, from, rows, to);
  if (encoder.code_bytes != 1 || encoder.random_bits != 0) throw py::value_error("packed: no such encoder");
  const py::gil_scoped_release unlocked;
  encode_packed(encoder, p, source, from.data(), rows, n, to.packed());
}

void decode_into(const ValueDecoder& decoder, const std::string& order, const py::buffer& packed, usize rows,
                 const py::buffer& values) {
  const Packing p = packing_of(order, decoder.bits);
  const Contiguous from(packed, false);
  const Contiguous to(values, true);
  const usize n = row_length(p, to, rows, from);
  if (decoder.code_bytes != 1 || source_of(to) != (decoder.binary32 ? Source::binary32 : Source::binary64)) {
    throw py::value_error("packed: mismatched buffers");
  }
  const py::gil_scoped_release unlocked;
  decode_packed(decoder, p, from.packed(), rows, n, to.data());
}

}  // namespace

void packed(py::module_& m) {
  m.def("orders", [] {
    py::list names;
    for (const char* name : order_names) names.append(name);
    return py::tuple(names);
  });
  m.def("packing", &packing);
  m.def("packed_bytes",
        [](const std::string& order, int bits, u64 n) { return packed_bytes(packing_of(order, bits), n); });
  m.def("pack", &pack_into);
  m.def("unpack", &unpack_into);
  m.def("stray_bit", &stray_bit_of);
  m.def("encode_packed", &encode_into);
  m.def("decode_packed", &decode_into);
}

}  // namespace halfulp::bind
