"""The parts of the fused model, one after the other: each variant answers the same questions.

========  ============================================================================================================
alone     the language model, which reads the question and nothing else
text      and the passages that a search finds: plain retrieval-augmented generation
facts     and the facts, as text
tuned     the same, by an adapter that was trained on the same examples without soft tokens
soft      the same, by the adapter that was trained with them, and with them
held      the same, held to the grammar; by the untrained model where there is no adapter
checked   the same, each claim held against the store
reasoner  the graph alone: what Clew answers without a language model
fused     all together: what Clew answers with it
========  ============================================================================================================

Each is charged for what it needs, and for nothing else: the first for no context, the second for its search, those from
the third to the seventh for all that is gathered of the graph. What one has read into memory makes none of these
faster: reasoner, fused, search and gathering have each an answerer of their own.

The first five write freely, up to 64 tokens; a model's text is its first line. The first three are shown three
questions with answers before the prompt, without which a model that was never trained to answer writes nothing at all;
the last of these has no answer, and says so as the adapters learn to.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from math import exp
from typing import Literal

import numpy as np
import regex

from fusion.answer import Answer
from fusion.answerer import Answerer
from fusion.checking import answered
from fusion.claims import NONE
from fusion.context import Context, GraphView
from fusion.decode import Grammar, Said
from fusion.evaluate import Question, normalise, recall, words
from fusion.extract import READ, whole_sentence
from fusion.gathering import Gatherer
from fusion.language.causal import HuggingFaceModel
from fusion.language.protocol import CausalModel, Options
from fusion.named import named
from fusion.prompt import TAIL, name_shown, shown
from fusion.speaking import LocalSpeaker, abstaining
from fusion.steps import Given, Piece
from fusion.trace import Passage
from kg.facts import Entity, EntityId, Fact, name_key
from kg.store import GraphStore

VARIANTS = ("alone", "text", "facts", "tuned", "soft", "held", "checked", "reasoner", "fused")
ADAPTED = ("tuned", "soft")  # each by an adapter of its own
UNTRAINED = ("alone", "text", "facts")  # by the model as it was published
FREE = Options(max_tokens=64, stop=("\n",))  # no gold answer has more than 45 words
Work = Literal["understand", "search", "gather", "reasoner", "fused"]
NO_ANSWER = frozenset(("", NONE, "unknown", "i don t know", "i do not know", "not given", "no answer"))

SHOTS = (
    "Question: What is the capital of France?\nAnswer: Paris\n\n"
    "Question: Who wrote Hamlet?\nAnswer: William Shakespeare\n\n"
    f"Question: Who won the football World Cup of 2090?\nAnswer: {NONE}\n\n"
)

_NUMBERS = regex.compile(r"\s*(?:\[\d*\]?)+|\s*\(\d+\)")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a variant answered to a question; times in milliseconds, ``evidence`` and ``borne`` shares.

    ``text`` is the whole answer; ``items`` are the things that it named, the first one first, each by all of its names,
    the first by the whole text, too, where its end is not known for certain. ``borne``: of them, those
    that the graph or the text that was read has.
    """

    text: str = ""
    items: tuple[tuple[str, ...], ...] = ()
    confidence: float = 0.0
    evidence: float = 0.0
    borne: float = 0.0
    milliseconds: float = 0.0
    first: float = 0.0  # until the first token; 0 where that was not measured
    spoke: bool = False  # of `fused`: whether the language model was asked
    quoted: str = ""  # the sentences of the sources that are given for the answer

    @property
    def abstained(self) -> bool:
        """Whether there is no answer."""
        return not self.items

    def row(self) -> dict[str, object]:
        """As JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Models:
    """The language model as it was published; what speaks, with an adapter where there is one; and for `tuned`, the
    model with the adapter that was trained without soft tokens.
    """

    plain: HuggingFaceModel
    speaker: LocalSpeaker
    adapted: bool = False
    tuned: HuggingFaceModel | None = None

    def of(self, variant: str) -> CausalModel:
        """The model that writes freely for a variant."""
        if variant == "tuned":
            assert self.tuned is not None  # else it is passed over
            return self.tuned
        return self.speaker.model if variant == "soft" else self.plain


class Bench:
    """Answers questions of one store by every variant."""

    def __init__(
        self, store: GraphStore, models: Models, gatherer: Gatherer, answerers: Callable[[Work], Answerer]
    ) -> None:
        """``answerers`` makes one for each kind of work when it is first needed, so that none is warmed by another."""
        self._store, self._models = store, models
        self._answerer, self._gatherer = cache(answerers), gatherer

    def ask(self, question: Question, variants: Sequence[str], *, first: bool = False) -> dict[str, Reply]:
        """What variants answer; ``first``: how long the first token takes is measured, too."""
        topics = self._topics(question) if {*variants} - {"alone", "text"} else ()
        found = {}
        if "reasoner" in variants:
            found["reasoner"] = self._by_graph("reasoner", question, topics)
        if "fused" in variants:
            found["fused"] = self._by_graph("fused", question, topics)
        if "alone" in variants:
            found["alone"] = self._freely("alone", question, _context(question), 0.0, first=first)
        if "text" in variants:
            begun = time.perf_counter()
            context = _context(question, self._answerer("search").search(question.text, limit=READ))
            found["text"] = self._freely("text", question, context, _since(begun), first=first)
        if rest := [variant for variant in variants if variant not in found]:
            begun = time.perf_counter()
            context = self._answerer("gather").gather(question.text, self._gatherer, topics=topics)
            spent = _since(begun)
            free = [variant for variant in rest if variant not in ("held", "checked")]
            found |= {one: self._freely(one, question, context, spent, first=first) for one in free}
            if len(free) < len(rest):
                both = self._held(question, context, topics, spent, first=first)
                found |= {one: both[one] for one in rest if one not in free}
        return found

    def _by_graph(self, variant: Literal["reasoner", "fused"], question: Question, topics: Sequence[EntityId]) -> Reply:
        answerer = self._answerer(variant)
        answer, spoke, first = None, False, 0.0
        begun = time.perf_counter()
        for step in answerer.stream(question.text, topics=topics):
            if isinstance(step, Piece) and not first:
                first = _since(begun)
            spoke = spoke or isinstance(step, Given)
            if isinstance(step, Answer):
                answer = step
        spent = _since(begun)
        assert answer is not None  # it is the last step
        return replace(self._reply(question, answer, spent), first=first, spoke=spoke)

    def _topics(self, question: Question) -> tuple[EntityId, ...]:
        """What the question is about, where the set gives it, as far as the question is read as naming it."""
        if not question.topic:
            return ()
        given = {one.id for one in self._store.find_entities({name_key(question.topic)})}
        asked, _ = self._answerer("understand").understand(question.text)
        return tuple(sorted(given & {link.entity.id for link in asked.links}))

    def _reply(self, question: Question, answer: Answer, spent: float) -> Reply:
        if answer.abstained:
            return Reply(milliseconds=spent)
        documents = {citation.document for citation in answer.citations}
        titles = [record.title for record in self._store.document_records(documents)]
        read = " ".join(citation.quote for citation in answer.citations)
        items = tuple((one.name, *one.aliases) for one in answer.entities) or ((answer.text,),)
        items = ((answer.text, *items[0]), *items[1:])
        return Reply(
            text=answer.text,
            items=items,
            confidence=answer.confidence,
            quoted=" ".join(dict.fromkeys(citation.quote for citation in answer.citations)),
            evidence=_evidence(question, titles, read),
            borne=float(self._holds(answer)),
            milliseconds=spent,
        )

    def _holds(self, answer: Answer) -> bool:
        """Whether the store has every entity and fact of an answer, and its sources every quotation, looked up anew."""
        texts = {one.document: self._store.chunks_of(one.document) for one in answer.citations}
        return self._holds_all(answer.entities, [fact for path in answer.paths for fact in path.facts]) and all(
            "".join(chunk.text for chunk in texts[one.document])[one.start : one.end] == one.quote
            for one in answer.citations
        )

    def _has(self, said: Said) -> bool:
        """Whether the store has the entity and the facts of a claim, or its source the quotation, looked up anew."""
        if said.passage is None:
            return self._holds_all([] if said.entity is None else [said.entity], said.facts)
        chunks = self._store.chunks([said.passage.passage.chunk.id])
        return any(shown(chunk.text)[said.start : said.end] == said.claim.text for chunk in chunks)

    def _holds_all(self, entities: Iterable[Entity], facts: Iterable[Fact]) -> bool:
        wanted, ids = {fact.id: fact for fact in facts}, {entity.id for entity in entities}
        held = self._store.facts_between([(f.subject, f.relation, f.object) for f in wanted.values()])
        return {fact.id for fact in held} == wanted.keys() and {one.id for one in self._store.entities(ids)} == ids

    def _freely(self, variant: str, question: Question, context: Context, spent: float, *, first: bool) -> Reply:
        """The first line of what a model writes."""
        begun = time.perf_counter()
        model = self._models.of(variant)
        prefix = self._models.speaker.soft_tokens(context) if variant == "soft" else None
        if variant == "alone":
            prompt, titles = f"Question: {' '.join(shown(question.text).split())}\n{TAIL}", []
        else:
            packed = self._models.speaker.prompt(context)
            prompt, titles = packed.text, [one.passage.title for one in packed.passages]
        if variant not in ADAPTED:
            prompt = SHOTS + prompt
        packing = _since(begun)
        # What an adapter learned to say where there is no answer, it says as surely as under the grammar.
        options = abstaining(FREE, model.tokenize) if variant in ADAPTED else FREE
        found = model.generate(prompt, options=options, prefix=prefix)
        whole = spent + _since(begun)
        items = _items(found.text)
        took = 0.0
        if first:
            took = spent + packing + _timed(lambda: next(model.stream(prompt, options=options, prefix=prefix), ""))
        return Reply(
            text=_bare(found.text),
            items=items,
            confidence=exp(found.log_likelihood or 0.0),
            evidence=0.0 if variant == "alone" else _evidence(question, titles, prompt.removeprefix(SHOTS)),
            borne=self._borne(items, prompt.removeprefix(SHOTS)),
            milliseconds=whole,
            first=took,
        )

    def _borne(self, items: Sequence[Sequence[str]], read: str) -> float:
        """The share of what a model wrote that is a name of the graph, or stands in what it read."""
        known = self._store.find_entities({name_key(name) for item in items for name in item})
        keys = {name_key(name) for entity in known for name in (entity.name, *entity.aliases)}
        there = read.rpartition("\nQuestion:")[0].casefold()

        def held(name: str) -> bool:
            return name_key(name) in keys or name.casefold() in there

        return sum(any(map(held, item)) for item in items) / max(1, len(items))

    def _held(
        self, question: Question, context: Context, topics: Sequence[EntityId], spent: float, *, first: bool
    ) -> dict[str, Reply]:
        """What is said under the grammar, as it is said, and as far as it holds."""
        speaker = self._models.speaker
        asked, _ = self._answerer("understand").understand(question.text, topics=topics)
        links = named(asked.links)
        begun = time.perf_counter()
        spoken = speaker.speak(context, asked)
        said = spent + _since(begun)
        begun = time.perf_counter()
        answer = answered(question.text, spoken.said, links, self._store, confidence=spoken.confidence)
        checked = self._reply(question, answer, said + _since(begun))
        begun = time.perf_counter()
        prompt = speaker.prompt(context)
        took = 0.0
        if first:
            grammar = Grammar(
                prompt, speaker.model.vocabulary, ends=speaker.model.ends, topics=links, unfit=asked.unfit
            )
            prefix = speaker.soft_tokens(context)
            took = spent + _since(begun)
            took += _timed(lambda: next(speaker.model.stream(prompt.text, allowed=grammar.allowed, prefix=prefix), ""))
        evidence = _evidence(question, [one.passage.title for one in prompt.passages], prompt.text)
        items = tuple(map(_names, spoken.said))
        held = Reply(
            text="; ".join(item[0] for item in items),
            items=items,
            confidence=spoken.confidence,
            quoted=" ".join(dict.fromkeys(filter(None, map(_sentence, spoken.said)))),
            evidence=evidence,
            borne=sum(map(self._has, spoken.said)) / max(1, len(items)),
            milliseconds=said,
            first=took,
        )
        return {"held": held, "checked": replace(checked, evidence=evidence, first=took)}


def _context(question: Question, passages: Sequence[Passage] = ()) -> Context:
    """A question with passages, and nothing of the graph."""
    nothing, nowhere = np.zeros((0, 0), np.float32), np.zeros(0, np.int64)
    view = GraphView(
        names=nothing,
        vectors=nothing,
        topics=np.zeros(0, np.float32),
        relations=nothing,
        subjects=nowhere,
        rows=nowhere,
        objects=nowhere,
        candidates=nowhere,
        scores=np.zeros((0, 3), np.float32),
    )
    return Context(question.text, (), tuple(passages), (), {}, view)


def _sentence(said: Said) -> str:
    """The sentence in which a quotation stands."""
    if said.passage is None:
        return ""
    text = said.passage.passage.chunk.text
    start, end = whole_sentence(text, said.start, said.end)
    return text[start:end]


def _names(said: Said) -> tuple[str, ...]:
    if said.entity is None:
        return (said.claim.text,)
    return (said.claim.text, said.entity.name, *said.entity.aliases)


def _items(text: str) -> tuple[tuple[str, ...], ...]:
    """What a text names: its parts, the first also as the whole; nothing where it says that it has no answer."""
    bare = _bare(text)
    if normalise(bare or " ") in NO_ANSWER or not name_shown(bare):
        return ()
    first, *rest = [part.strip() for part in regex.split(r"[;,|]\s", bare) if part.strip()] or [bare]
    return ((bare, first), *((part,) for part in rest))


def _bare(text: str) -> str:
    """A text without the numbers of facts and passages, and without quotation marks."""
    return _NUMBERS.sub("", text).replace('"', "").strip(" .\n")


def _evidence(question: Question, titles: Sequence[str], read: str) -> float:
    """Of the passages that hold the answer, the share that was read; where they are not told, of the answer's words."""
    if question.supporting:
        return recall(titles, question.supporting)
    there = words(read.rpartition("\nQuestion:")[0] or read)
    return max(recall(there, words(gold)) for gold in question.gold)


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return _since(begun)


def _since(begun: float) -> float:
    return 1000 * (time.perf_counter() - begun)
