// The portable kernels: the reference that every other target must equal.
#define HALFULP_TARGET portable
#include "lanes/portable.hpp"

#include "kernels.inl"

const halfulp::Kernels halfulp::kernels_portable = {"scalar",
                                                    encode_kernel,
                                                    encode_wide_kernel,
                                                    encode_levels_kernel,
                                                    narrow_kernel,
                                                    widen_kernel,
                                                    decode_kernel,
                                                    encode_from_kernel,
                                                    decode_to_kernel,
                                                    round_kernel,
                                                    gather_bits_kernel,
                                                    encode_random_kernel,
                                                    random_kernel,
                                                    pack_kernel,
                                                    unpack_kernel,
                                                    encode_nibbles_kernel,
                                                    decode_nibbles_kernel};
