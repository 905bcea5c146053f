"""How much every entity around a question's topics is its answer: message passing that the question directs.

    H = BiGRU(tanh(W_x [v_i ; topic_i ; after_i] + b))     v_i: a word piece's vector from the sentence encoder
    ρ(r) = e(r) + A e(r) + way(r) + own(r)                  e(r): the sentence vector of the relation's words
    relevance(r) ∝ exp(max_i (M v_i) · ρ(r) / √t)           what is gathered around the topics goes by it (around.py)
    h⁰_v = relu(W_0 [marks_v ; mean_{r of v} R ρ(r)])       where an entity lies, and what kinds of facts it has
    p⁰ = the topics; then, for l = 1 … hops:
        g_l = GRUCell([Σ_i a_i H_i ; Σ_v p_v h_v], g_{l−1})  a = softmax(W_k H · W_q g_{l−1} / √d)
        s_{v,r} = log(1 + Σ_{u →r v} p_u / max p)            how much of what was reached leads here by r
        m_v = Σ_r s_{v,r} · σ(L g_l · ρ(r) + c_l log (relevance(r) / max relevance)) · relu(I g_l ⊙ R ρ(r) + b)
        h_v = relu(W_l [h_v ; m_v])
        p = softmax_v(h_v · (w_l + U_l g_l))
    p after the last step says how probable each entity is as an answer.

The instructions g are read off the question one after the other, each knowing what the one before it reached: the
adaptive reasoning of ReaRev (Mavromatis & Karypis 2022, https://arxiv.org/abs/2210.13650) over the messages of NSM (He
et al. 2021, https://arxiv.org/abs/2101.03737). ``own`` is 0 for a relation that training did not see, so that such a
relation is known by its words alone. Training (training.py) is torch's; answering needs numpy alone.

``s`` word pieces, ``w`` the width of the question's states, ``d`` that of entities, ``t`` that of the sentence encoder,
``r`` relations of a graph, ``n`` entities around the topics.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from fusion import weights_file
from fusion.errors import PlannerError
from fusion.planner.model import SCALE, Asked
from fusion.reasoner.around import Around, Bounds, around, marks_of
from fusion.reasoner.recurrent import both_ways, cell, sigmoid
from kg.mirror import Mirror

Array = npt.NDArray[np.float32]

FORMAT = "clew-reasoner-1"
WEIGHTS = 8  # of a calibration: of the features that candidates are seen by, and a shift
LEAST = np.float32(1e-30)  # of a relevance, so that it has a logarithm


@dataclass(frozen=True, slots=True)
class Calibration:
    """How candidates are judged (fusing.py): the weights of their features, the shift last.

    ``error`` is the expected calibration error of first candidates, measured on each half of the questions with weights
    that were fitted to the other.
    """

    weights: tuple[float, ...]
    error: float
    questions: int  # that it was fitted to


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of a graph as a reasoner has them. Shapes: words (2r, t), ρ of each; kinds (2r, d), R ρ of each."""

    words: Array
    kinds: Array


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The entities around topics, and how probable each is as the answer. Shapes: scores (n,), relevance (2r,)."""

    part: Around
    relevance: Array
    log_probabilities: Array


class Reasoner:
    """A trained reasoner."""

    def __init__(
        self,
        weights: Mapping[str, Array],
        relations: Sequence[str],
        *,
        encoder: str,
        hops: int,
        bounds: Bounds,
        calibration: Calibration | None = None,
    ) -> None:
        """``relations`` are those that training saw; ``encoder`` is the sentence encoder's name."""
        self._weights = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        self.relations, self.encoder, self.hops, self.bounds = tuple(relations), encoder, hops, bounds
        self.calibration = calibration

    def rows(self, relations: Sequence[str], texts: Array) -> Rows:
        """The rows of a graph with these relations.

        Shapes: texts (2r, t) or more, the sentence vectors of ``row_texts(relations)``.
        """
        count, known = len(relations), {name: place for place, name in enumerate(self.relations)}
        encoded = texts[: 2 * count] * SCALE
        words = encoded + self._linear("adapt", encoded) + np.repeat(self._weights["way"], count, axis=0)
        for place, name in enumerate(relations):
            if name in known:
                words[place] += self._weights["own"][known[name]]
                words[place + count] += self._weights["own"][known[name] + len(self.relations)]
        return Rows(words, self._linear("relate", words))

    def relevance(self, asked: Asked, rows: Rows) -> Array:
        """How probable each row is as a step of what the question asks. Shapes: -> (2r,)."""
        heard = self._linear("match", asked.features)  # (s, t)
        scores = (heard @ rows.words.T).max(axis=0) / np.sqrt(np.float32(heard.shape[1]))
        shares = np.exp(scores - scores.max())
        found: Array = shares / shares.sum()
        return found

    def reason(self, asked: Asked, mirror: Mirror, rows: Rows, topics: Collection[int]) -> Scored:
        """Score what lies around the topics."""
        relevance = self.relevance(asked, rows)
        part = around(mirror, topics, relevance, hops=self.hops, bounds=self.bounds)
        return Scored(part, relevance, self.score(asked, part, rows, relevance))

    def score(self, asked: Asked, part: Around, rows: Rows, relevance: Array) -> Array:
        """The log-probability of each entity as the answer. Shapes: relevance (2r,) -> (n,)."""
        weights, count = self._weights, len(part.places)
        if not count:
            return np.zeros(0, np.float32)
        states = both_ways(np.tanh(self._linear("enter", asked.features)), weights)  # (s, w)
        keys = self._linear("key", states)
        present, kind = np.unique(np.concatenate((part.kinds[:, 1], part.rows)), return_inverse=True)
        words, kinds = rows.words[present], rows.kinds[present]  # (k, t), (k, d)
        logs = np.log(np.maximum(relevance[present] / relevance.max(), LEAST))  # (k,)
        own, row = kind[: len(part.kinds)], kind[len(part.kinds) :]
        has = np.zeros((count, len(present)), np.float32)
        has[part.kinds[:, 0], own] = 1
        signature = has @ kinds / np.maximum(1, has.sum(axis=1, keepdims=True))  # (n, d)
        h = _relu(self._linear("start", np.concatenate((part.marks, signature), axis=1)))
        reached, state = np.zeros(count, np.float32), weights["first"]
        reached[part.topics] = 1
        heard_of = (reached / max(1, len(part.topics))) @ h
        log_p = np.zeros(count, np.float32)
        arrivals = part.targets * len(present) + row
        for step in range(self.hops):
            scores = keys @ self._linear("query", state) / np.sqrt(np.float32(len(state)))
            shares = np.exp(scores - scores.max())
            state = cell(np.concatenate(((shares / shares.sum()) @ states, heard_of)), state, weights)
            gate = sigmoid(words @ self._linear("leave", state) + weights["trust"][step] * logs)  # (k,)
            messages = gate[:, None] * _relu(self._linear("instruct", state) * kinds + weights["base"])  # (k, d)
            summed = np.bincount(arrivals, reached[part.sources], minlength=count * len(present))
            m = np.log1p(summed.reshape(count, len(present))).astype(np.float32) @ messages  # (n, d)
            h = _relu(self._linear(f"layers.{step}", np.concatenate((h, m), axis=1)))
            log_p = h @ self._linear(f"judges.{step}", state)  # (n,)
            log_p -= log_p.max(initial=-np.inf)
            reached = np.exp(log_p)
            total = reached.sum()
            heard_of = reached @ h / total
            log_p = log_p - np.log(total)
        return log_p

    def _linear(self, name: str, x: Array) -> Array:
        found: Array = x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return found

    def calibrated(self, calibration: Calibration | None) -> "Reasoner":
        """The reasoner, knowing how far it and a planner are to be believed."""
        return Reasoner(
            self._weights,
            self.relations,
            encoder=self.encoder,
            hops=self.hops,
            bounds=self.bounds,
            calibration=calibration,
        )

    def save(self, path: Path) -> None:
        """Write the reasoner.

        Raises:
            PlannerError: it cannot be written.
        """
        about = {
            "format": FORMAT,
            "relations": list(self.relations),
            "encoder": self.encoder,
            "hops": self.hops,
            "bounds": asdict(self.bounds),
            "calibration": None if self.calibration is None else asdict(self.calibration),
        }
        weights_file.write(path, self._weights, about, what="reasoner")


def load(path: Path) -> Reasoner:
    """Read a reasoner.

    Raises:
        PlannerError: there is none, or it is damaged.
    """
    try:
        with safe_open(path, framework="np") as file:
            about = json.loads((file.metadata() or {})["about"])
        if about["format"] != FORMAT:
            raise PlannerError(f"{path} holds {about['format']!r}, not {FORMAT!r}; train the reasoner anew.")
        calibration = about["calibration"]
        weights = () if calibration is None else tuple(map(float, calibration["weights"]))
        kept = load_file(path)
        _check(kept, len(about["relations"]), about["hops"])
        if calibration is not None and len(weights) != WEIGHTS:
            raise ValueError(f"its calibration has {len(weights)} weights, not {WEIGHTS}")
        return Reasoner(
            kept,
            about["relations"],
            encoder=about["encoder"],
            hops=about["hops"],
            bounds=Bounds(**about["bounds"]),
            calibration=None if calibration is None else Calibration(**calibration | {"weights": weights}),
        )
    except FileNotFoundError as error:
        raise PlannerError(f"No reasoner at {path}; train one first with `clew learn --questions FILE`.") from error
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise PlannerError(
            f"The reasoner in {path} cannot be read ({error}); train it anew with `clew learn --questions`, or delete "
            "it to answer by plans and words alone."
        ) from error


def _check(weights: Mapping[str, Array], relations: int, hops: int) -> None:
    """Whether the weights are a reasoner's.

    Raises:
        KeyError: one is missing.
        ValueError: one has not the shape that the others ask for.
    """
    width, d, text = len(weights["first"]), len(weights["base"]), weights["way"].shape[-1]
    half = width // 2
    layers = {
        "adapt": (text, text),
        "match": (text, text + 2),
        "enter": (width, text + 2),
        "key": (width, width),
        "query": (width, width),
        "relate": (d, text),
        "leave": (text, width),
        "instruct": (d, width),
        "start": (d, marks_of(hops) + d),
    }
    for step in range(hops):
        layers |= {f"layers.{step}": (d, 2 * d), f"judges.{step}": (d, width)}
    shapes: dict[str, tuple[int, ...]] = {
        "way": (2, text),
        "own": (2 * relations, text),
        "trust": (hops,),
        "cell.weight_ih": (3 * width, width + d),
        "cell.weight_hh": (3 * width, width),
        "cell.bias_ih": (3 * width,),
        "cell.bias_hh": (3 * width,),
    }
    for name, (out, into) in layers.items():
        shapes |= {f"{name}.weight": (out, into), f"{name}.bias": (out,)}
    for way in ("", "_reverse"):
        shapes |= {f"gru.weight_ih_l0{way}": (3 * half, width), f"gru.weight_hh_l0{way}": (3 * half, half)}
        shapes |= {f"gru.bias_{side}_l0{way}": (3 * half,) for side in ("ih", "hh")}
    for name, shape in shapes.items():
        if weights[name].shape != shape:
            raise ValueError(f"{name} has the shape {weights[name].shape}, not {shape}")


def _relu(x: Array) -> Array:
    return np.maximum(x, np.float32(0))
