"""Which relations to walk, read off a question: one relation a step, until it says stop.

    x_i = tanh(W_x [v_i ; topic_i ; after_i] + c_i + b) v_i: a word piece's vector from the sentence encoder
    c_i = Σ_n C[n]                                      n: a Chinese character, and the pairs that it has a part in
    H = BiGRU(x)                                        (s, d)
    h_t = GRUCell([Σ_i a_i H_i ; ρ(r_{t−1})], h_{t−1})   a = softmax(W_k H · W_q h_{t−1} / √d)
    p(r_t) ∝ exp(W_o h_t · ρ(r_t))                      over the relations that lead on from where the walk stands
    ρ(r) = e(r) + A e(r) + way(r) + own(r)              e(r): the sentence vector of the relation's words

"Stop" is a relation among the others. ``own`` is 0 for a relation that training did not see, so that such a relation
is known by its words alone. The encoder is one of English, which knows few Chinese characters; C, learned with the
planner and 0 at first, is what tells them apart (hashed as in fastText: Bojanowski et al. 2017,
https://arxiv.org/abs/1607.04606). Multi-hop question answering as a sequence of relations: Zhou et al. 2018 (IRN,
https://arxiv.org/abs/1801.04726); relations by their words: Shi et al. 2021 (TransferNet,
https://arxiv.org/abs/2104.07302). Training (training.py) is torch's; answering needs numpy alone.

``s`` word pieces, ``d`` the width of the model, ``t`` that of the sentence encoder, ``r`` relations of a graph.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import regex
from safetensors import SafetensorError
from safetensors.numpy import load_file

from fusion import weights_file
from fusion.errors import PlannerError
from nlp.embed import Tokens

Array = npt.NDArray[np.float32]

FORMAT = "clew-planner-2"
TOPIC = "[MASK]"  # what stands for the topic in a question, so that its name says nothing
SCALE = np.float32(8)  # of sentence vectors, which have unit length: their numbers are then about 0.4
ACQUAINTED = 4000  # questions of training that a planner knows again
CHARACTERS = "characters.weight"  # C; a planner that was trained on no Chinese has none
BUCKETS = 4096  # that characters and pairs of them are hashed into
SHOWN = 3  # parts of a long name that are read: "__people__person__gender" is "people person gender"

_ANEW = "train it anew with `clew learn --questions`, or delete it to answer without one."
_PARTS = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_HAN = regex.compile(r"\p{Han}")


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

    Shapes: vectors (s, t) of its word pieces, the topic standing as ``TOPIC``; topic (s,) bool; grams (s, 3), the
    hashes of a piece's Chinese character and of the pairs that it ends and begins, 0 where there is none.
    """

    vectors: Array
    topic: npt.NDArray[np.bool_]
    grams: npt.NDArray[np.int64]

    @classmethod
    def of(cls, text: str, tokens: Tokens) -> "Asked":
        """A question in which ``TOPIC`` stands for its topic, and its word pieces."""
        start = text.find(TOPIC)
        end = start + len(TOPIC) if start >= 0 else start
        topic = (tokens.spans[:, 0] < end) & (tokens.spans[:, 1] > start)
        return cls(tokens.vectors, topic, _grams(text, tokens.spans[:, 0].tolist()))

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


def _grams(text: str, starts: Sequence[int]) -> npt.NDArray[np.int64]:
    """Shapes: (s,) -> (s, 3)."""
    found = np.zeros((len(starts), 3), np.int64)
    for row, at in zip(found, starts, strict=True):
        if _HAN.match(text, at):
            row[:] = [_bucket(gram) for gram in (text[at], text[max(0, at - 1) : at + 1], text[at : at + 2])]
    return found


def _bucket(gram: str) -> int:
    return 1 + zlib.crc32(gram.encode()) % BUCKETS


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A question that was read. Shapes: states (s, d), keys (s, d)."""

    states: Array
    keys: Array


class Planner:
    """A trained planner."""

    def __init__(self, weights: Mapping[str, Array], relations: Sequence[str], *, encoder: str, hops: int) -> None:
        """``relations`` are those that training saw; ``encoder`` is the sentence encoder's name."""
        self.weights = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        self.relations, self.encoder, self.hops = tuple(relations), encoder, hops

    def rows(self, relations: Sequence[str], texts: Array) -> Array:
        """ρ of each row of a graph with these relations.

        Shapes: texts (2r + 1, t), the sentence vectors of ``row_texts(relations)``; -> (2r + 1, t)
        """
        weights, known = self.weights, {name: place for place, name in enumerate(self.relations)}
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
        weights = self.weights
        x = asked.features @ weights["enter.weight"].T + weights["enter.bias"]  # (s, d)
        if CHARACTERS in weights:
            x += weights[CHARACTERS][asked.grams].sum(axis=1)
        x = np.tanh(x)
        states = np.concatenate((self._gru(x, ""), self._gru(x[::-1], "_reverse")[::-1]), axis=1)  # (s, d)
        return Read(states, states @ weights["key.weight"].T + weights["key.bias"])

    def acquainted(self, questions: Sequence[Asked]) -> "Planner":
        """The planner, knowing which questions it was trained on."""
        known = np.unique(np.stack([asked.direction for asked in questions]), axis=0)
        if len(known) > ACQUAINTED:
            known = known[np.random.default_rng(0).choice(len(known), ACQUAINTED, replace=False)]
        weights = self.weights | {"questions": known}
        return Planner(weights, self.relations, encoder=self.encoder, hops=self.hops)

    def likeness(self, asked: Asked) -> float:
        """The cosine of a question and the one of training that is most like it; 1 where none is known.

        It is 0 of a Chinese question where training saw no Chinese, of which the encoder knows next to nothing.
        """
        if CHARACTERS not in self.weights and asked.grams.any():
            return 0.0
        known = self.weights.get("questions")
        return 1.0 if known is None else float((known @ asked.direction).max())

    @property
    def begin(self) -> Array:
        """The state before the first step. Shapes: (d,)."""
        return self.weights["first"]

    def step(self, read: Read, state: Array, before: Array) -> tuple[Array, Array]:
        """The next states, and what a row's ρ is compared with; ``before`` is ρ of the step taken, 0 at first.

        Shapes: state (…, d), before (…, t); -> (…, d), (…, t)
        """
        weights = self.weights
        wanted = state @ weights["query.weight"].T + weights["query.bias"]
        scores = wanted @ read.keys.T / np.sqrt(np.float32(wanted.shape[-1]))  # (…, s)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        heard = (shares / shares.sum(axis=-1, keepdims=True)) @ read.states
        of_x = np.concatenate((heard, before), axis=-1) @ weights["cell.weight_ih"].T + weights["cell.bias_ih"]
        state = _cell(of_x, state, weights["cell.weight_hh"].T, weights["cell.bias_hh"])
        return state, state @ weights["leave.weight"].T + weights["leave.bias"]

    def _gru(self, x: Array, which: str) -> Array:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w_x, w_h, b_x, b_h = (self.weights[f"gru.{name}_l0{which}"] for name in names)
        of_x = x @ w_x.T + b_x  # (s, 3 d)
        state = np.zeros(w_h.shape[1], np.float32)
        found = np.empty((len(x), len(state)), np.float32)
        for place, row in enumerate(of_x):
            state = found[place] = _cell(row, state, w_h.T, b_h)
        return found

    def save(self, path: Path) -> None:
        """Write the planner.

        Raises:
            PlannerError: it cannot be written.
        """
        about = {"format": FORMAT, "relations": list(self.relations), "encoder": self.encoder, "hops": self.hops}
        weights_file.write(path, self.weights, about, what="planner")


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
            raise PlannerError(f"{path} holds {about['format']!r}, not {FORMAT!r}; {_ANEW}")
        weights = load_file(path)
        _check(weights, len(about["relations"]))
        return Planner(weights, about["relations"], encoder=about["encoder"], hops=about["hops"])
    except FileNotFoundError as error:
        raise PlannerError(f"No planner at {path}; train one first with `clew learn --questions`.") from error
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise PlannerError(f"The planner in {path} cannot be read ({error}); {_ANEW}") from error


def _check(weights: Mapping[str, Array], relations: int) -> None:
    """Whether the weights are a planner's.

    Raises:
        KeyError: one is missing.
        ValueError: one has not the shape that the others ask for.
    """
    width, text = len(weights["first"]), weights["way"].shape[-1]
    half = width // 2
    shapes: dict[str, tuple[int, ...]] = {
        "first": (width,),
        "way": (3, text),
        "own": (2 * relations + 1, text),
        "cell.weight_ih": (3 * width, width + text),
        "cell.weight_hh": (3 * width, width),
        "cell.bias_ih": (3 * width,),
        "cell.bias_hh": (3 * width,),
    }
    layers = {"adapt": (text, text), "enter": (width, text + 2), "leave": (text, width)}
    for name, (out, into) in (layers | {"key": (width, width), "query": (width, width)}).items():
        shapes |= {f"{name}.weight": (out, into), f"{name}.bias": (out,)}
    for way in ("", "_reverse"):
        shapes |= {f"gru.weight_ih_l0{way}": (3 * half, width), f"gru.weight_hh_l0{way}": (3 * half, half)}
        shapes |= {f"gru.bias_{side}_l0{way}": (3 * half,) for side in ("ih", "hh")}
    if CHARACTERS in weights:
        shapes[CHARACTERS] = (BUCKETS + 1, width)
    for name, shape in shapes.items():
        if weights[name].shape != shape:
            raise ValueError(f"{name} has the shape {weights[name].shape}, not {shape}")


def _cell(of_x: Array, state: Array, w_h: Array, b_h: Array) -> Array:
    """One step of a gated recurrent unit (Cho et al. 2014), its gates in torch's order: reset, update, new.

    Shapes: of_x (…, 3 d), what the input says; state (…, d); w_h (d, 3 d); -> (…, d)
    """
    width = state.shape[-1]
    of_h = state @ w_h + b_h
    gates = _sigmoid(of_x[..., : 2 * width] + of_h[..., : 2 * width])
    reset, update = gates[..., :width], gates[..., width:]
    new = np.tanh(of_x[..., 2 * width :] + reset * of_h[..., 2 * width :])
    found: Array = new + update * (state - new)
    return found


def _sigmoid(x: Array) -> Array:
    found: Array = np.reciprocal(1 + np.exp(-x))
    return found
