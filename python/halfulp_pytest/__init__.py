"""The pytest plugin of halfulp: seeds, failing vectors in one line, and tests under every ISA or environment.

A package of its own, because pytest imports it at every start: it imports halfulp only in tests that use it.

``halfulp_seed``, ``halfulp_rng``
    Fixtures: an int, and a `numpy.random.Generator` made from it. Each test has a seed of its own, derived from one for
    the whole run, which a failure names; ``--halfulp-seed N`` runs with it again.
``@pytest.mark.every_isa``
    The test runs once under each of `halfulp.available_isas()`.
``@pytest.mark.every_environment``
    The test runs once for each of `halfulp.testing.environments()`, and takes the fixture ``halfulp_environment``: a
    context manager for the calls under test alone. The environment is not set around the whole test, because
    Hypothesis, `fractions.Fraction` and Python's own parsing of floats give wrong results under flush-to-zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import numpy as np
    from halfulp.testing import environment

_SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare --halfulp-seed."""
    parser.getgroup("halfulp").addoption(
        "--halfulp-seed",
        type=int,
        default=None,
        metavar="N",
        help="the seed behind the fixtures halfulp_seed and halfulp_rng; a failure names it (default: a new one)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    config.addinivalue_line("markers", "every_isa: run under each instruction set that halfulp has on this machine")
    config.addinivalue_line(
        "markers",
        "every_environment: run with the fixture halfulp_environment set to each floating-point environment",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One run per instruction set or environment."""
    if metafunc.definition.get_closest_marker("every_isa"):
        import halfulp

        _parametrize(metafunc, "_halfulp_isa", halfulp.available_isas())
    if metafunc.definition.get_closest_marker("every_environment"):
        from halfulp.testing import environments

        if "halfulp_environment" not in metafunc.fixturenames:
            raise pytest.UsageError(
                f"{metafunc.definition.nodeid}: every_environment needs the fixture halfulp_environment, "
                "a context manager to put around the calls under test"
            )
        _parametrize(metafunc, "halfulp_environment", environments())


def _parametrize(metafunc: pytest.Metafunc, fixture: str, names: tuple[str, ...]) -> None:
    if fixture not in metafunc.fixturenames:
        metafunc.fixturenames.append(fixture)
    metafunc.parametrize(fixture, names, indirect=True, scope="function")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Run the fixture of every_isa, which no argument of the test asks for: pytest may have dropped its name."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    names: list[str] = getattr(item, "fixturenames", [])
    if "_halfulp_isa" in params and "_halfulp_isa" not in names:
        names.insert(0, "_halfulp_isa")


@pytest.fixture
def _halfulp_isa(request: pytest.FixtureRequest) -> Iterator[str]:
    import halfulp

    with halfulp.use_isa(request.param):
        yield request.param


@pytest.fixture
def halfulp_environment(request: pytest.FixtureRequest) -> environment:
    """A context manager that sets a floating-point environment: for calls under test, not for what checks them."""
    from halfulp.testing import environment

    return environment(getattr(request, "param", "usual"))


@pytest.fixture
def halfulp_seed(request: pytest.FixtureRequest) -> int:
    """This test's seed: from the run's and the test's name."""
    run = _run_seed(request.config)
    request.node.stash[_SEED] = run
    name = f"{run}:{request.node.nodeid}".encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")


@pytest.fixture
def halfulp_rng(halfulp_seed: int) -> np.random.Generator:
    """A NumPy generator of this test's own."""
    import numpy as np

    return np.random.default_rng(halfulp_seed)


def _run_seed(config: pytest.Config) -> int:
    if _SEED not in config.stash:
        import secrets

        given: Any = config.getoption("--halfulp-seed")
        config.stash[_SEED] = secrets.randbits(32) if given is None else int(given)
    return config.stash[_SEED]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failure what runs it again: the seed, and the first failing vector as a line of Python."""
    report = yield
    if not report.failed:
        return report
    if _SEED in item.stash:
        report.sections.append(("halfulp", f"run again with --halfulp-seed={item.stash[_SEED]}"))
    line = getattr(call.excinfo.value, "reproduce", None) if call.excinfo else None
    if isinstance(line, str) and type(call.excinfo.value).__module__.startswith("halfulp"):  # type: ignore[union-attr]
        report.sections.append(("halfulp: the first failing vector", line))
    return report
