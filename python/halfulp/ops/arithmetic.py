"""Operations that compute and round (clauses 5.3, 5.4.1, 9.5)."""

from halfulp._operation_functions import ORDERED, ROUNDED, function

add = function(
    "add",
    "5.4.1",
    "The sum a + b.",
    ROUNDED,
    """>>> hu.ops.add(0x38, [0x38, 0x30, 0xB8], format="float8_e4m3fn")
array([64, 60,  0], dtype=uint8)""",
)
subtract = function(
    "subtract",
    "5.4.1",
    "The difference a - b.",
    ROUNDED,
    """>>> hu.ops.subtract(0x38, 0x38, format="float8_e4m3fn", rounding="toward_negative")
np.uint8(128)""",
)
multiply = function(
    "multiply",
    "5.4.1",
    "The product a * b.",
    ROUNDED,
    """>>> hu.ops.multiply(0x7E, 0x7E, format=("float8_e4m3fn", "float8_e4m3fn", "bfloat16"))
np.uint16(18500)""",
)
divide = function(
    "divide",
    "5.4.1",
    "The quotient a / b.",
    ROUNDED,
    """>>> hu.ops.divide(0x38, 0x44, format="float8_e4m3fn", flags=True)
(np.uint8(43), np.uint8(1))""",
)
remainder = function(
    "remainder",
    "5.3.1",
    "a - n * b, where n is the integer nearest to a / b, the even one of two. Exact.",
    ROUNDED,
    """>>> hu.float8_e4m3fn.decode(hu.ops.remainder(0x46, 0x40, format="float8_e4m3fn"))
np.float32(-0.5)""",
)
fmod = function(
    "fmod",
    "5.3.1",
    "a - n * b, where n is a / b without its fraction, as C's fmod. Exact. (The clause has remainder only.)",
    ROUNDED,
    """>>> hu.float8_e4m3fn.decode(hu.ops.fmod(0x46, 0x40, format="float8_e4m3fn"))
np.float32(1.5)""",
)
fma = function(
    "fma",
    "5.4.1",
    "a * b + c with one rounding.",
    ROUNDED,
    """>>> hu.ops.fma(0x39, 0x39, 0xBA, format="float8_e4m3fn"), hu.ops.multiply(0x39, 0x39, format="float8_e4m3fn")
(np.uint8(8), np.uint8(58))""",
)
sqrt = function(
    "sqrt",
    "5.4.1",
    "The square root of a.",
    ROUNDED,
    """>>> hu.float8_e4m3fn.decode(hu.ops.sqrt([0x40, 0x48, 0x80], format="float8_e4m3fn"))
array([ 1.375,  2.   , -0.   ], dtype=float32)""",
)
round_to_integral = function(
    "round_to_integral",
    "5.3.1",
    "a rounded to an integer in its format.",
    ("rounding", "exact", *ORDERED),
    """>>> f = hu.float8_e4m3fn
>>> f.decode(hu.ops.round_to_integral(f.encode([0.5, 1.5, -2.75]), format=f))
array([ 0.,  2., -3.], dtype=float32)""",
)
scaleb = function(
    "scaleb",
    "5.3.3",
    "a * 2**n.",
    ROUNDED,
    """>>> hu.ops.scaleb(0x38, [1, -9, -10], format="float8_e4m3fn")
array([64,  1,  0], dtype=uint8)""",
)
logb = function(
    "logb",
    "5.3.3",
    "The exponent of a: floor(log2(|a|)). Of 0 and NaN -2**31, of Inf 2**31 - 1, and invalid.",
    ("subnormals",),
    """>>> hu.ops.logb([0x38, 0x01, 0x7E], format="float8_e4m3fn")
array([ 0, -9,  8], dtype=int32)""",
)
augmented_add = function(
    "augmented_add",
    "9.5",
    "The sum a + b, ties toward zero, and what its rounding left over.",
    ("overflow", "subnormals", "tininess", "nan"),
    """>>> hu.ops.augmented_add(0x38, 0x18, format="float8_e4m3fn")
(np.uint8(56), np.uint8(24))""",
)
augmented_subtract = function(
    "augmented_subtract",
    "9.5",
    "The difference a - b, ties toward zero, and what its rounding left over.",
    ("overflow", "subnormals", "tininess", "nan"),
    """>>> hu.ops.augmented_subtract(0x38, 0x10, format="float8_e4m3fn")
(np.uint8(55), np.uint8(16))""",
)
augmented_multiply = function(
    "augmented_multiply",
    "9.5",
    "The product a * b, ties toward zero, and what its rounding left over.",
    ("overflow", "subnormals", "tininess", "nan"),
    """>>> hu.ops.augmented_multiply(0x39, 0x39, format="float8_e4m3fn")
(np.uint8(58), np.uint8(8))""",
)
