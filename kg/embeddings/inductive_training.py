"""Training the inductive encoder, and ranking with it facts that it may not read off the graph."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from kg.embeddings.batches import with_inverses
from kg.embeddings.errors import TooLargeError
from kg.embeddings.inductive import Aggregation, NBFNet
from kg.embeddings.loop import Fitted, Schedule, fit
from kg.embeddings.memory import available
from kg.embeddings.walks import Links, Questions, hops

SAMPLES = 4  # batches drawn to see how far questions reach
FLOATS: dict[Aggregation, tuple[int, int]] = {"sum": (5, 12), "pna": (9, 32)}  # rows held: a message, a reached pair


@dataclass(frozen=True, slots=True)
class InductiveConfig:
    """How the encoder is built and trained."""

    dimension: int = 32
    layers: int = 4
    aggregation: Aggregation = "sum"
    apart: float = 0.5  # the share of queries that walk no edge at all between head and answer
    batch: int = 64
    schedule: Schedule = field(default_factory=lambda: Schedule(steps=1000, rate=5e-3))


def fit_inductive(
    links: Links,
    config: InductiveConfig,
    *,
    device: str = "cpu",
    dev: Callable[[NBFNet], float] | None = None,
    progress: Callable[[int, float], None] | None = None,
    free: int | None = None,
) -> tuple[NBFNet, Fitted]:
    """Train on a graph to find the answer of each of its facts without walking that fact.

    The loss is the softmax over all entities with the fact's other known answers left out; both sides of a fact are
    asked for. ``dev`` scores a model (higher is better): the best state is kept. ``free`` stands in for the bytes
    of memory that are left.

    Raises:
        NothingToLearnError: the graph holds no facts.
        TooLargeError: a step would not fit.
        DivergedError: the loss became infinite or no number before anything good was learned.
    """
    generator = torch.Generator().manual_seed(config.schedule.seed)
    check_memory(links, config, device=device, free=free)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.schedule.seed)
        model = NBFNet(links, dimension=config.dimension, layers=config.layers, aggregation=config.aggregation)
    model.to(device)
    links = model.links
    heads = torch.repeat_interleave(links.degree())  # (2m,)

    def loss() -> Tensor:
        edges = torch.randint(len(heads), (config.batch,), generator=generator).to(device)
        apart = torch.rand(config.batch, generator=generator).to(device) < config.apart
        questions = Questions(heads[edges], links.relation[edges], links.target[edges], apart)
        scores = model.scores_on(links, questions)  # (b, n)
        return F.cross_entropy(without_other_answers(scores, links, questions), links.target[edges])

    return model, fit(model, loss, config.schedule, facts=len(heads), dev=dev, progress=progress)


def check_memory(links: Links, config: InductiveConfig, *, device: str, free: int | None = None) -> None:
    """Refuse what does not fit, judging by how far some batches of questions reach.

    Raises:
        TooLargeError: a step would need more memory than there is.
    """
    need, left = step_bytes(links, config), available(device) if free is None else free
    if need > left:
        raise TooLargeError(
            f"A step over {config.batch} questions in {config.dimension} dimensions and {config.layers} layers needs "
            f"about {need / 1e9:.1f} GB of memory, and {left / 1e9:.1f} GB are free on {device}; choose a smaller "
            "batch or dimension, or fewer layers."
        )


def step_bytes(links: Links, config: InductiveConfig) -> int:
    """Bytes that a training step takes at its peak: of some drawn batches the greatest, and half as much again."""
    a_message, a_pair = FLOATS[config.aggregation]  # rows of d numbers that autograd holds
    greatest = 0
    for messages, pairs in _drawn(links, config):
        rows = a_message * messages + a_pair * pairs
        greatest = max(greatest, 4 * config.dimension * rows + 48 * messages)
    weights = 2 * config.layers * config.batch * 2 * links.num_relations * config.dimension
    return greatest * 3 // 2 + 4 * weights + 16 * config.batch * links.num_entities


def step_messages(links: Links, config: InductiveConfig, *, most: int) -> int:
    """Messages of a training step, over all layers: of some drawn batches the greatest number; above ``most``, any."""
    return max((messages for messages, _ in _drawn(links, config, limit=most)), default=0)


def _drawn(links: Links, config: InductiveConfig, *, limit: int | None = None) -> Iterator[tuple[int, int]]:
    """Messages, and reached pairs, of some drawn batches; one more than the limit where a layer has more."""
    generator = torch.Generator().manual_seed(config.schedule.seed)
    heads = torch.repeat_interleave(links.degree())
    for _ in range(SAMPLES if len(heads) else 0):
        edges = torch.randint(len(heads), (config.batch,), generator=generator).to(heads.device)
        walk = hops(links, Questions(heads[edges], links.relation[edges]), layers=config.layers, limit=limit)
        if walk is None:
            assert limit is not None
            yield limit + 1, limit + 1
        else:
            yield sum(len(hop.source) for hop in walk), sum(len(hop.reached) for hop in walk)


def without_other_answers(scores: Tensor, links: Links, questions: Questions) -> Tensor:
    """The scores with −∞ for every answer that the graph holds but the one that the query was made from.

    Shapes:
        scores (b, n); returns (b, n)
    """
    assert questions.answers is not None
    row, entity = links.answers(questions.heads, questions.relations)
    other = entity != questions.answers[row]
    return scores.index_put((row[other], entity[other]), scores.new_tensor(-torch.inf))


@torch.inference_mode()
def leave_one_out_ranks(
    model: NBFNet,
    triples: Tensor,
    *,
    apart: bool = False,
    batch: int = 64,
    extra: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Tensor:
    """The filtered realistic rank of every tail, then of every head, each asked without walking its own fact.

    The triples are facts of the model's graph, whose other facts are what the model may use. With ``apart``, no fact
    between the two entities may be used. ``extra`` (heads, relations) -> (b, n) is added to the scores.

    Shapes:
        triples (k, 3); returns (2k,)
    """
    found = []
    for part in torch.split(with_inverses(triples, model.num_relations), batch):
        heads, relations, answers = part.unbind(1)
        questions = Questions(heads, relations, answers, torch.full_like(heads, apart, dtype=torch.bool))
        scores = model.scores_on(model.links, questions)
        if extra is not None:
            scores = scores + extra(heads, relations)
        found.append(realistic_ranks(without_other_answers(scores, model.links, questions), answers))
    return torch.cat(found) if found else torch.empty(0)


def realistic_ranks(scores: Tensor, answers: Tensor) -> Tensor:
    """1 + how many score higher + half of how many others score the same.

    Shapes:
        scores (b, n), answers (b,); returns (b,)
    """
    own = scores.gather(1, answers.unsqueeze(1))
    return 1 + (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
