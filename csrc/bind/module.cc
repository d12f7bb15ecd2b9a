// The extension module halfulp._core.
#include "../numpy/ufuncs.hpp"
#include "bind.hpp"

namespace {

// Classes that NumPy keeps pointers to belong to one interpreter.
bool in_subinterpreter() { return PyInterpreterState_Get() != PyInterpreterState_Main(); }
constexpr char refusal[] = "halfulp cannot be imported in a subinterpreter, as NumPy cannot";

}  // namespace

PYBIND11_MODULE(_core_of_main_interpreter, m, pybind11::mod_gil_not_used(),
                pybind11::multiple_interpreters::not_supported()) {
  if (in_subinterpreter()) throw pybind11::import_error(refusal);
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

// Before pybind11 has its turn, which would wait for ever for the main interpreter's lock. (Newer versions of Python
// call this in the main interpreter, and only what is above in the other.)
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (!in_subinterpreter()) return PyInit__core_of_main_interpreter();
  PyErr_SetString(PyExc_ImportError, refusal);
  return nullptr;
}
