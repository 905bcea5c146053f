"""Which relations to walk, read off a question: one relation a step, until it says stop.

    x_i = tanh(W_x [v_i ; topic_i ; after_i] + b)       v_i: a word piece's vector from the sentence encoder
    H = BiGRU(x)                                        (s, d)
    h_t = GRUCell([Σ_i a_i H_i ; ρ(r_{t−1})], h_{t−1})   a = softmax(W_k H · W_q h_{t−1} / √d)
    p(r_t) ∝ exp(W_o h_t · ρ(r_t))                      over the relations that lead on from where the walk stands
    ρ(r) = e(r) + A e(r) + way(r) + own(r)              e(r): the sentence vector of the relation's words

"Stop" is a relation among the others. ``own`` is 0 for a relation that training did not see, so that such a relation
is known by its words alone. Multi-hop question answering as a sequence of relations: Zhou et al. 2018 (IRN,
https://arxiv.org/abs/1801.04726); relations by their words: Shi et al. 2021 (TransferNet,
https://arxiv.org/abs/2104.07302). Training (training.py) is torch's; answering needs numpy alone.

``s`` word pieces, ``d`` the width of the model, ``t`` that of the sentence encoder, ``r`` relations of a graph.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import regex
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fusion.errors import PlannerError
from nlp.embed import Tokens

Array = npt.NDArray[np.float32]

FORMAT = "clew-planner-1"
TOPIC = "[MASK]"  # what stands for the topic in a question, so that its name says nothing
SCALE = np.float32(8)  # of sentence vectors, which have unit length: their numbers are then about 0.4
ACQUAINTED = 4000  # questions of training that a planner knows again
SHOWN = 3  # parts of a long name that are read: "__people__person__gender" is "people person gender"

_PARTS = regex.compile(r"[\p{L}\p{M}\p{N}]+")


def words_of(relation: str) -> str:
    """The words of a relation's name."""
    parts = _PARTS.findall(regex.sub(r"(?<=\p{Ll})(?=\p{Lu})|_", " ", relation))
    long = "__" in relation or "/" in relation or "." in relation
    return " ".join(parts[-SHOWN:] if long else parts).casefold() or relation


def row_texts(relations: Sequence[str]) -> list[str]:
    """What is encoded for each row of a graph: relations, relations backwards, and stop. (2r + 1 texts)"""
    return [words_of(name) for name in relations] + [f"{words_of(name)} of" for name in relations] + ["stop"]


def masked(text: str, start: int, end: int) -> str:
    """A question with ``TOPIC`` in place of its characters from start to end, and nowhere else."""
    before, after = (part.replace(TOPIC, TOPIC[1:-1]) for part in (text[:start], text[end:]))
    return f"{before}{TOPIC}{after}"


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question as the planner reads it.

    Shapes: vectors (s, t) of its word pieces, the topic standing as ``TOPIC``; topic (s,) bool.
    """

    vectors: Array
    topic: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, text: str, tokens: Tokens) -> "Asked":
        """A question in which ``TOPIC`` stands for its topic, and its word pieces."""
        start = text.find(TOPIC)
        end = start + len(TOPIC) if start >= 0 else start
        return cls(tokens.vectors, (tokens.spans[:, 0] < end) & (tokens.spans[:, 1] > start))

    @property
    def direction(self) -> Array:
        """The mean of the vectors, of unit length: what the question is about beside its topic. Shapes: (t,)."""
        mean = self.vectors.mean(axis=0)
        found: Array = mean / np.linalg.norm(mean)
        return found

    @property
    def features(self) -> Array:
        """Shapes: (s, t + 2)."""
        after = np.cumsum(self.topic) - self.topic > 0
        marks = np.stack((self.topic, after), axis=1).astype(np.float32)
        found: Array = np.concatenate((self.vectors, marks), axis=1)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A question that was read. Shapes: states (s, d), keys (s, d)."""

    states: Array
    keys: Array


class Planner:
    """A trained planner."""

    def __init__(self, weights: Mapping[str, Array], relations: Sequence[str], *, encoder: str, hops: int) -> None:
        """``relations`` are those that training saw; ``encoder`` is the sentence encoder's name."""
        self._weights = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        self.relations, self.encoder, self.hops = tuple(relations), encoder, hops

    def rows(self, relations: Sequence[str], texts: Array) -> Array:
        """ρ of each row of a graph with these relations.

        Shapes: texts (2r + 1, t), the sentence vectors of ``row_texts(relations)``; -> (2r + 1, t)
        """
        weights, known = self._weights, {name: place for place, name in enumerate(self.relations)}
        encoded = texts * SCALE
        ways = np.repeat(np.arange(3), (len(relations), len(relations), 1))
        adapted = encoded @ weights["adapt.weight"].T + weights["adapt.bias"]
        found = np.asarray(encoded + adapted + weights["way"][ways], np.float32)
        for place, name in enumerate(relations):
            if name in known:
                found[place] += weights["own"][known[name]]
                found[place + len(relations)] += weights["own"][known[name] + len(self.relations)]
        found[-1] += weights["own"][-1]
        return found

    def read(self, asked: Asked) -> Read:
        """The question's states."""
        weights = self._weights
        x = np.tanh(asked.features @ weights["enter.weight"].T + weights["enter.bias"])  # (s, d)
        states = np.concatenate((self._gru(x, ""), self._gru(x[::-1], "_reverse")[::-1]), axis=1)  # (s, d)
        return Read(states, states @ weights["key.weight"].T + weights["key.bias"])

    def acquainted(self, questions: Sequence[Asked]) -> "Planner":
        """The planner, knowing which questions it was trained on."""
        known = np.unique(np.stack([asked.direction for asked in questions]), axis=0)
        if len(known) > ACQUAINTED:
            known = known[np.random.default_rng(0).choice(len(known), ACQUAINTED, replace=False)]
        weights = self._weights | {"questions": known}
        return Planner(weights, self.relations, encoder=self.encoder, hops=self.hops)

    def likeness(self, asked: Asked) -> float:
        """The cosine of a question and the one of training that is most like it; 1 where none is known."""
        known = self._weights.get("questions")
        return 1.0 if known is None else float((known @ asked.direction).max())

    @property
    def begin(self) -> Array:
        """The state before the first step. Shapes: (d,)."""
        return self._weights["first"]

    def step(self, read: Read, state: Array, before: Array) -> tuple[Array, Array]:
        """The next state, and what a row's ρ is compared with; ``before`` is ρ of the step taken, 0 at first.

        Shapes: state (d,), before (t,); -> (d,), (t,)
        """
        weights = self._weights
        wanted = state @ weights["query.weight"].T + weights["query.bias"]
        scores = read.keys @ wanted / np.sqrt(np.float32(len(wanted)))
        shares = np.exp(scores - scores.max())
        heard = (shares / shares.sum()) @ read.states
        state = _cell(
            np.concatenate((heard, before)),
            state,
            weights["cell.weight_ih"],
            weights["cell.weight_hh"],
            weights["cell.bias_ih"],
            weights["cell.bias_hh"],
        )
        return state, state @ weights["leave.weight"].T + weights["leave.bias"]

    def _gru(self, x: Array, which: str) -> Array:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        weights = [self._weights[f"gru.{name}_l0{which}"] for name in names]
        state = np.zeros(weights[1].shape[1], np.float32)
        found = np.empty((len(x), len(state)), np.float32)
        for place, row in enumerate(x):
            state = found[place] = _cell(row, state, *weights)
        return found

    def save(self, path: Path) -> None:
        """Write the planner.

        Raises:
            PlannerError: it cannot be written.
        """
        about = {"format": FORMAT, "relations": list(self.relations), "encoder": self.encoder, "hops": self.hops}
        part = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(self._weights, part, metadata={"about": json.dumps(about, ensure_ascii=False)})
            part.replace(path)
        except (OSError, SafetensorError) as error:
            raise PlannerError(
                f"The planner could not be written to {path} ({error}); give a folder that can be written to."
            ) from error


def load(path: Path) -> Planner:
    """Read a planner.

    Raises:
        PlannerError: there is none, or it is damaged.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, framework="np") as file:
            about = json.loads((file.metadata() or {})["about"])
        if about["format"] != FORMAT:
            raise PlannerError(f"{path} holds {about['format']!r}, not {FORMAT!r}; train the planner anew.")
        return Planner(load_file(path), about["relations"], encoder=about["encoder"], hops=about["hops"])
    except FileNotFoundError as error:
        raise PlannerError(f"No planner at {path}; train one first with `clew learn --questions FILE`.") from error
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise PlannerError(f"The planner in {path} cannot be read ({error}); train it anew.") from error


def _cell(x: Array, state: Array, w_x: Array, w_h: Array, b_x: Array, b_h: Array) -> Array:
    """One step of a gated recurrent unit (Cho et al. 2014), its gates in torch's order: reset, update, new."""
    of_x, of_h = np.split(w_x @ x + b_x, 3), np.split(w_h @ state + b_h, 3)
    reset, update = _sigmoid(of_x[0] + of_h[0]), _sigmoid(of_x[1] + of_h[1])
    found: Array = np.tanh(of_x[2] + reset * of_h[2]) * (1 - update) + update * state
    return found


def _sigmoid(x: Array) -> Array:
    found: Array = np.reciprocal(1 + np.exp(-x))
    return found
