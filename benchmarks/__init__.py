"""Measurements: one module a question, `python -m benchmarks.NAME`."""

import kg.embeddings  # noqa: F401  # before torch: its threads are told how to wait
