"""Gated recurrent units (Cho et al. 2014, https://arxiv.org/abs/1406.1078) as torch trains them, in numpy."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


def both_ways(x: Array, weights: Mapping[str, Array]) -> Array:
    """The states of the unit "gru" over a sequence, read forwards and backwards. Shapes: (s, i) -> (s, 2d)."""
    return np.concatenate((_states(x, weights, "_l0"), _states(x[::-1], weights, "_l0_reverse")[::-1]), axis=1)


def cell(x: Array, state: Array, weights: Mapping[str, Array]) -> Array:
    """One step of the unit "cell". Shapes: x (i,), state (d,) -> (d,)."""
    heard = weights["cell.weight_ih"] @ x + weights["cell.bias_ih"]
    return _step(heard, state, weights["cell.weight_hh"], weights["cell.bias_hh"])


def sigmoid(x: Array) -> Array:
    """Shapes: as given."""
    found: Array = np.reciprocal(1 + np.exp(-np.maximum(x, -80)))  # exp(80) is still a number
    return found


def _states(x: Array, weights: Mapping[str, Array], which: str) -> Array:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    w_x, w_h, b_x, b_h = (weights[f"gru.{name}{which}"] for name in names)
    heard, state = x @ w_x.T + b_x, np.zeros(w_h.shape[1], np.float32)
    found = np.empty((len(x), len(state)), np.float32)
    for place, row in enumerate(heard):
        state = found[place] = _step(row, state, w_h, b_h)
    return found


def _step(heard: Array, state: Array, w_h: Array, b_h: Array) -> Array:
    """The gates in torch's order: reset, update, new. Shapes: heard (3d,), what the input says; state (d,) -> (d,)."""
    d = len(state)
    kept = w_h @ state + b_h
    gates = sigmoid(heard[: 2 * d] + kept[: 2 * d])
    new = np.tanh(heard[2 * d :] + gates[:d] * kept[2 * d :])
    found: Array = new + gates[d:] * (state - new)
    return found
