// The portable kernels: the reference that every other target must equal.
#define HALFULP_TARGET portable
#include "lanes/portable.hpp"

#include "kernels.inl"

const halfulp::Kernels halfulp::kernels_portable = kernels_of_target("scalar");
