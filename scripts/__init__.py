"""Thin entry points: ``python -m scripts.NAME``. Nobody imports them."""
