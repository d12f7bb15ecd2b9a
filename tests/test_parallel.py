"""Several threads on one array: the same bits, no spinning, and children of a fork with threads of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from support import at_once

F = hu.float8_e4m3fn
MANY = 1_500_000  # beyond the number from which threads are woken


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = hu.get_num_threads()
    yield hu.set_num_threads
    hu.set_num_threads(before)


def large(dtype: type) -> np.ndarray[Any, Any]:
    words = np.random.default_rng(5).integers(0, 2**32, MANY, dtype=np.uint32)
    return words.view(np.float32) if dtype is np.float32 else words.astype(dtype)


def test_the_number_of_threads_changes_no_bit(threads: Callable[[int], None]) -> None:
    cases = [
        (hu.float8_e4m3fn.encode, large(np.float32)),
        (hu.bfloat16.round, large(np.float64)),
        (hu.float32.encode, large(np.int64)),
        (hu.float8_e5m2.decode, large(np.uint8)),
        (hu.float8_e4m3fn.encode, large(np.float32)[::-1]),
        (hu.float8_e4m3fn.encode, large(np.float32).reshape(1000, -1).T),
    ]
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="arrays of ml_dtypes need it: pip install ml_dtypes")
    cases.append((hu.float8_e4m3fn.round, large(np.uint16).view(ml_dtypes.bfloat16)))
    alone = [ufunc(x).tobytes() for ufunc, x in cases]
    for count in (2, 3, 8):
        threads(count)
        assert [ufunc(x).tobytes() for ufunc, x in cases] == alone


def test_the_first_bad_code_is_named_whatever_the_threads(threads: Callable[[int], None]) -> None:
    codes = np.zeros(MANY, dtype=np.uint8)
    codes[[700_001, 1_300_000]] = 0x55, 0x66
    for count in (1, 2, 5):
        threads(count)
        with pytest.raises(ValueError, match="0x55"):
            hu.int4.decode(codes)


def test_eight_threads_at_once_share_a_pool(threads: Callable[[int], None]) -> None:
    x = large(np.float32)
    want = F.encode(x).tobytes()
    threads(2)
    assert set(at_once(8, lambda i: F.encode(x).tobytes())) == {want}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own(threads: Callable[[int], None]) -> None:
    x = large(np.float32)
    threads(2)
    want = F.encode(x).tobytes()
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            F.encode(x)

    others = [threading.Thread(target=busy) for _ in range(2)]
    for other in others:
        other.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if F.encode(x).tobytes() == want else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        for other in others:
            other.join()


def test_the_threads_sleep(threads: Callable[[int], None]) -> None:
    threads(4)
    F.encode(large(np.float32))
    time.sleep(0.05)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.1


@pytest.mark.parametrize(("n", "error"), [(0, ValueError), (-1, ValueError), (1025, ValueError), (1.5, TypeError)])
def test_a_number_of_threads_that_is_none(n: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="n must be"):
        hu.set_num_threads(n)


@pytest.mark.parametrize(("word", "works"), [("2", True), ("0", False), ("two", False), ("-1", False), ("9999", False)])
def test_threads_from_the_environment(word: str, works: bool) -> None:
    code = "import halfulp; print(halfulp.get_num_threads())"
    environment = {**os.environ, "HALFULP_NUM_THREADS": word}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == ("2\n" if works else "")
    assert works or "HALFULP_NUM_THREADS must be 1 to 1024" in done.stderr
