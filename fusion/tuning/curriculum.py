"""Questions with known answers, over a store → examples to train a fused model on.

Prompts and views are made by the code that answers: `Answerer.gather` and `LocalSpeaker.prompt`. What is to be said of
them is decided by rule (teaching.py), and so is which of the chains that lead to candidates are right. There are four
kinds of questions:

generated      made from the graph, of one to several hops (planner/wording.py)
given          a person's own, or a published set's
passages       made from the graph, of one hop; their facts are withheld, so that only the text answers them
unanswerable   generated or given; the facts that answer them, and the passages that state these, are withheld

What is withheld is withheld from the whole path (kg/withheld.py): plans are then walked in the graph that is left. It
is a small part of the graph at a time, so that the rest is as it always is.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from fusion.answerer import Answerer
from fusion.claims import written
from fusion.decode import Grammar
from fusion.errors import PromptTooLongError
from fusion.evaluate import normalise
from fusion.gathering import Gatherer
from fusion.named import named
from fusion.planner.labels import explain
from fusion.planner.lexicon import LANGUAGES
from fusion.planner.model import TOPIC
from fusion.planner.questions import Question
from fusion.planner.wording import Generated, generate
from fusion.scoring import considered, told
from fusion.speaking import LocalSpeaker
from fusion.teaching import is_answer, taught
from fusion.tuning.examples import Example
from kg.facts import ChunkId, EntityId, Triple, name_key
from kg.mirror import Mirror, mirror
from kg.ontology import Ontology
from kg.store import GraphStore
from kg.withheld import Withheld, WithheldStore, only_in, stating
from nlp.embed import TokenEmbedder

KINDS = ("generated", "given", "passages", "unanswerable")
SHARES: Mapping[str, float] = {"generated": 0.4, "given": 0.3, "passages": 0.15, "unanswerable": 0.15}
SPARE = 2  # times as many questions are tried as are wanted: not every one makes an example
TENTH = 10  # the most of a person's questions that are taken for unanswerable ones is one in so many
APART = 0.05  # of the facts of a graph, and of the passages, are withheld at once
YES_OR_NO = frozenset(("yes", "no"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many examples, and of what. Of a kind that cannot be had, the others do not take the place."""

    count: int = 4000
    shares: Mapping[str, float] = field(default_factory=lambda: SHARES)
    hops: int = 3
    languages: tuple[str, ...] = LANGUAGES
    seed: int = 1  # not 0, which a planner's own generated questions are drawn with

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count is {self.count}; it must be 1 or more")
        if unknown := self.shares.keys() - {*KINDS}:
            raise ValueError(f"{', '.join(sorted(unknown))}: not one of {', '.join(KINDS)}")
        if any(share < 0 for share in self.shares.values()) or not sum(self.shares.values()):
            raise ValueError("shares must be 0 or more, and not all 0")

    def of(self, kind: str) -> int:
        """How many of a kind."""
        return round(self.count * self.shares.get(kind, 0) / sum(self.shares.values()))


@dataclass(frozen=True, slots=True)
class Posed:
    """A question, the names of its answers, and, where they are known, what it is about and what answers it.

    ``facts`` are in the graph; where there are ``sources``, no other passage answers it.
    """

    text: str
    gold: tuple[str, ...]
    topics: tuple[EntityId, ...] = ()
    facts: frozenset[Triple] = frozenset()
    sources: frozenset[ChunkId] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Examples with the question and the kind of each, and for each kind what became of its questions."""

    examples: tuple[Example, ...]
    posed: tuple[Posed, ...]
    kinds: tuple[str, ...]
    counts: Mapping[str, Counter[str]]

    @property
    def told(self) -> list[str]:
        """A line for each thing that became of questions of a kind."""
        return [f"{kind}: {count:,} {what}" for kind in KINDS for what, count in sorted(self.counts[kind].items())]

    def split(self, share: float) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
        """Examples to learn from, and about a share of them to measure by: none about what one of those asks."""
        found: tuple[list[Example], list[Example]] = ([], [])
        for example, posed in zip(self.examples, self.posed, strict=True):
            drawn = random.Random(f"{sorted(map(normalise, posed.gold))} {posed.topics}").random()
            found[drawn < share].append(example)
        return tuple(found[0]), tuple(found[1])


class Curriculum:
    """Makes examples over one store."""

    def __init__(
        self,
        store: GraphStore,
        speaker: LocalSpeaker,
        answerer: Callable[[GraphStore], Answerer],
        *,
        ontology: Ontology,
        embedder: TokenEmbedder,
        viewed: bool = True,
    ) -> None:
        """``speaker`` packs prompts as it does when it answers; ``answerer`` makes what answers questions of a store.

        Not ``viewed``: views are left without vectors of names, which a text-only model does not read.
        """
        self._store, self._speaker, self._answerer = store, speaker, answerer
        self._ontology, self._embedder, self._viewed = ontology, embedder, viewed

    def make(
        self,
        wanted: Wanted,
        given: Sequence[Question] = (),
        *,
        sources: Mapping[str, Collection[ChunkId]] = MappingProxyType({}),
        stage: Callable[[str], None] = lambda line: None,
    ) -> Made:
        """Examples of all kinds, shuffled; the same for the same seed. ``stage`` is told, in a line, what is next.

        ``sources`` are the passages that answer a given question, by its text, where they are known.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
            PlannerError: the trained planner cannot be read.
        """
        stage("reading the graph")
        graph = mirror(self._store)
        drawn = self._drawn(graph, wanted, given, sources)
        counts: dict[str, Counter[str]] = {}
        found: list[tuple[Example, Posed, str]] = []
        for kind in KINDS:
            counts[kind] = Counter()
            if wanted.of(kind):
                stage(f"making examples of {min(len(drawn[kind]), wanted.of(kind)):,} {kind} questions")
                made = self._examples(kind, drawn[kind], wanted.of(kind), counts[kind])
                found += ((example, posed, kind) for example, posed in made)
        random.Random(wanted.seed).shuffle(found)
        examples, asked, kinds = zip(*found, strict=True) if found else ((), (), ())
        return Made(tuple(examples), tuple(asked), tuple(kinds), counts)

    def _drawn(
        self,
        graph: Mirror,
        wanted: Wanted,
        given: Sequence[Question],
        sources: Mapping[str, Collection[ChunkId]],
    ) -> dict[str, list[Posed]]:
        """The questions of each kind; what is to have no answer is asked in no other kind."""
        draw = random.Random(wanted.seed)
        types = {entity.id: entity.type for entity in self._store.all_entities()}

        def worded(count: int, hops: int, seed: int) -> list[Posed]:
            if not count or not graph.facts:
                return []
            made = generate(
                graph, self._ontology, count=count, hops=hops, seed=seed, languages=wanted.languages, types=types
            ).questions
            found = self._worded(graph, made)
            draw.shuffle(found)
            return found

        unanswerable = SPARE * wanted.of("unanswerable")
        several = worded(SPARE * wanted.of("generated") + unanswerable, wanted.hops, wanted.seed)
        one = worded(SPARE * SPARE * wanted.of("passages"), 1, wanted.seed + 1)
        own = [
            replace(posed, sources=frozenset(sources.get(posed.text, ())))
            for posed in placed(self._store, graph, given, hops=wanted.hops)
        ]
        draw.shuffle(own)
        spared = min(unanswerable // 2, len(own) // TENTH)
        apart = [*own[:spared], *several[: unanswerable - spared]]
        taken = {posed.text for posed in apart}
        drawn = {
            "generated": [posed for posed in several if posed.text not in taken],
            "given": [posed for posed in own if posed.text not in taken],
            "passages": [posed for posed in one if posed.text not in taken],
            "unanswerable": [posed for posed in apart if posed.facts or posed.sources],
        }
        draw.shuffle(drawn["unanswerable"])
        return drawn

    def _worded(self, graph: Mirror, made: Sequence[Generated]) -> list[Posed]:
        ids = {one.topic for one in made}.union(*({graph.entities[at] for at in one.answers} for one in made))
        entities = {entity.id: entity for entity in self._store.entities(ids)}
        return [
            Posed(
                _spaced(one.text.replace(TOPIC, entities[one.topic].name)),
                tuple(sorted(entities[graph.entities[at]].name for at in one.answers)),
                (one.topic,),
                _last(graph, graph.places[one.topic], [one.chain], one.answers),
            )
            for one in made
        ]

    def _examples(
        self, kind: str, drawn: Sequence[Posed], most: int, counts: Counter[str]
    ) -> Iterator[tuple[Example, Posed]]:
        """The first examples that questions of a kind make; counts what became of every question looked at."""
        left = most
        for part, store in self._parts(kind, drawn):
            gatherer = Gatherer(store, embedder=self._embedder, viewed=self._viewed)
            answerer = self._answerer(store)
            for posed in part:
                if not left:
                    return
                example, what = self._example(kind, posed, answerer, gatherer)
                counts[what] += 1
                if example is not None:
                    left -= 1
                    yield example, posed

    def _parts(self, kind: str, drawn: Sequence[Posed]) -> Iterator[tuple[Sequence[Posed], GraphStore]]:
        """Questions with the store that they are asked of, without what is withheld for them."""
        if kind in ("generated", "given"):
            yield drawn, self._store
            return
        counted = self._store.counts()
        part: list[Posed] = []
        facts: frozenset[Triple] = frozenset()
        sources: frozenset[ChunkId] = frozenset()
        for posed in drawn:
            more = posed.facts if kind == "passages" else posed.facts | only_in(self._store, posed.sources)
            large = len(facts | more) > APART * counted.facts or len(sources | posed.sources) > APART * counted.chunks
            if part and large:
                yield part, self._without(kind, facts, sources)
                part, facts, sources = [], frozenset(), frozenset()
            part.append(posed)
            facts, sources = facts | more, sources | posed.sources
        if part:
            yield part, self._without(kind, facts, sources)

    def _without(self, kind: str, facts: frozenset[Triple], sources: frozenset[ChunkId]) -> GraphStore:
        if kind == "passages":
            return WithheldStore(self._store, Withheld(facts))
        chunks = stating(self._store.facts_between(facts)) | sources
        return WithheldStore(self._store, Withheld(facts, chunks))

    def _example(self, kind: str, posed: Posed, answerer: Answerer, gatherer: Gatherer) -> tuple[Example | None, str]:
        """The example that a question makes, if it does, and what became of it."""
        if not posed.gold or YES_OR_NO & {*map(normalise, posed.gold)}:
            return None, "dropped: answered by yes or no, or by nothing"
        asked, _ = answerer.understand(posed.text, topics=posed.topics)
        context = answerer.gather(posed.text, gatherer, topics=posed.topics)
        try:
            prompt = self._speaker.prompt(context)
        except PromptTooLongError:
            return None, "dropped: the question has no room"
        if prompt.empty:
            return None, "dropped: nothing is found for it"
        topics = named(asked.links)
        claims = taught(prompt, posed.gold, topics, sources=posed.sources)
        if kind == "passages" and not any(claim.passage for claim in claims):
            return None, "dropped: no passage that is shown answers it, or a fact still does"
        if kind == "unanswerable" and claims:
            return None, "dropped: the answer is still shown"
        target = f" {written(claims)}"
        said = Grammar(prompt, topics=topics, unfit=asked.unfit).parse(target.encode())
        if said is None or tuple(one.claim for one in said) != claims:
            return None, "dropped: the grammar does not have its target"
        by = "none" if not claims else "quotation" if claims[0].passage else "facts"
        keys = {*map(normalise, posed.gold)}
        chains = tuple(
            told(chain, context.names, right=all(is_answer(guess.entity, keys) for guess in chain.guesses))
            for chain in considered(context, asked.unfit, topics)
        )
        return Example(prompt.text, context.view, target, context.question, chains), f"made: {by}"


def placed(store: GraphStore, graph: Mirror, given: Sequence[Question], *, hops: int) -> list[Posed]:
    """A person's questions, each with the facts that answer it: the last ones of the chains that explain its answers.

    Raises:
        StoreError: the store failed.
    """
    named: defaultdict[str, list[EntityId]] = defaultdict(list)
    for entity in store.find_entities({name_key(name) for one in given for name in (one.topic, *one.answers) if name}):
        for key in {name_key(name) for name in (entity.name, *entity.aliases)}:
            named[key].append(entity.id)
    found = []
    for one in given:
        topics = tuple(id for id in named[name_key(one.topic)] if id in graph.places) if one.topic else ()
        answers = {graph.places[id] for name in one.answers for id in named[name_key(name)] if id in graph.places}
        facts: frozenset[Triple] = frozenset()
        if len(topics) == 1 and answers:
            place = graph.places[topics[0]]
            facts = _last(graph, place, explain(graph, [place], answers, hops=hops)[0], answers)
        found.append(Posed(one.text, one.answers, topics, facts))
    return found


def _last(graph: Mirror, topic: int, chains: Iterable[Sequence[int]], answers: Collection[int]) -> frozenset[Triple]:
    """The last facts of chains from a topic, as far as they lead to answers."""
    found: set[Triple] = set()
    for chain in chains:
        before = graph.walk([topic], chain)[-2].reached
        owner, rows, ends = graph.edges_from(before)
        relation, forward = graph.named(chain[-1])
        for at in (rows == chain[-1]).nonzero()[0].tolist():
            here, end = int(before[owner[at]]), int(ends[at])
            if end in answers:
                one, other = (here, end) if forward else (end, here)
                found.add((graph.entities[one], relation, graph.entities[other]))
    return frozenset(found)


def _spaced(text: str) -> str:
    """A worded question as people write it: "X 's wife ?" without the spaces that belong to no word."""
    for loose, bound in ((" 's", "'s"), (" ?", "?"), (" ,", ",")):
        text = text.replace(loose, bound)
    return text
