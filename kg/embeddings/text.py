"""Link prediction from texts alone: an entity's vector is a projection of what its name and description say.

    x[v] = W t[v] + V relu(U t[v])       t[v] = √width · the sentence encoder's vector of v's text
    score = Re⟨x[h], r, x̄[t]⟩            ComplEx over projected vectors

As in BLP (Daza et al. 2021, https://arxiv.org/abs/2010.03496) with the text encoder left as it is. An entity that
training never saw has a text, hence a vector. This is what an encoder that reads the graph has to beat on such
entities. The sentence encoder is handed in: this package knows no text model.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from kg.embeddings.loop import Fitted, Schedule, fit
from kg.embeddings.scorers import ComplEx
from kg.embeddings.walks import Links
from kg.errors import InputError

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]


class SentenceEncoder(Protocol):
    """Turns texts into vectors of unit length."""

    @property
    def name(self) -> str:
        """Changes whenever the vectors do."""
        ...

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """One row a text."""
        ...


def text_of(name: str, description: str = "") -> str:
    """What is encoded for an entity: "Forbidden Ground: 2013 Australian action drama film"."""
    return f"{name}: {description}" if description else name


def text_features(texts: Sequence[str], encode: Encode, *, batch: int = 1024) -> Tensor:
    """The texts through a sentence encoder, some at a time.

    Shapes:
        returns (len(texts), t)

    Raises:
        InputError: the encoder gave another number of rows than it got texts, or something that is no number.
    """
    parts = []
    for start in range(0, len(texts), batch):
        part = texts[start : start + batch]
        rows = torch.from_numpy(np.array(encode(part), dtype=np.float32))
        if rows.ndim != 2 or len(rows) != len(part) or not bool(torch.isfinite(rows).all()):
            raise InputError(
                f"The sentence encoder gave an array of shape {tuple(rows.shape)} for {len(part)} texts, or something "
                "in it is no number; it must give one finite row a text."
            )
        parts.append(rows)
    return torch.cat(parts) if parts else torch.empty(0, 0)


class TextScorer(ComplEx):
    """ComplEx whose entity vectors are projections of text vectors."""

    def __init__(self, features: Tensor, num_relations: int, *, dimension: int = 256, hidden: int = 256) -> None:
        """Shapes: features (n, t)."""
        super().__init__(0, num_relations, dimension=dimension, initial_scale=dimension**-0.5)
        del self.entities  # no entity has a vector of its own
        self.num_entities, width = features.shape
        self.register_buffer("features", features, persistent=False)
        self.features: Tensor
        self.direct = nn.Linear(width, dimension)
        self.inner = nn.Linear(width, hidden)
        self.outer = nn.Linear(hidden, dimension)
        self._known: tuple[Tensor, Tensor] | None = None

    def project(self, features: Tensor) -> Tensor:
        """Entity vectors of texts. Shapes: (k, t) -> (k, d)."""
        rows = features * features.shape[1] ** 0.5  # of unit vectors: numbers about 1, from which Adam starts well
        projected: Tensor = self.direct(rows) + self.outer(torch.relu(self.inner(rows)))
        return projected

    def vectors(self) -> tuple[Tensor, Tensor]:
        """Entities (n, d) and relations (2r, d); kept between calls while nothing is trained."""
        if self._known is not None:
            return self._known
        found = self.project(self.features), self.relations.weight
        if not self.training and not torch.is_grad_enabled():
            self._known = found
        return found

    def train(self, mode: bool = True) -> Self:
        self._known = None
        return super().train(mode)

    def on(self, features: Tensor) -> Self:
        """The same weights over other entities' texts.

        Shapes:
            features (n', t)

        Raises:
            InputError: the vectors have another length than in training.
        """
        if features.shape[1] != self.features.shape[1]:
            raise InputError(
                f"The text vectors have {features.shape[1]} numbers, in training {self.features.shape[1]}; "
                "use the sentence encoder that it was trained with."
            )
        other = copy(self)
        other._buffers = dict(self._buffers)  # the copy shares the dictionaries, and must not change ours
        other.features, other.num_entities, other._known = features, len(features), None
        return other


@dataclass(frozen=True, slots=True)
class TextConfig:
    """How the scorer is built and trained."""

    dimension: int = 256
    hidden: int = 256
    batch: int = 512
    candidates: int = 4096  # entities drawn to compare with, beside the batch's own answers
    schedule: Schedule = field(default_factory=lambda: Schedule(steps=2000, rate=1e-3))


def fit_text(
    links: Links,
    features: Tensor,
    config: TextConfig,
    *,
    device: str = "cpu",
    dev: Callable[[TextScorer], float] | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> tuple[TextScorer, Fitted]:
    """Train on a graph's facts, both sides of each, by a softmax over answers and drawn entities of the graph.

    Entities without a fact are never compared with. Known answers are left out, but for the one asked for.

    Shapes:
        features (n, t)

    Raises:
        NothingToLearnError: the graph holds no facts.
        DivergedError: the loss became infinite or no number before anything good was learned.
    """
    generator = torch.Generator().manual_seed(config.schedule.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.schedule.seed)
        model = TextScorer(features, links.num_relations, dimension=config.dimension, hidden=config.hidden)
    model.to(device)
    links = links.apply(lambda tensor: tensor.to(device))
    heads = torch.repeat_interleave(links.degree())  # (2m,)
    seen = links.degree().nonzero().squeeze(1)

    def loss() -> Tensor:
        edges = torch.randint(len(heads), (config.batch,), generator=generator).to(device)
        drawn = torch.randint(len(seen), (config.candidates,), generator=generator).to(device)
        asked, relations, answers = heads[edges], links.relation[edges], links.target[edges]
        candidates = torch.unique(torch.cat([answers, seen[drawn]]))  # (c,)
        vectors = model.project(model.features[candidates])  # (c, d)
        query = model.query(model.project(model.features[asked]), model.relations(relations))  # (b, d)
        scores = model.compare(query, vectors)  # (b, c)
        row, entity = links.answers(asked, relations)
        place = torch.searchsorted(candidates, entity).clamp_max(len(candidates) - 1)
        other = (candidates[place] == entity) & (entity != answers[row])
        scores = scores.index_put((row[other], place[other]), scores.new_tensor(-torch.inf))
        return nn.functional.cross_entropy(scores, torch.searchsorted(candidates, answers))

    return model, fit(model, loss, config.schedule, facts=len(heads), dev=dev, progress=progress)
