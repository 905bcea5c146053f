"""Where tests that read files stand."""

from pathlib import Path

import pytest


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of their own."""
    monkeypatch.chdir(tmp_path)
