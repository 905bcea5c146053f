"""Tests."""

from hypothesis import settings

import kg.embeddings  # noqa: F401  # before torch: its threads are told how to wait

settings.register_profile("clew", deadline=None)  # machines are noisy: how long a test takes is no part of it
settings.load_profile("clew")
