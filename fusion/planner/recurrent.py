"""Gated recurrent units (Cho et al. 2014, https://arxiv.org/abs/1406.1078) as torch trains them, in numpy."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def cell(x: Array, state: Array, w_x: Array, w_h: Array, b_x: Array, b_h: Array) -> Array:
    """One step, the gates in torch's order: reset, update, new. Shapes: x (i,), state (d,) -> (d,)."""
    of_x, of_h = np.split(w_x @ x + b_x, 3), np.split(w_h @ state + b_h, 3)
    reset, update = sigmoid(of_x[0] + of_h[0]), sigmoid(of_x[1] + of_h[1])
    found: Array = np.tanh(of_x[2] + reset * of_h[2]) * (1 - update) + update * state
    return found


def both_ways(x: Array, weights: Mapping[str, Array]) -> Array:
    """The states of the unit "gru" over a sequence, read forwards and backwards. Shapes: (s, i) -> (s, 2d)."""
    return np.concatenate((_states(x, weights, ""), _states(x[::-1], weights, "_reverse")[::-1]), axis=1)


def sigmoid(x: Array) -> Array:
    """Shapes: as given."""
    found: Array = np.reciprocal(1 + np.exp(-x))
    return found


def _states(x: Array, weights: Mapping[str, Array], which: str) -> Array:
    parts = [weights[f"gru.{name}_l0{which}"] for name in PARTS]
    state = np.zeros(parts[1].shape[1], np.float32)
    found = np.empty((len(x), len(state)), np.float32)
    for place, row in enumerate(x):
        state = found[place] = cell(row, state, *parts)
    return found
