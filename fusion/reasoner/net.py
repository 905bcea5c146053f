"""The reasoner as torch trains it, over questions whose graphs PyTorch Geometric puts side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import HeteroData
from torch_geometric.utils import scatter, softmax

from fusion.planner.model import SCALE
from fusion.reasoner.around import WHOLE, Around, Bounds, marks_of
from kg.mirror import Places

NARROW = Bounds(entities=500, facts=1500, expanded=300)  # in training: a question costs less


@dataclass(frozen=True, slots=True)
class ReasonerConfig:
    """How a reasoner is built and trained."""

    width: int = 128  # of the question's states
    entity_width: int = 64
    hops: int = 3
    seeking: int = 6  # passes that learn relevance
    epochs: int = 6
    batch: int = 16  # questions
    rate: float = 2e-3  # of AdamW, falling to 0 over the epochs as half a cosine
    decay: float = 1e-4
    dropout: float = 0.1
    clip: float = 1.0
    unnamed: float = 0.2  # share of relations that a step of training knows by their words alone
    guidance: float = 0.3  # how much the steps before the last are learned, beside the last
    seed: int = 0
    bounds: Bounds = WHOLE
    training_bounds: Bounds = NARROW


class ReasonerNet(nn.Module):
    """See model.py for the equations."""

    def __init__(self, relations: int, text_width: int, config: ReasonerConfig) -> None:
        super().__init__()
        width, d = config.width, config.entity_width
        self.relations, self.hops, self.unnamed = relations, config.hops, config.unnamed
        self.adapt, self.match = nn.Linear(text_width, text_width), nn.Linear(text_width + 2, text_width)
        self.way = nn.Parameter(torch.zeros(2, text_width))
        self.own = nn.Parameter(torch.zeros(2 * relations, text_width))
        self.enter = nn.Linear(text_width + 2, width)
        self.gru = nn.GRU(width, width // 2, bidirectional=True, batch_first=True)
        self.key, self.query = nn.Linear(width, width), nn.Linear(width, width)
        self.cell = nn.GRUCell(width + d, width)
        self.first = nn.Parameter(torch.zeros(width))
        self.relate, self.leave, self.instruct = (
            nn.Linear(text_width, d),
            nn.Linear(width, text_width),
            nn.Linear(width, d),
        )
        self.start = nn.Linear(marks_of(config.hops) + d, d)
        self.layers = nn.ModuleList(nn.Linear(2 * d, d) for _ in range(config.hops))
        self.judges = nn.ModuleList(nn.Linear(width, d) for _ in range(config.hops))
        self.trust = nn.Parameter(torch.full((config.hops,), 0.5))
        self.base = nn.Parameter(torch.full((d,), 0.1))
        self.dropout = nn.Dropout(config.dropout)
        with torch.no_grad():
            self.adapt.weight.mul_(0.1)
            self.match.weight.mul_(0.1)
            self.match.weight[:, :text_width].add_(torch.eye(text_width))
            self.leave.weight.mul_(0.25)

    def words(self, texts: Tensor) -> Tensor:
        """ρ of every row. Shapes: (2r, t) -> (2r, t)."""
        encoded = texts * float(SCALE)
        own: Tensor = self.own
        if self.training:  # now and then a relation is known by its words alone, as a new one will be
            own = own * (torch.rand(len(own), 1) >= self.unnamed)
        found: Tensor = encoded + self.adapt(encoded) + self.way.repeat_interleave(self.relations, dim=0) + own
        return found

    def relevance(self, features: Tensor, there: Tensor, words: Tensor) -> Tensor:
        """Log-probabilities. Shapes: features (b, s, t + 2), there (b, s) bool, words (2r, t) -> (b, 2r)."""
        scores = self.match(features) @ words.T / words.shape[1] ** 0.5  # (b, s, 2r)
        found: Tensor = scores.masked_fill(~there[:, :, None], -torch.inf).amax(dim=1).log_softmax(dim=1)
        return found

    def forward(self, features: Tensor, lengths: Tensor, graph: HeteroData, words: Tensor) -> Tensor:
        """Log-probabilities of the entities of all questions, after each step.

        Shapes: features (b, s, t + 2), lengths (b,), words (2r, t) -> (Σ n, hops)
        """
        count, entity, pair = len(lengths), graph["entity"], graph["pair"]
        there = torch.arange(features.shape[1]) < lengths[:, None]
        with torch.no_grad():  # what is gathered goes by it: it is learned before
            relevance = self.relevance(features, there, words)
            relevance = relevance - relevance.amax(dim=1, keepdim=True)  # (b, 2r)
        x = self.dropout(torch.tanh(self.enter(features)))
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        states = self.dropout(nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True)[0])  # (b, s, w)
        keys = self.key(states)
        kinds = self.relate(words)  # (2r, d)
        total = len(entity.marks)
        of = graph["kind", "of", "entity"].edge_index[1]
        signature = nn.functional.embedding_bag(graph["kind"].row, kinds, _offsets(of, total), mode="mean")  # (N, d)
        h = torch.relu(self.start(torch.cat((entity.marks, signature), dim=1)))  # (N, d)
        leaving, begun = graph["entity", "leads", "pair"].edge_index
        ends = graph["pair", "ends", "entity"].edge_index[1]
        told_of, told = pair.batch * len(words) + pair.row, _offsets(ends, total)
        whose = entity.batch
        reached = entity.topic
        p = reached / scatter(reached, whose, dim_size=count).clamp_min(1)[whose]
        state = self.first.expand(count, -1)
        found: list[Tensor] = []
        for step in range(self.hops):
            scores = (keys @ self.query(state)[:, :, None]).squeeze(2) / state.shape[1] ** 0.5  # (b, s)
            shares = scores.masked_fill(~there, -torch.inf).softmax(dim=1)
            heard = (shares[:, None, :] @ states).squeeze(1)  # (b, w)
            state = self.cell(torch.cat((heard, scatter(p[:, None] * h, whose, dim_size=count)), dim=1), state)
            gate = torch.sigmoid(self.leave(state) @ words.T + self.trust[step] * relevance)  # (b, 2r)
            sums = torch.log1p(scatter(reached[leaving], begun, dim_size=len(pair.row)))  # (P,)
            messages = gate[:, :, None] * torch.relu(self.instruct(state)[:, None, :] * kinds + self.base)  # (b, 2r, d)
            m = nn.functional.embedding_bag(
                told_of, messages.flatten(0, 1), told, mode="sum", per_sample_weights=sums
            )  # (N, d)
            h = torch.relu(self.layers[step](torch.cat((h, m), dim=1)))
            scores = (h * self.judges[step](state)[whose]).sum(dim=1)  # (N,)
            p = softmax(scores, whose, num_nodes=count)
            found.append((p + 1e-12).log())
            reached = p / scatter(p, whose, dim_size=count, reduce="max")[whose]
        return torch.stack(found, dim=1)


def graph_of(part: Around, wanted: Sequence[Places]) -> HeteroData:
    """What was gathered, as PyTorch Geometric batches it; ``wanted`` are the places here to be at after each step.

    A pair is an entity and a row by which steps end there: what arrives by one row is summed before it is told.
    """
    width = int(part.rows.max(initial=0)) + 1
    pairs, begun = np.unique(part.targets * width + part.rows, return_inverse=True)
    ends, row = np.divmod(pairs, width)
    graph = HeteroData()
    graph["entity"].marks = torch.from_numpy(part.marks)
    graph["entity"].num_nodes = len(part.places)
    topic = torch.zeros(len(part.places))
    topic[torch.from_numpy(part.topics)] = 1
    share = torch.zeros(len(part.places), len(wanted))
    for step, places in enumerate(wanted):
        share[torch.from_numpy(places), step] = 1 / max(1, len(places))
    graph["entity"].topic, graph["entity"].share = topic, share
    graph["pair"].row = torch.from_numpy(row)
    graph["pair"].num_nodes = len(pairs)
    graph["kind"].row = torch.from_numpy(part.kinds[:, 1].copy())
    graph["kind"].num_nodes = len(part.kinds)
    graph["entity", "leads", "pair"].edge_index = torch.from_numpy(np.stack((part.sources, begun)))
    graph["pair", "ends", "entity"].edge_index = torch.from_numpy(np.stack((np.arange(len(pairs)), ends)))
    graph["kind", "of", "entity"].edge_index = torch.from_numpy(
        np.stack((np.arange(len(part.kinds)), part.kinds[:, 0]))
    )
    return graph


def _offsets(groups: Tensor, count: int) -> Tensor:
    """Where each group begins among ascending numbers of groups. Shapes: (k,) -> (count,)."""
    return torch.searchsorted(groups, torch.arange(count))
