"""The optimizers that training may use, and what they remember, by the names of a scorer's parameters."""

import torch
from torch import Tensor

from kg.embeddings.config import TrainConfig
from kg.embeddings.scorers import Scorer

STEP = "step"  # a counter, which optimizers keep on the CPU


def optimizer_for(scorer: Scorer, config: TrainConfig, device: str) -> torch.optim.Optimizer:
    """The optimizer of a training run."""
    if config.optimizer == "adamw":
        return torch.optim.AdamW(scorer.parameters(), lr=config.learning_rate, weight_decay=0.0)
    sparse = config.candidates > 0  # the fused step takes no sparse gradients
    return torch.optim.Adagrad(
        scorer.parameters(), lr=config.learning_rate, fused=True if device == "cpu" and not sparse else None
    )


def state_of(scorer: Scorer, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimizer keeps, under "parameter/what"; it shares memory with the optimizer."""
    return {
        f"{name}/{what}": tensor
        for name, parameter in scorer.named_parameters()
        for what, tensor in optimizer.state[parameter].items()
        if isinstance(tensor, Tensor)
    }


def restore_state(scorer: Scorer, optimizer: torch.optim.Optimizer, state: dict[str, Tensor]) -> None:
    """Have an optimizer keep what ``state_of`` found."""
    for name, parameter in scorer.named_parameters():
        for key, tensor in state.items():
            owner, _, what = key.rpartition("/")
            if owner == name:
                optimizer.state[parameter][what] = tensor.cpu() if what == STEP else tensor.to(parameter.device)
