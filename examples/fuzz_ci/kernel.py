"""An FP8 E4M3 kernel in NumPy with two faults: ties go away from zero, and subnormal results become zero."""

import numpy as np


def quantize(x):
    """Codes of float32 numbers."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    sign = (bits >> 24 & 0x80).astype(np.uint8)
    magnitude = bits & 0x7FFFFFFF
    rounded = (magnitude + 0x80000) >> 20  # half a place up, then cut: every tie goes up
    code = rounded.astype(np.int64) - ((127 - 7) << 3)  # the exponent's bias, 127 there and 7 here
    code = np.where(magnitude < 0x3C800000, 0, code)  # below 2^-6, the smallest normal number
    return np.where(code > 0x7E, 0x7F, code).astype(np.uint8) | sign


def dequantize(codes):
    """The float32 numbers of codes, exactly."""
    codes = np.asarray(codes).astype(np.uint32)
    field, mantissa = codes >> 3 & 15, codes & 7
    magnitude = np.where(field == 0, np.ldexp(mantissa, -9), np.ldexp(8 + mantissa, field.astype(np.int32) - 10))
    magnitude = np.where(codes & 0x7F == 0x7F, np.nan, magnitude)
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.float32)


def multiply(a, b):
    """Codes of products: exact in float32, then quantized."""
    return quantize(dequantize(a) * dequantize(b))
