"""The whole test of the kernel: Hypothesis draws the inputs, halfulp knows the codes and names the broken rules."""

import halfulp as hu
import halfulp.strategies as hs
import kernel
from halfulp.testing import assert_codes_equal
from hypothesis import given

F = hu.float8_e4m3fn


@given(hs.arrays(F, 4, of="values", elements=hs.near_ties(F, "float32")))
def test_quantize(x):
    assert_codes_equal(kernel.quantize(x), F.encode(x), F, operands=[x], kernel=kernel.quantize)


@given(hs.operand_pairs(F, "multiply"))
def test_multiply(pair):
    want, _ = hu.ops.multiply(*pair, format=F, flags=True)
    assert_codes_equal(kernel.multiply(*pair), want, F, operands=pair, op="multiply", kernel=kernel.multiply)
