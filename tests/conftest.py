"""Fixtures every test file may use: one run per named format or instruction set, and how much to try."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
settings.register_profile("dev", max_examples=60, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("ci", max_examples=200, deadline=None, suppress_health_check=_SLOW, derandomize=True)
settings.register_profile("qemu", max_examples=15, deadline=None, suppress_health_check=_SLOW, derandomize=True)
settings.register_profile("thorough", max_examples=1500, deadline=None, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="every case of the 16-bit formats, not a slice of them")


@pytest.fixture(scope="session")
def thorough(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--thorough"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fmt" in metafunc.fixturenames:
        import halfulp

        metafunc.parametrize("fmt", list(halfulp.formats.values()), ids=list(halfulp.formats))
    if "isa" in metafunc.fixturenames:
        import halfulp

        metafunc.parametrize("isa", list(halfulp.available_isas()), indirect=True)


@pytest.fixture
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    import halfulp

    with halfulp.use_isa(request.param):
        yield request.param
