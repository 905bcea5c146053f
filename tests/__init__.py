"""Tests."""

import kg.embeddings  # noqa: F401  # before torch: its threads are told how to wait
