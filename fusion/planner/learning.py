"""From a stored graph to a trained planner: on questions made from the graph, on a person's own, or on both.

Where both are there, a person's questions are repeated until they are ``OWN`` of what is learned from: they say how
people ask, the others keep every relation and every shape of question known.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fusion.errors import NothingLearnedError, PlannerError
from fusion.fitting import Epoch
from fusion.planner.model import Planner, row_texts
from fusion.planner.questions import Question, prepare
from fusion.planner.training import Example, PlannerConfig, hits_at_1, train_planner
from fusion.planner.wording import Made, generate
from fusion.planner.wording import examples as worded
from fusion.reasoner.learning import LearnedReasoner, learn_reasoner
from kg.facts import EntityId
from kg.mirror import Mirror
from kg.ontology import Ontology
from kg.store import GraphStore
from nlp.embed import TokenEmbedder

HOLD_OUT = 20  # questions: of fewer, none can be spared
HELD = 300  # generated questions that are held out, at the most
STEPS = 400  # that training takes at the least, however few questions there are
EPOCHS = (4, 40)  # the fewest and the most that are chosen
GENERATED = 6000  # questions that are made, at the most
EACH_WAY = 300  # questions for every relation in each direction: of few relations, fewer are made
OWN = 0.5  # the share of a person's questions among all that are learned from
NAMED = 5  # relations that a message names


@dataclass(frozen=True, slots=True)
class Part:
    """What became of questions of one origin."""

    learned: int = 0
    held_out: int = 0
    hits1: float | None = None  # on those held out; None where there are none


@dataclass(frozen=True, slots=True)
class Trained:
    """A planner, and what training it came to."""

    planner: Planner
    own: Part
    generated: Part
    skipped: Counter[str]  # questions of a person that could not be learned from, by why
    ambiguous: int  # generated questions that were dropped, since their words mean two things
    unworded: tuple[str, ...]  # relations that no generated question is about
    epochs: int
    learned_reasoner: LearnedReasoner | None = None  # where enough questions are held out to calibrate it

    def save(self, planner_file: Path, reasoner_file: Path) -> None:
        """Put both in place of those that were there; where one of them cannot be written, those stay.

        A reasoner is calibrated to its planner: none is ever beside a planner of another training for good, whenever
        this ends.

        Raises:
            PlannerError: they cannot be written.
        """
        planner, reasoner = (file.with_suffix(".new") for file in (planner_file, reasoner_file))
        self.planner.save(planner)
        if self.learned_reasoner is not None:
            self.learned_reasoner.reasoner.save(reasoner)
        try:
            reasoner_file.unlink(missing_ok=True)
            planner.replace(planner_file)
            if self.learned_reasoner is not None:
                reasoner.replace(reasoner_file)
        except OSError as error:
            raise PlannerError(
                f"What was learned is in {planner.parent} ({planner.name}), but could not be put in place ({error}); "
                "run `clew learn --questions` again when the folder can be written to."
            ) from error


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Questions to learn from, and questions to choose an epoch and to calibrate by."""

    train: Sequence[Example]
    dev: Sequence[Example]

    @classmethod
    def of(cls, examples: Sequence[Example], *, most: int | None = None, seed: int) -> "Split":
        """About a tenth is held out, or ``most``: never what is also learned in other words."""
        alike: dict[object, list[Example]] = {}
        for example in examples:
            alike.setdefault((example.topics, example.answers, example.chains), []).append(example)
        groups = list(alike.values())
        random.Random(seed).shuffle(groups)
        held = len(examples) // 10 if len(examples) >= HOLD_OUT else 0
        held = held if most is None else min(held, most)
        train: list[Example] = []
        dev: list[Example] = []
        for group in groups:
            (dev if len(dev) < held else train).extend(group)
        return cls(train, dev)


def learn_questions(
    questions: Sequence[Question],
    store: GraphStore,
    ontology: Ontology,
    embedder: TokenEmbedder,
    *,
    graph: Mirror,
    generated: int | None = None,
    reasoner: bool = True,
    epochs: int | None = None,
    seed: int = 0,
    stage: Callable[[str], None] = lambda line: None,
    begin: Callable[[int, int], None] = lambda questions, epochs: None,
    progress: Callable[[Epoch], None] | None = None,
    reasoning: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Train a planner, and with ``reasoner`` one beside it, on questions and on ``generated`` made from the graph.

    As many are made as its relations call for, unless it is said how many, or none (0).
    A tenth of each is held out to choose the best epochs by. ``stage`` is told, in a line, what is done next, and
    ``begin`` how many questions are learned from, and in how many epochs. What they raise ends it.

    Raises:
        NothingLearnedError: the graph has no facts, none of the questions can be learned from, or none can be made.
        StoreError: the store failed.
        WeightsError: the embedder's weights are missing or damaged.
    """
    if not graph.facts:
        raise NothingLearnedError(
            f"The graph at {store.address} holds no facts to walk; `clew ingest` or `clew import` some."
        )
    config = PlannerConfig(seed=seed)
    own, skipped, made = Split((), ()), Counter[str](), Made((), 0, ())
    if questions:
        stage(f"looking for the facts that {len(questions):,} given questions walk")
        prepared = prepare(questions, store, ontology, graph, embedder, hops=config.hops)
        own, skipped = Split.of(prepared.examples, seed=seed), prepared.skipped
    if generated is None or generated:
        stage("making questions of the graph")
        types = {entity.id: entity.type for entity in store.all_entities()}
        made = make_questions(graph, ontology, types, count=generated, hops=config.hops, seed=seed)
        if not (made.questions or questions):
            raise NothingLearnedError(_nothing_made(made, store))
    if made.questions:
        stage(f"encoding {len(made.questions):,} questions that were made")
    ours = Split.of(worded(graph, made.questions, embedder.tokens), most=HELD, seed=seed)
    train, dev = mixed(own.train, ours.train), mixed(own.dev, ours.dev)
    config = replace(config, batch=max(8, min(config.batch, len(train) // 8)))
    steps = -(-len(train) // config.batch)
    config = replace(config, epochs=epochs or min(EPOCHS[1], max(EPOCHS[0], -(-STEPS // steps))))
    begin(len(own.train) + len(ours.train), config.epochs)
    texts = embedder.encode(row_texts(graph.relations))
    planner = train_planner(graph, train, texts, config, encoder=embedder.name, dev=dev, progress=progress)
    mine, made_up = (
        Part(len(part.train), len(part.dev), hits_at_1(planner, graph, part.dev, texts) if part.dev else None)
        for part in (own, ours)
    )
    known = [example.asked for example in (*own.train, *ours.train)]
    planner = planner.acquainted(known)
    apart = [*own.dev, *ours.dev]  # each once: it is calibrated on halves of them
    if reasoner:
        stage("looking at what is around each question's topic, for the reasoner")
    beside = learn_reasoner(planner, graph, train, apart, texts, seed=seed, progress=reasoning) if reasoner else None
    return Trained(planner, mine, made_up, skipped, made.ambiguous, made.unworded, config.epochs, beside)


def make_questions(
    graph: Mirror,
    ontology: Ontology,
    types: Mapping[EntityId, str],
    *,
    hops: int,
    seed: int,
    count: int | None = None,
) -> Made:
    """At most ``count`` questions from a graph, or as many as its relations call for."""
    called_for = enough(len(graph.relations))
    count = called_for if count is None else min(count, called_for)
    return generate(graph, ontology, count=count, hops=hops, seed=seed, types=types)


def enough(relations: int) -> int:
    """How many questions are made of a graph with so many relations."""
    return min(GENERATED, 2 * EACH_WAY * relations)


def mixed(own: Sequence[Example], generated: Sequence[Example]) -> list[Example]:
    """Generated questions and a person's own, these repeated until they are about ``OWN`` of all."""
    times = round(len(generated) * OWN / (1 - OWN) / len(own)) if own else 0
    return [*own] * max(1, times) + [*generated]


def _nothing_made(made: Made, store: GraphStore) -> str:
    if not made.unworded:
        return f"No question can be made from the graph at {store.address}; give questions in a file."
    more = f" and {len(made.unworded) - NAMED:,} more" if len(made.unworded) > NAMED else ""
    return (
        f"No question can be made from the graph at {store.address}: {', '.join(map(repr, made.unworded[:NAMED]))}"
        f"{more} are no words; label them in the ontology, or give questions in a file."
    )
