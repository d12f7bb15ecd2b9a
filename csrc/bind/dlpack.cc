// The element type of a DLPack capsule, read and replaced: NumPy makes and takes capsules of codes only.
#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <tuple>

#include "bind.hpp"

namespace py = pybind11;

namespace halfulp::bind {
namespace {

// dlpack.h of DLPack 1.3, as far as it is needed here. The layout is the same in every 1.x.
struct Version {
  std::uint32_t major;
  std::uint32_t minor;
};
struct DataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};
struct Tensor {
  void* data;
  std::int32_t device_type;
  std::int32_t device_id;
  std::int32_t ndim;
  DataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;
  std::uint64_t byte_offset;
};
struct ManagedTensor {
  Tensor tensor;
  void* context;
  void (*deleter)(ManagedTensor*);
};
struct ManagedTensorVersioned {
  Version version;
  void* context;
  void (*deleter)(ManagedTensorVersioned*);
  std::uint64_t flags;
  Tensor tensor;
};
static_assert(sizeof(Tensor) == 48 && sizeof(ManagedTensorVersioned) == 80,
              "the layout of dlpack.h on 64-bit machines");

constexpr const char* unversioned = "dltensor";
constexpr const char* versioned = "dltensor_versioned";
constexpr std::uint32_t known_major = 1;

struct Found {
  Tensor* tensor;
  std::uint64_t flags;
};

// Of a capsule that no consumer has taken yet.
Found open(const py::object& capsule) {
  if (PyCapsule_IsValid(capsule.ptr(), versioned) != 0) {
    auto* managed = static_cast<ManagedTensorVersioned*>(PyCapsule_GetPointer(capsule.ptr(), versioned));
    if (managed->version.major != known_major) {
      throw py::value_error("the capsule is of DLPack " + std::to_string(managed->version.major) + ", known is 1");
    }
    return {&managed->tensor, managed->flags};
  }
  if (PyCapsule_IsValid(capsule.ptr(), unversioned) != 0) {
    return {&static_cast<ManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), unversioned))->tensor, 0};
  }
  throw py::type_error("__dlpack__ gave no capsule of DLPack, or one that was taken already");
}

// Code, bits, lanes, and the capsule's flags.
std::tuple<int, int, int, std::uint64_t> dlpack_type(const py::object& capsule) {
  const Found found = open(capsule);
  const DataType type = found.tensor->dtype;
  return {type.code, type.bits, type.lanes, found.flags};
}

// Only between types of one size: the caller sees to that.
void set_dlpack_type(const py::object& capsule, int code, int bits, int lanes) {
  open(capsule).tensor->dtype = {static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(bits),
                                 static_cast<std::uint16_t>(lanes)};
}

}  // namespace

void dlpack(py::module_& m) {
  m.def("dlpack_type", &dlpack_type);
  m.def("set_dlpack_type", &set_dlpack_type);
}

}  // namespace halfulp::bind
