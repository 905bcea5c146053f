"""Question → answer with its thread: the one door to question answering.

link → operators over chains of facts, or paths that explain the question → where that is not sure, the language model,
if there is one → else the best sentence of the best passages → the evidence of every fact, as quotations → every fact
and quotation checked → Answer

One pass does it, and keeps a trace: ``ask`` gives the answer, ``explain`` how it came about.
"""

from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from fusion.answer import Answer, abstain
from fusion.asking import contradicted, unfit, unsaid
from fusion.cues import Speech
from fusion.homonyms import ask_back, told
from fusion.operators.operate import Operators
from fusion.outcome import outcome
from fusion.paths import Facts
from fusion.predicting import Predictor
from fusion.proving import Prover
from fusion.question import Link, Names, link
from fusion.reader import Asked, Miss, Reading, read, understand
from fusion.retrieve import Retriever
from fusion.steps import Linked, Step
from fusion.trace import Choice, Passage, Trace, unsettled
from kg.facts import EntityId, name_key
from kg.ontology import Ontology
from kg.store import GraphStore
from nlp.embed import Embedder

if TYPE_CHECKING:
    from fusion.context import Context
    from fusion.decode import Said
    from fusion.fused import FusedReader, Heard
    from fusion.gathering import Gatherer
    from fusion.planned import PlannedReader
    from kg.embeddings.learned import LearnedGraph

LONGEST = 1000  # characters of a question
KEPT = 20_000  # entities whose facts are kept between questions


@dataclass(frozen=True, slots=True)
class _Consulted:
    """What came of asking a language model: its answer, if it has one, and the passages that it was given."""

    said: Trace | None = None
    passages: list[Passage] | None = None
    heard: "Heard | None" = None

    def surer(self, choice: Choice, answer: Answer) -> bool:
        """Whether the model's answer is more probable than the graph's: only probabilities compare."""
        said, heard = self.said, self.heard
        probabilities = heard is not None and heard.spoken.calibrated and choice.by in ("plan", "reasoner")
        return probabilities and said is not None and said.answer.confidence > answer.confidence

    def after(self, reason: str) -> str:
        """Why there is no answer, and why the model has none, in one line."""
        return "; ".join(filter(None, (reason, "" if self.heard is None else self.heard.answer.reason)))


class Answerer:
    """Answers questions from one graph. Safe to use from several threads."""

    def __init__(
        self,
        store: GraphStore,
        *,
        embedder: Embedder | None,
        ontology: Ontology,
        planned: "Callable[[], PlannedReader | None]" = lambda: None,
        names: Callable[[int], Names] | None = None,
        learned: "Callable[[], LearnedGraph] | None" = None,
        fused: "Callable[[], FusedReader | None]" = lambda: None,
        calibrated: Callable[[], bool] = lambda: True,
    ) -> None:
        """Without an embedder, passages are found by words and by the graph alone.

        ``planned`` is asked at each question for what reads it with a trained planner, if there is one; ``names`` for
        what knows the names of this version of the graph (without it, the store is asked); ``learned``, where a fact is
        missing and predictions are asked for, for what says which facts to expect; ``fused`` at each question for the
        language model that answers what the graph alone leaves open, if there is one; ``calibrated``, where a reading
        of the graph stands, for whether that model's answers may have a probability: else it is not even opened.
        """
        self._store = store
        self._names = names or (lambda version: store)
        self._ontology = ontology
        self._speech = Speech(store, ontology)
        self._planned, self._fused, self._calibrated = planned, fused, calibrated
        self._predictor = Predictor(planned=planned, learned=learned)
        self._operators = Operators(ontology, self._speech, embedder=embedder, planned=planned)
        self._lock = Lock()
        self._read: tuple[int, Facts] | None = None
        self._retriever = Retriever(store, embedder=embedder, ontology=ontology, speech=self._speech)
        self._prover = Prover(store, self._retriever, ontology, embedder=embedder)

    def ask(self, question: str, *, topics: Collection[EntityId] = (), predict: bool = False) -> Answer:
        """Answer with entities, paths and quotations, or abstain and say what was missing.

        ``topics`` are entities that names of the question mean, where they may mean several. With ``predict``, a fact
        that the graph lacks may be one that its learned vectors expect, marked as such.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
            PlannerError: the trained planner cannot be read.
            LearningError: what was learned of the graph cannot be read.
        """
        return outcome(self._trace(question, topics, predict=predict)).answer

    def stream(
        self, question: str, *, topics: Collection[EntityId] = (), predict: bool = False
    ) -> Generator[Step | Answer, None, None]:
        """How ``ask`` answers, step by step as it is done, and last the answer. Raises as ``ask`` does.

        Whoever closes it before its end stops the language model, too.
        """
        trace = yield from self._trace(question, topics, predict=predict)
        yield trace.answer

    def explain(self, question: str, *, topics: Collection[EntityId] = (), predict: bool = False) -> Trace:
        """How ``ask`` answers, and also what it had no need to look at: plans and words, where the other settled it.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
            PlannerError: the trained planner cannot be read.
            LearningError: what was learned of the graph cannot be read.
        """
        trace = outcome(self._trace(question, topics, predict=predict))
        asked, choice = trace.asked, trace.choice
        if asked is None or choice is None:
            return trace
        version = self._store.version()
        return replace(trace, choice=self._whole(asked, choice, self._facts(version, self._names(version))))

    def gather(self, question: str, gatherer: "Gatherer", *, topics: Collection[EntityId] = ()) -> "Context":
        """What a language model is given for a question, which is also what it is trained on.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
            PlannerError: the trained planner cannot be read.
        """
        asked, facts = self.understand(question, topics=topics)
        choice = self._whole(asked, self._choose(asked, facts), facts) if asked.links else None
        return gatherer.gather(asked, facts, choice, self._prover.found(asked))

    def _whole(self, asked: Asked, choice: Choice, facts: Facts) -> Choice:
        """The choice with what it had no need to look at."""
        planned = self._planned()
        thought, ruled, guesses = choice.thought, choice.ruled, choice.guesses
        if thought is None and planned is not None:
            thought = planned.think(asked.text, asked.links)
        if guesses is None and thought is not None and planned is not None and planned.reasoned is not None:
            guesses = planned.reasoned.think(asked.text, thought, facts)
        if ruled is None and choice.operation is None:
            ruled = read(asked, facts, self._ontology)
        return replace(choice, thought=thought, ruled=ruled, guesses=guesses)

    def understand(self, question: str, *, topics: Collection[EntityId] = ()) -> tuple[Asked, Facts]:
        """What a question names and asks for, and the facts to read it with.

        A name that may mean one of ``topics`` means nothing else.

        Raises:
            StoreError: the store failed.
        """
        version = self._store.version()
        names = self._names(version)
        links = _chosen(link(names, self._ontology, question), topics)
        asked = understand(question, links, self._speech.lexicon(version), self._ontology)
        others = unfit(question, asked.cues, asked.expected, self._ontology)
        return replace(asked, unfit=asked.unfit | others), self._facts(version, names)

    def search(self, text: str, *, limit: int = 10) -> list[Passage]:
        """The passages that say most about the text, best first.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        if limit < 1 or not text.strip():
            return []
        links = link(self._names(self._store.version()), self._ontology, text)
        return self._prover.passages(self._retriever.retrieve(text, limit=limit, links=links).passages)

    def _trace(self, question: str, topics: Collection[EntityId], *, predict: bool) -> Generator[Step, None, Trace]:
        if not name_key(question):
            return Trace(abstain(question, "the question is empty"))
        if len(question) > LONGEST:
            reason = f"the question is longer than {LONGEST} characters; ask one thing in a sentence"
            return Trace(abstain(question, reason))
        asked, facts = self.understand(question, topics=topics)
        strangers = set(topics) - {found.entity.id for found in asked.links}
        if strangers:
            known = facts.entities(strangers)
            named = sorted(f"{known[id].name} ({known[id].type})" if id in known else str(id) for id in strangers)
            return Trace(abstain(question, f"the question has no name that may mean {' or '.join(named)}"))
        yield Linked(tuple(asked.links))
        if not asked.links:
            reason = "nothing in the graph has a name that the question mentions"
            if (explained := self._prover.explained(asked, None, reason)) is not None:
                return explained
            model = yield from self._ask_model(asked, None, facts)
            return model.said or self._from_passages(asked, None, reason, model)
        choice = self._choose(asked, facts)
        while isinstance(choice.reading, Reading) and choice.reading.meant:
            meant = choice.reading.meant
            one = told(asked, meant, facts, self._store, self._ontology)
            if one is None:
                return Trace(ask_back(asked, meant, facts, self._store), asked=asked, choice=choice)
            asked, choice = self._read_as(asked, facts, meant, one)
        if predict and choice.by == "plan":
            answer = self._from_prediction(asked, choice, facts)
            if not answer.abstained:
                return Trace(answer, "prediction", asked, choice)
        reading = choice.reading
        stands = self._prover.from_graph(asked, reading, facts) if isinstance(reading, Reading) else None
        if stands is None or stands.abstained:
            why = reading.reason if stands is None else stands.reason
            if (explained := self._prover.explained(asked, choice, why)) is not None:
                return explained
        model = yield from self._ask_model(asked, choice, facts, stands)
        if isinstance(reading, Miss):
            if reading.final:
                return Trace(abstain(question, reading.reason), "nothing", asked, choice)
            if model.said is not None:
                return model.said
            answer = self._prover.from_walk(asked, reading, facts)
            if not answer.abstained:
                return Trace(answer, "passages", asked, choice, heard=model.heard)
            if predict:
                answer = self._from_prediction(asked, choice, facts)
                if not answer.abstained:
                    return Trace(answer, "prediction", asked, choice, heard=model.heard)
            return self._from_passages(asked, choice, answer.reason, model)
        assert stands is not None
        if model.said is not None and (stands.abstained or model.surer(choice, stands)):
            return model.said
        if not stands.abstained:
            return Trace(stands, choice.by, asked, choice, heard=model.heard)
        return self._from_passages(asked, choice, stands.reason, model)

    def _from_passages(self, asked: Asked, choice: Choice | None, reason: str, model: _Consulted) -> Trace:
        trace = self._prover.from_passages(asked, choice, model.after(reason), model.passages)
        return replace(trace, heard=model.heard)

    def _ask_model(
        self, asked: Asked, choice: Choice | None, facts: Facts, standing: Answer | None = None
    ) -> Generator[Step, None, _Consulted]:
        """What the language model answers, where the graph leaves a question open and there is one.

        An answer of the graph stands unless what a model says has a probability, too.
        """
        compared = standing is not None and not standing.abstained
        wanted = unsettled(choice) and (not compared or self._calibrated())
        fused = self._fused() if wanted else None
        if fused is None or (compared and not fused.calibrated):
            return _Consulted()
        whole = None if choice is None else self._whole(asked, choice, facts)
        passages = self._prover.found(asked)

        def against(one: "Said") -> str:
            return "" if one.entity is None else contradicted(asked, one.entity, one.facts, self._ontology)

        heard = yield from fused.reading(asked, facts, whole, passages, against=against)
        if heard.answer.abstained:
            return _Consulted(passages=passages, heard=heard)
        return _Consulted(Trace(heard.answer, "model", asked, whole, tuple(passages), heard), passages, heard)

    def _choose(self, asked: Asked, facts: Facts) -> Choice:
        operation = self._operators.read(asked, facts, lambda: self._plain(asked, facts).reading)
        if operation is None:
            return self._plain(asked, facts)
        return Choice(operation.reading, "operators", "the question needs more than one chain", operation=operation)

    def _plain(self, asked: Asked, facts: Facts) -> Choice:
        planned = self._planned()
        if planned is None:
            ruled = read(asked, facts, self._ontology)
            return Choice(ruled, "words", "no planner has been trained for this graph", ruled=ruled)
        choice = planned.choose(asked, facts, lambda: read(asked, facts, self._ontology))
        if planned.reasoned is not None:
            choice = planned.reasoned.reconsider(choice, asked, facts)
        if choice.by == "words" or not isinstance(choice.reading, Reading):
            return choice
        cue = unsaid(asked.cues, asked.links, choice.reading.paths, self._ontology)
        if cue is None:
            return choice
        ruled = choice.ruled or read(asked, facts, self._ontology)
        why = f"what plans and reasoner propose goes against {asked.text[cue.start : cue.end]!r}"
        return replace(choice, reading=ruled, by="words", why=why, ruled=ruled, unsure=False)

    def _read_as(self, asked: Asked, facts: Facts, meant: Sequence[Link], one: EntityId) -> tuple[Asked, Choice]:
        """The question, read with the one of these entities alone."""
        links = _chosen(asked.links, [one])
        place = meant[0].start, meant[0].end
        candidates = asked.candidates | {place: [found for found in links if (found.start, found.end) == place]}
        alone = replace(asked, links=links, candidates=candidates)
        choice = self._choose(alone, facts)
        if not isinstance(choice.reading, Reading):
            return alone, choice
        read_as = next(link.entity for link in meant if link.entity.id == one)
        others = ", ".join(f"{link.entity.name} ({link.entity.type})" for link in meant if link.entity.id != one)
        reasons = (f"read as {read_as.name} ({read_as.type}), not {others}", choice.reading.reason)
        reading = replace(choice.reading, reason="; ".join(reason for reason in reasons if reason))
        return alone, replace(choice, reading=reading)

    def _facts(self, version: int, names: Names) -> Facts:
        """What is known of the graph as it is now: kept from question to question until it changes, or is too much."""
        with self._lock:
            if self._read is None or self._read[0] != version or len(self._read[1]) > KEPT:
                self._read = version, Facts(self._store, version=version, known=names)
            return self._read[1]

    def _from_prediction(self, asked: Asked, choice: Choice, facts: Facts) -> Answer:
        """Answer from a chain that the graph has all but one fact of, where that one is expected."""
        found = self._predictor.predict(asked, choice, facts)
        if isinstance(found, Miss):
            return abstain(asked.text, found.reason)
        return self._prover.from_graph(asked, found.reading, facts, expected=found.expected)


def _chosen(links: Sequence[Link], topics: Collection[EntityId]) -> tuple[Link, ...]:
    """The links without those for whose place one of the topics is another candidate."""
    places = {(found.start, found.end) for found in links if found.entity.id in topics}
    return tuple(found for found in links if (found.start, found.end) not in places or found.entity.id in topics)
