"""IEEE 754-2019 operations on arrays of codes, in any format of at most 24 significant bits, with flags.

Every function takes codes (of any integer dtype, broadcast against each other) and `format`. The exact result of the
operands' values is rounded once, by `rounding`, `overflow`, `subnormals` and `nan`, exactly as a codec of the format
would encode it.

Examples
--------
>>> import numpy as np, halfulp as hu
>>> f = hu.float8_e4m3fn
>>> a, b = f.encode(np.float32([1, 448, 2**-9])), f.encode(np.float32([0.0625, 32, 0.5]))
>>> codes, flags = hu.ops.multiply(a, b, format=f, flags=True)
>>> f.decode(codes).tolist()
[0.0625, nan, 0.0]
>>> [hu.ops.Flag(int(x)).name for x in flags]
[None, 'inexact|overflow', 'inexact|underflow']
"""

from halfulp._operations import Class, Flag
from halfulp.ops.arithmetic import (
    add,
    augmented_add,
    augmented_multiply,
    augmented_subtract,
    divide,
    fma,
    fmod,
    logb,
    multiply,
    remainder,
    round_to_integral,
    scaleb,
    sqrt,
    subtract,
)
from halfulp.ops.comparisons import (
    abs,
    class_,
    compare,
    copy,
    copysign,
    equal,
    greater,
    greater_equal,
    is_canonical,
    is_finite,
    is_infinite,
    is_nan,
    is_normal,
    is_sign_minus,
    is_signaling,
    is_subnormal,
    is_zero,
    less,
    less_equal,
    negate,
    not_equal,
    total_order,
    total_order_mag,
    unordered,
)
from halfulp.ops.conversions import (
    convert,
    from_integer,
    from_string,
    to_integer,
    to_string,
    ufunc,
)
from halfulp.ops.extrema import (
    max_num,
    max_num_mag,
    maximum,
    maximum_magnitude,
    maximum_magnitude_number,
    maximum_number,
    min_num,
    min_num_mag,
    minimum,
    minimum_magnitude,
    minimum_magnitude_number,
    minimum_number,
    next_down,
    next_up,
)

__all__ = [
    "Class",
    "Flag",
    "abs",
    "add",
    "augmented_add",
    "augmented_multiply",
    "augmented_subtract",
    "class_",
    "compare",
    "convert",
    "copy",
    "copysign",
    "divide",
    "equal",
    "fma",
    "fmod",
    "from_integer",
    "from_string",
    "greater",
    "greater_equal",
    "is_canonical",
    "is_finite",
    "is_infinite",
    "is_nan",
    "is_normal",
    "is_sign_minus",
    "is_signaling",
    "is_subnormal",
    "is_zero",
    "less",
    "less_equal",
    "logb",
    "max_num",
    "max_num_mag",
    "maximum",
    "maximum_magnitude",
    "maximum_magnitude_number",
    "maximum_number",
    "min_num",
    "min_num_mag",
    "minimum",
    "minimum_magnitude",
    "minimum_magnitude_number",
    "minimum_number",
    "multiply",
    "negate",
    "next_down",
    "next_up",
    "not_equal",
    "remainder",
    "round_to_integral",
    "scaleb",
    "sqrt",
    "subtract",
    "to_integer",
    "to_string",
    "total_order",
    "total_order_mag",
    "ufunc",
    "unordered",
]
