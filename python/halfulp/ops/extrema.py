"""Neighbours, minima and maxima (clauses 5.3.1, 9.6)."""

from halfulp._operation_functions import ORDERED, function

next_up = function(
    "next_up",
    "5.3.1",
    "The least value greater than a. After the largest: Inf, else NaN, else itself.",
    ORDERED,
    """>>> hu.ops.next_up([0x00, 0x38, 0x81], format="float8_e4m3fn")
array([  1,  57, 128], dtype=uint8)""",
)
next_down = function(
    "next_down",
    "5.3.1",
    "The greatest value less than a: -next_up(-a).",
    ORDERED,
    """>>> hu.ops.next_down([0x00, 0x38, 0x81], format="float8_e4m3fn")
array([129,  55, 130], dtype=uint8)""",
)
minimum = function(
    "minimum",
    "9.6",
    "The lesser of a and b; NaN if either is.",
    ORDERED,
    """>>> hu.ops.minimum(0x7F, 0x38, format="float8_e4m3fn")
np.uint8(127)""",
)
maximum = function(
    "maximum",
    "9.6",
    "The greater of a and b; NaN if either is.",
    ORDERED,
    """>>> hu.ops.maximum(0x40, 0x38, format="float8_e4m3fn")
np.uint8(64)""",
)
minimum_number = function(
    "minimum_number",
    "9.6",
    "The lesser of a and b; the other one if one is NaN.",
    ORDERED,
    """>>> hu.ops.minimum_number(0x7F, 0x38, format="float8_e4m3fn")
np.uint8(56)""",
)
maximum_number = function(
    "maximum_number",
    "9.6",
    "The greater of a and b; the other one if one is NaN.",
    ORDERED,
    """>>> hu.ops.maximum_number(0x7F, 0x38, format="float8_e4m3fn")
np.uint8(56)""",
)
minimum_magnitude = function(
    "minimum_magnitude",
    "9.6",
    "The one of lesser magnitude, `minimum` of equal ones; NaN if either is.",
    ORDERED,
    """>>> hu.ops.minimum_magnitude(0xC0, 0x38, format="float8_e4m3fn")
np.uint8(56)""",
)
maximum_magnitude = function(
    "maximum_magnitude",
    "9.6",
    "The one of greater magnitude, `maximum` of equal ones; NaN if either is.",
    ORDERED,
    """>>> hu.ops.maximum_magnitude(0xC0, 0x38, format="float8_e4m3fn")
np.uint8(192)""",
)
minimum_magnitude_number = function(
    "minimum_magnitude_number",
    "9.6",
    "The one of lesser magnitude, `minimum_number` of equal ones.",
    ORDERED,
    """>>> hu.ops.minimum_magnitude_number(0xB8, 0x38, format="float8_e4m3fn")
np.uint8(184)""",
)
maximum_magnitude_number = function(
    "maximum_magnitude_number",
    "9.6",
    "The one of greater magnitude, `maximum_number` of equal ones.",
    ORDERED,
    """>>> hu.ops.maximum_magnitude_number(0xB8, 0x38, format="float8_e4m3fn")
np.uint8(56)""",
)
min_num = function(
    "min_num",
    "5.3.1 of the 2008 edition",
    "The lesser of a and b; the other one if one is a quiet NaN.",
    ORDERED,
    """>>> hu.ops.min_num(0x7F, 0x38, format="float8_e4m3fn")
np.uint8(56)""",
)
max_num = function(
    "max_num",
    "5.3.1 of the 2008 edition",
    "The greater of a and b; the other one if one is a quiet NaN.",
    ORDERED,
    """>>> hu.ops.max_num(0x7F, 0x38, format="float8_e4m3fn")
np.uint8(56)""",
)
min_num_mag = function(
    "min_num_mag",
    "5.3.1 of the 2008 edition",
    "The one of lesser magnitude, `min_num` of equal ones.",
    ORDERED,
    """>>> hu.ops.min_num_mag(0xC0, 0x38, format="float8_e4m3fn")
np.uint8(56)""",
)
max_num_mag = function(
    "max_num_mag",
    "5.3.1 of the 2008 edition",
    "The one of greater magnitude, `max_num` of equal ones.",
    ORDERED,
    """>>> hu.ops.max_num_mag(0xC0, 0x38, format="float8_e4m3fn")
np.uint8(192)""",
)
