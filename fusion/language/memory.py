"""Whether memory ran out."""

import torch


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether memory ran out: on a GPU it has a kind of its own, on a processor only words."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
