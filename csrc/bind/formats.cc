// The table of formats and what follows from a format's parameters, for Python.
#include <pybind11/stl.h>

#include <stdexcept>
#include <string>

#include "../halfulp/formats.hpp"
#include "../simd/kernels.hpp"
#include "bind.hpp"

namespace py = pybind11;

namespace halfulp::bind {
namespace {

// In the order of their enum.
constexpr const char* specials_names[] = {"ieee", "fn", "fnuz", "finite", "p3109_e", "p3109_f", "integer"};

Specials specials_of(const std::string& name) {
  int index = 0;
  std::string known;
  for (const char* word : specials_names) {
    if (name == word) return static_cast<Specials>(index);
    known += (index == 0 ? "'" : ", '") + std::string(word) + "'";
    ++index;
  }
  throw py::value_error("specials must be one of " + known + ", not '" + name + "'");
}

std::string explain(FormatError error, const Format& f) {
  switch (error) {
    case FormatError::exponent_bits: return "exponent_bits must be 0 to 11, not " + std::to_string(f.exponent_bits);
    case FormatError::mantissa_bits: return "mantissa_bits must be 0 to 52, not " + std::to_string(f.mantissa_bits);
    case FormatError::width:
      return "a format has 1 to 64 bits; sign, exponent_bits and mantissa_bits make " + std::to_string(f.bits());
    case FormatError::specials_ieee:
      return "specials='ieee' needs exponent_bits >= 1 and mantissa_bits >= 1, to tell Inf from NaN; "
             "use 'fn', 'p3109_e' or 'finite'";
    case FormatError::specials_fnuz:
      return "specials='fnuz' puts NaN in the place of -0, which an unsigned format does not have; use 'fn'";
    case FormatError::specials_p3109: return "the P3109 formats need exponent_bits >= 1; use 'finite' or 'integer'";
    case FormatError::specials_integer:
      return "specials='integer' (two's complement) has no exponent field: exponent_bits must be 0, not " +
             std::to_string(f.exponent_bits);
    case FormatError::zero: return "has_zero=False (as in E8M0) is for unsigned formats with exponent_bits >= 1";
    case FormatError::too_few_codes:
      return "these " + std::to_string(f.bits()) + " bits leave no positive number beside the special codes";
    case FormatError::too_large:
      return "bias " + std::to_string(f.bias) + " makes the largest value 2^1024 or more, beyond binary64";
    case FormatError::too_small:
      return "bias " + std::to_string(f.bias) + " makes the smallest value less than 2^-1074, below binary64";
    case FormatError::none: break;
  }
  return "";
}

Format make_format(int exponent_bits, int mantissa_bits, int bias, const std::string& specials, bool is_signed,
                   bool has_zero) {
  const Format f = {"", exponent_bits, mantissa_bits, bias, specials_of(specials), is_signed, has_zero, ""};
  const FormatError error = check(f);
  if (error != FormatError::none) throw py::value_error(explain(error, f));
  return f;
}

py::tuple row(const Format& f) {
  return py::make_tuple(f.name, f.exponent_bits, f.mantissa_bits, f.bias, specials_names[static_cast<int>(f.specials)],
                        f.is_signed, f.has_zero, f.source);
}

}  // namespace

void formats(py::module_& m) {
  m.def("formats", [] {
    py::list rows;
    for (const Format& f : halfulp::formats) rows.append(row(f));
    return rows;
  });
  m.def("specials", [] {
    py::list names;
    for (const char* name : specials_names) names.append(name);
    return py::tuple(names);
  });
  py::class_<Format>(m, "Layout")
      .def(py::init(&make_format))
      .def_property_readonly("bits", &Format::bits)
      .def_property_readonly("precision", &Format::precision)
      .def_property_readonly("emin", &Format::emin)
      .def_property_readonly("emax", &Format::emax)
      .def_property_readonly("lsb_exponent", &Format::lsb_exponent)
      .def_property_readonly("min_normal_exponent", &Format::min_normal_exponent)
      .def_property_readonly("eps_exponent", [](const Format& f) { return f.place_exponent(0); })
      .def_property_readonly("epsneg_exponent", [](const Format& f) { return f.place_exponent(-1); })
      .def_property_readonly("has_inf", &Format::has_inf)
      .def_property_readonly("has_nan", &Format::has_nan)
      .def_property_readonly("has_negative_zero", &Format::has_negative_zero)
      .def_property_readonly("has_subnormals", &Format::has_subnormals)
      .def_property_readonly("nan_has_sign", &Format::nan_has_sign)
      .def_property_readonly("nan_is_negative_zero", &Format::nan_is_negative_zero)
      .def_property_readonly("nan_code", &Format::nan_code)
      .def_property_readonly("inf_code", &Format::inf_magnitude)
      .def_property_readonly("max_code", &Format::max_magnitude)
      .def_property_readonly("max_negative_magnitude", &Format::max_negative_magnitude)
      .def_property_readonly("sign_bit", &Format::sign_bit)
      .def_property_readonly("code_bytes", [](const Format& f) { return code_bytes(f); })
      .def_property_readonly("fits_binary32", &Format::fits_binary32);
}

}  // namespace halfulp::bind
