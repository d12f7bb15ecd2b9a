// What this build runs on: targets, compiler.
#include <string>

#include "../simd/kernels.hpp"
#include "../simd/parallel.hpp"
#include "bind.hpp"

namespace py = pybind11;

namespace halfulp::bind {
namespace {

py::tuple names() {
  py::list all;
  for (const char* const* name = available_isas(); *name != nullptr; ++name) all.append(*name);
  return py::tuple(all);
}

void set_isa(const std::string& name) {
  const bool whole = name.find('\0') == std::string::npos;
  if (whole && use_isa(name.c_str())) return;
  std::string known;
  for (const char* const* isa = available_isas(); *isa != nullptr; ++isa) {
    known += (known.empty() ? "'" : ", '") + std::string(*isa) + "'";
  }
  throw py::value_error("isa must be one of " + known + " on this machine, not '" + name + "'");
}

const char* compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#elif defined(_MSC_VER)
  return "msvc";
#else
  return "unknown";
#endif
}

}  // namespace

void machine(py::module_& m) {
  m.def("isa", [] { return kernels().isa; });
  m.def("available_isas", &names);
  m.def("set_isa", &set_isa);
  m.def("compiler", &compiler);
  m.def("max_threads", [] { return max_threads; });
  m.def("num_threads", &num_threads);
  m.def("set_num_threads", &set_num_threads);
}

}  // namespace halfulp::bind
