"""Conversions timed beside their peers and beside the memory's own limit, all in one run: `python -m benchmarks`."""
