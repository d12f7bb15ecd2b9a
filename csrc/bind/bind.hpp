// One function per topic, called by module.cc.
#pragma once

#include <pybind11/pybind11.h>

namespace halfulp::bind {

void formats(pybind11::module_& m);
void codecs(pybind11::module_& m);
void machine(pybind11::module_& m);
void packed(pybind11::module_& m);

}  // namespace halfulp::bind
