"""Which numbers a device multiplies faster."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

SHAPE = (64, 128, 1024)  # of the trial product: as in training, but small
ROUNDS = 3


def resolve(precision: str, device: str) -> torch.dtype:
    """The numbers to multiply in: those named, or with ``auto`` those that this device multiplies faster.

    Some processors multiply bfloat16 several times faster than single precision, others several times slower, and
    both say that they can: so it is tried.
    """
    if precision != "auto":
        dtype: torch.dtype = getattr(torch, precision)
        return dtype
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    rows, middle, columns = SHAPE
    left, right = torch.ones(rows, middle), torch.ones(middle, columns)
    narrow, wide = left.bfloat16(), right.bfloat16()
    single, half = _seconds(lambda: left @ right), _seconds(lambda: (narrow @ wide).float())
    return torch.bfloat16 if half < 0.7 * single else torch.float32


def _seconds(product: Callable[[], Tensor]) -> float:
    product()
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        product()
        best = min(best, time.perf_counter() - begun)
    return best
