"""Comparisons, predicates and signs (clauses 5.5.1, 5.6.1, 5.7.2, 5.10, 5.11)."""

from halfulp._operation_functions import function

compare = function(
    "compare",
    "5.11",
    "How a compares with b: -1 less, 0 equal, 1 greater, 2 unordered.",
    ("subnormals", "signaling"),
    """>>> hu.ops.compare([0x30, 0x80, 0x40, 0x7F], [0x38, 0x00, 0x38, 0x38], format="float8_e4m3fn")
array([-1,  0,  1,  2], dtype=int8)""",
)
equal = function(
    "equal",
    "5.6.1",
    "Whether a = b.",
    ("subnormals", "signaling"),
    """>>> hu.ops.equal(0x30, 0x38, format="float8_e4m3fn")
np.False_""",
)
not_equal = function(
    "not_equal",
    "5.6.1",
    "Whether a < b, a > b or unordered.",
    ("subnormals", "signaling"),
    """>>> hu.ops.not_equal(0x30, 0x38, format="float8_e4m3fn")
np.True_""",
)
less = function(
    "less",
    "5.6.1",
    "Whether a < b.",
    ("subnormals", "signaling"),
    """>>> hu.ops.less(0x30, 0x38, format="float8_e4m3fn")
np.True_""",
)
less_equal = function(
    "less_equal",
    "5.6.1",
    "Whether a <= b.",
    ("subnormals", "signaling"),
    """>>> hu.ops.less_equal(0x30, 0x38, format="float8_e4m3fn")
np.True_""",
)
greater = function(
    "greater",
    "5.6.1",
    "Whether a > b.",
    ("subnormals", "signaling"),
    """>>> hu.ops.greater(0x30, 0x38, format="float8_e4m3fn")
np.False_""",
)
greater_equal = function(
    "greater_equal",
    "5.6.1",
    "Whether a >= b.",
    ("subnormals", "signaling"),
    """>>> hu.ops.greater_equal(0x30, 0x38, format="float8_e4m3fn")
np.False_""",
)
unordered = function(
    "unordered",
    "5.6.1",
    "Whether a or b is NaN.",
    ("subnormals", "signaling"),
    """>>> hu.ops.unordered(0x30, 0x38, format="float8_e4m3fn")
np.False_""",
)
total_order = function(
    "total_order",
    "5.10",
    "Whether a stands before b, or is b, in the total order of all codes. NaN without sign comes first.",
    (),
    """>>> hu.ops.total_order([0x80, 0x00, 0xFF], [0x00, 0x80, 0x7F], format="float8_e4m3fn")
array([ True, False,  True])""",
)
total_order_mag = function(
    "total_order_mag",
    "5.10",
    "`total_order` of magnitudes.",
    (),
    """>>> hu.ops.total_order_mag(0x00, 0x80, format="float8_e4m3fn")
np.True_""",
)
class_ = function(
    "class_",
    "5.7.2",
    "The class of a.",
    (),
    """>>> [hu.ops.Class(c).name for c in hu.ops.class_([0x01, 0xB8, 0x7F], format="float8_e4m3fn").tolist()]
['positive_subnormal', 'negative_normal', 'quiet_nan']""",
)
copy = function(
    "copy",
    "5.5.1",
    "a, bit for bit.",
    (),
    """>>> hu.ops.copy(0x7D, format="float8_e5m2")
np.uint8(125)""",
)
negate = function(
    "negate",
    "5.5.1",
    "a with the other sign, NaN too. (What the format cannot express is settled by `overflow`.)",
    ("overflow",),
    """>>> hu.ops.negate([0x38, 0x7F], format="float8_e4m3fn")
array([184, 255], dtype=uint8)""",
)
abs = function(
    "abs",
    "5.5.1",
    "a without its sign, NaN too.",
    ("overflow",),
    """>>> hu.ops.abs([0xB8, 0xFF], format="float8_e4m3fn")
array([ 56, 127], dtype=uint8)""",
)
copysign = function(
    "copysign",
    "5.5.1",
    "The magnitude of a with the sign of b.",
    ("overflow",),
    """>>> hu.ops.copysign(0x38, 0x80, format="float8_e4m3fn")
np.uint8(184)""",
)
is_sign_minus = function(
    "is_sign_minus",
    "5.7.2",
    "Whether a has a negative sign.",
    (),
    """>>> hu.ops.is_sign_minus(0x80, format="float8_e4m3fn")
np.True_""",
)
is_normal = function(
    "is_normal",
    "5.7.2",
    "Whether a is neither zero, subnormal, infinite nor NaN.",
    (),
    """>>> hu.ops.is_normal(0x38, format="float8_e4m3fn")
np.True_""",
)
is_finite = function(
    "is_finite",
    "5.7.2",
    "Whether a is neither infinite nor NaN.",
    (),
    """>>> hu.ops.is_finite(0x7F, format="float8_e4m3fn")
np.False_""",
)
is_zero = function(
    "is_zero",
    "5.7.2",
    "Whether a is a zero.",
    (),
    """>>> hu.ops.is_zero(0x80, format="float8_e4m3fn")
np.True_""",
)
is_subnormal = function(
    "is_subnormal",
    "5.7.2",
    "Whether a lies between zero and the smallest normal.",
    (),
    """>>> hu.ops.is_subnormal(0x07, format="float8_e4m3fn")
np.True_""",
)
is_infinite = function(
    "is_infinite",
    "5.7.2",
    "Whether a is infinite.",
    (),
    """>>> hu.ops.is_infinite(0x7F, format="float8_e4m3fn")
np.False_""",
)
is_nan = function(
    "is_nan",
    "5.7.2",
    "Whether a is NaN.",
    (),
    """>>> hu.ops.is_nan(0x7F, format="float8_e4m3fn")
np.True_""",
)
is_signaling = function(
    "is_signaling",
    "5.7.2",
    "Whether a is a signalling NaN, which only `ieee` formats have.",
    (),
    """>>> hu.ops.is_signaling(0x7F, format="float8_e4m3fn")
np.False_""",
)
is_canonical = function(
    "is_canonical",
    "5.7.2",
    "Whether a is canonical, as every code of a binary format is.",
    (),
    """>>> hu.ops.is_canonical(0x7F, format="float8_e4m3fn")
np.True_""",
)
