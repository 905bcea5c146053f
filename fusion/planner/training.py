"""Training a planner, from questions and their answers, or from the chains themselves where they are known.

Of each question the loss is −log Σ p(chain) over the chains that explain its answers (labels.py): which of them is
meant, the other questions tell. If one length of chains explains nearly all questions, longer and shorter ones are left
out. Where a question has many, those that most questions have are kept (those that its
own words say were tried, and are no better). Every step is normalised over the rows that lead on from where the chain
stands, and, with less weight, over all rows of the graph: where only one row leads on, the first has nothing to teach,
and how well the question asks for it would be left to chance.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from fusion.errors import PlannerError
from fusion.fitting import Epoch, fit
from fusion.planner.labels import Chain, explain, of_usual_length
from fusion.planner.model import BUCKETS, SCALE, Asked, Planner
from fusion.planner.search import candidates, plans
from kg.mirror import Mirror

CHAINS = 6  # of one question that are learned from
LEAST = 0.1  # F1: chains that explain less of the answers are no labels


@dataclass(frozen=True, slots=True)
class PlannerConfig:
    """How a planner is built and trained."""

    width: int = 256
    hops: int = 3
    epochs: int = 12
    batch: int = 64  # questions
    rate: float = 2e-3  # of AdamW, falling to 0 over the epochs as half a cosine
    decay: float = 1e-4
    dropout: float = 0.2
    clip: float = 1.0
    at_large: float = 0.1  # weight of the loss of choosing each step among all rows of the graph
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A question over a graph, with its words' stems; ``chains`` where they are known, else they are sought."""

    asked: Asked
    topics: tuple[int, ...]
    answers: frozenset[int]
    chains: tuple[Chain, ...] = ()
    words: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, eq=False)
class _Label:
    """A chain with stop at its end, and the rows that led on at each of its steps."""

    rows: tuple[int, ...]
    allowed: tuple[np.ndarray, ...]


class PlannerNet(nn.Module):
    """The planner as torch trains it; see model.py for the equations."""

    def __init__(self, relations: int, text_width: int, config: PlannerConfig, *, chinese: bool) -> None:
        super().__init__()
        width = config.width
        self.relations = relations
        self.enter = nn.Linear(text_width + 2, width)
        self.gru = nn.GRU(width, width // 2, bidirectional=True, batch_first=True)
        self.key, self.query = nn.Linear(width, width), nn.Linear(width, width)
        self.cell = nn.GRUCell(width + text_width, width)
        self.leave = nn.Linear(width, text_width)
        self.adapt = nn.Linear(text_width, text_width)
        self.first = nn.Parameter(torch.zeros(width))
        self.way = nn.Parameter(torch.zeros(3, text_width))
        self.own = nn.Parameter(torch.zeros(2 * relations + 1, text_width))
        self.dropout = nn.Dropout(config.dropout)
        self.characters = nn.Embedding(BUCKETS + 1, width, padding_idx=0) if chinese else None
        with torch.no_grad():
            if self.characters is not None:
                self.characters.weight.zero_()
            self.adapt.weight.mul_(0.1)
            self.leave.weight.mul_(0.25)

    def rows(self, texts: Tensor) -> Tensor:
        """ρ of every row. Shapes: (2r + 1, t) -> (2r + 1, t)."""
        ways = torch.arange(3).repeat_interleave(torch.tensor([self.relations, self.relations, 1]))
        encoded = texts * float(SCALE)
        found: Tensor = encoded + self.adapt(encoded) + self.way[ways] + self.own
        return found

    def read(self, features: Tensor, grams: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Shapes: features (b, s, t + 2), grams (b, s, 3), lengths (b,) -> states (b, s, d), keys (b, s, d)."""
        x = self.enter(features)
        if self.characters is not None:
            x = x + self.characters(grams).sum(dim=2)
        x = self.dropout(torch.tanh(x))
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        states, _ = nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        states = self.dropout(states)
        return states, self.key(states)

    def step(self, states: Tensor, keys: Tensor, there: Tensor, state: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Shapes: states, keys (p, s, d), there (p, s) bool, state (p, d), before (p, t) -> (p, d), (p, t)."""
        scores = (keys @ self.query(state)[:, :, None]).squeeze(2) / state.shape[1] ** 0.5  # (p, s)
        shares = scores.masked_fill(~there, -torch.inf).softmax(dim=1)
        heard = (shares[:, None, :] @ states).squeeze(1)  # (p, d)
        state = self.cell(torch.cat((heard, before), dim=1), state)
        return state, self.leave(state)


def train_planner(
    mirror: Mirror,
    examples: Sequence[Example],
    texts: np.ndarray,
    config: PlannerConfig,
    *,
    encoder: str,
    dev: Sequence[Example] = (),
    progress: Callable[[Epoch], None] | None = None,
) -> Planner:
    """Fit a planner to questions over a graph; of its epochs, the one that answers most dev questions is kept.

    Shapes: texts (2r + 1, t), the sentence vectors of ``row_texts(mirror.relations)``.

    Raises:
        PlannerError: no question has an answer that some chain leads to.
    """
    begun = time.perf_counter()
    labels = _labels(mirror, examples, config.hops)
    usable = [number for number, found in enumerate(labels) if found]
    if not usable:
        raise PlannerError(
            f"None of the {len(examples):,} training questions has an answer that is at most {config.hops} hops from "
            "its topic; give questions about this graph."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        chinese = any(example.asked.grams.any() for example in examples)
        net = PlannerNet(len(mirror.relations), texts.shape[1], config, chinese=chinese)
        row_vectors = torch.from_numpy(texts)

        def loss(part: Sequence[int]) -> Tensor:
            return _loss(net, row_vectors, [examples[at] for at in part], [labels[at] for at in part], config.at_large)

        return fit(
            net,
            usable,
            loss,
            config,
            export=lambda: _export(net, mirror, encoder, config),
            hits1=(lambda planner: hits_at_1(planner, mirror, dev, texts)) if dev else None,
            order=random.Random(config.seed),
            begun=begun,
            progress=progress,
        )


def hits_at_1(planner: Planner, mirror: Mirror, examples: Sequence[Example], texts: np.ndarray) -> float:
    """The share of questions whose first candidate is an answer."""
    rows = planner.rows(mirror.relations, texts)
    right = 0
    for example in examples:
        topics = list(example.topics)
        found = candidates(plans(planner, mirror, rows, planner.read(example.asked), topics), topics)
        right += bool(found) and found[0].place in example.answers
    return right / len(examples) if examples else 0.0


def _labels(mirror: Mirror, examples: Sequence[Example], hops: int) -> list[list[_Label]]:
    """For each question the chains to learn from; none where no chain explains its answers."""
    sought = [[] if example.chains else _sought(mirror, example, hops) for example in examples]
    found = [list(example.chains) or chains for example, chains in zip(examples, of_usual_length(sought), strict=True)]
    common = Counter(chain for chains in found for chain in chains)
    return [
        [_label(mirror, example, chain) for chain in sorted(chains, key=lambda c: (-common[c], c))[:CHAINS]]
        for example, chains in zip(examples, found, strict=True)
    ]


def _sought(mirror: Mirror, example: Example, hops: int) -> list[Chain]:
    chains, f1 = explain(mirror, example.topics, example.answers, hops=hops)
    return chains if f1 >= LEAST else []


def _label(mirror: Mirror, example: Example, chain: Chain) -> _Label:
    stop = 2 * len(mirror.relations)
    front, allowed = mirror.start(list(example.topics)), []
    for row in chain:
        onward = mirror.rows_from(front)
        allowed.append(np.append(onward, stop) if front.row >= 0 else onward)
        front = mirror.step(front, row)
    allowed.append(np.append(mirror.rows_from(front), stop))
    return _Label((*chain, stop), tuple(allowed))


def _loss(
    net: PlannerNet, texts: Tensor, examples: Sequence[Example], labels: Sequence[Sequence[_Label]], at_large: float
) -> Tensor:
    """The mean over questions of −log Σ p(chain), among what leads on, and so much of it among all rows."""
    lengths = torch.tensor([len(example.asked.vectors) for example in examples])
    features, grams = (
        nn.utils.rnn.pad_sequence([torch.from_numpy(array) for array in arrays], batch_first=True)
        for arrays in zip(*((example.asked.features, example.asked.grams) for example in examples), strict=True)
    )
    states, keys = net.read(features, grams, lengths)
    there = torch.arange(states.shape[1]) < lengths[:, None]
    rows = net.rows(texts)  # (2r + 1, t)
    flat = [label for of_question in labels for label in of_question]
    owner = torch.tensor([at for at, of_question in enumerate(labels) for _ in of_question])
    state = net.first.expand(len(flat), -1)
    before = texts.new_zeros((len(flat), texts.shape[1]))
    onward, anywhere = texts.new_zeros((2, len(flat)))
    for place in range(max(len(label.rows) for label in flat)):
        state, wanted = net.step(states[owner], keys[owner], there[owner], state, before)
        going = torch.tensor([place < len(label.rows) for label in flat])
        chosen = torch.tensor([label.rows[place] if place < len(label.rows) else 0 for label in flat])
        closed = torch.ones((len(flat), len(rows)), dtype=torch.bool)
        for at, label in enumerate(flat):
            closed[at, torch.from_numpy(label.allowed[place]) if place < len(label.rows) else slice(None)] = False
        scores = wanted @ rows.T  # (p, 2r + 1)
        if place == 0:
            scores = scores[:, :-1]  # no walk stops before it begins
            closed = closed[:, :-1]
        onward = onward + torch.where(going, _chance(scores.masked_fill(closed, -torch.inf), chosen), 0.0)
        anywhere = anywhere + torch.where(going, _chance(scores, chosen), 0.0)
        before = rows[chosen]
    return _of_any(onward, owner, len(examples)) + at_large * _of_any(anywhere, owner, len(examples))


def _chance(scores: Tensor, chosen: Tensor) -> Tensor:
    """The log-probability of what was chosen. Shapes: (p, k), (p,) -> (p,)."""
    return scores.log_softmax(dim=1).gather(1, chosen[:, None]).squeeze(1)


def _of_any(chances: Tensor, owner: Tensor, count: int) -> Tensor:
    """The mean over questions of −log Σ p, with the log p of each chain and whose chain it is. Shapes: (p,), (p,)."""
    greatest = torch.full((count,), -torch.inf).scatter_reduce(0, owner, chances.detach(), "amax")
    summed = torch.zeros(count).index_add(0, owner, (chances - greatest[owner]).exp())
    return -(summed.log() + greatest).mean()


def _export(net: PlannerNet, mirror: Mirror, encoder: str, config: PlannerConfig) -> Planner:
    weights = {name: tensor.detach().numpy().copy() for name, tensor in net.state_dict().items()}
    return Planner(weights, mirror.relations, encoder=encoder, hops=config.hops)
