// The extension module halfulp._core.
#include "../numpy/ufuncs.hpp"
#include "bind.hpp"

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used(), pybind11::multiple_interpreters::not_supported()) {
  // Python 3.11 does not ask what is supported. Types that NumPy keeps pointers to belong to one interpreter.
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
    throw pybind11::import_error("halfulp cannot be imported in a subinterpreter, as NumPy cannot");
  }
  m.doc() = "The compiled part of halfulp. Use the package, not this module.";
  if (halfulp::numpy::import_api() < 0) throw pybind11::error_already_set();
  halfulp::bind::formats(m);
  halfulp::bind::codecs(m);
  halfulp::bind::codebooks(m);
  halfulp::bind::dlpack(m);
  halfulp::bind::dtypes(m);
  halfulp::bind::machine(m);
  halfulp::bind::operations(m);
  halfulp::bind::accumulate(m);
  halfulp::bind::packed(m);
}
