// The portable kernels: the reference that every other target must equal.
#define HALFULP_TARGET portable
#include "lanes/portable.hpp"

#include "kernels.inl"

const halfulp::Kernels halfulp::kernels_portable = {"scalar",      encode_kernel, encode_wide_kernel,
                                                    narrow_kernel, widen_kernel,  decode_kernel,
                                                    pack_kernel,   unpack_kernel, decode_nibbles_kernel};
