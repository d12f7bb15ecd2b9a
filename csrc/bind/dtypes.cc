// Formats as NumPy dtypes, for Python.
#include <string>

#include "../numpy/dtype/dtype.hpp"
#include "bind.hpp"

namespace py = pybind11;

namespace halfulp::bind {
namespace {

// `format`, `text`: the Format of Python and its text. `scalar`: a subclass of scalar_base().
py::object dtype(const Format& layout, const py::object& format, const std::string& text, const py::object& scalar,
                 const py::object& support) {
  PyObject* made = numpy::make_dtype(layout, format.ptr(), text.c_str(), scalar.ptr(), support.ptr());
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

py::object scalar_base() {
  PyTypeObject* type = numpy::scalar_base();
  if (type == nullptr) throw py::error_already_set();
  return py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(type));
}

// function(*given) in the usual floating-point environment; `given` is a tuple.
py::object in_usual_environment(const py::object& function, const py::object& given) {
  const numpy::UsualEnvironment environment;
  return function(*py::tuple(given));
}

}  // namespace

void dtypes(py::module_& m) {
  m.def("dtype", &dtype);
  m.def("in_usual_environment", &in_usual_environment);
  m.def("scalar_base", &scalar_base);
}

}  // namespace halfulp::bind
