"""Training questions from a graph alone: chains as they occur in it, worded from what its relations are called.

A chain is worded from its topic outwards: each step names what it leads to, "the place of birth of X 's wife", and the
last one asks for it, "where was X 's wife born". What a question asks for is what walking its chain leads to. Words
that were also drawn for another chain, which leads to something else from the same topic, ask for neither.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

from fusion.planner.labels import Chain
from fusion.planner.lexicon import LANGUAGES, Sense, Words, kind_of_type, sense_of
from fusion.planner.model import TOPIC, Asked
from fusion.planner.phrasing import Turns, asks, turns
from fusion.planner.training import Example
from fusion.planner.walks import Walk, sample
from kg.facts import EntityId
from kg.mirror import Mirror
from kg.ontology import Ontology
from nlp.embed import Tokens

SAME = 0.5  # of steps there and back are worded as one: "with the same director as X"
NEARLY_ALL = 0.9  # of what a relation leads to
NAMED = 0.5  # of questions ask by naming what they ask for: "what is the job of X"
WORDINGS = 20  # of one chain of a small graph
CALLED = 0.3  # of questions say what their topic is: "the film X"
OPENED = 0.25  # of questions begin by saying that they are some
OPENINGS = {
    "en": ("please tell me ", "do you know ", "i would like to know ", "i wonder ", "can you say ", "so , "),
    "zh": ("请问", "你知道", "我想知道", "告诉我", "我很好奇", "想了解一下"),
}
IS_OPEN = ("tell me", "name ", "can you", "do you", "请问")  # what needs no opening
ENDINGS = {"en": (" ?", "?", "?", ""), "zh": ("?", "？", "", "", "呢", "啊？", "呢？")}

_HAN = regex.compile(r"\p{Han}")


@dataclass(frozen=True, slots=True)
class Generated:
    """A question that was made. ``TOPIC`` stands in its text for the topic."""

    text: str
    topic: EntityId
    chain: Chain
    answers: frozenset[int]  # places that the chain leads to
    language: str


@dataclass(frozen=True, slots=True)
class Made:
    """Questions that were made, and what was not."""

    questions: tuple[Generated, ...]
    ambiguous: int  # dropped: their words are also those of a chain that leads to other answers
    unworded: tuple[str, ...]  # relations whose name is no word, and for which the ontology and the lexicon have none


def generate(
    mirror: Mirror,
    ontology: Ontology,
    *,
    count: int,
    hops: int,
    seed: int,
    wordings: int = 1,
    languages: Sequence[str] = LANGUAGES,
    types: Mapping[EntityId, str] | None = None,
) -> Made:
    """About so many questions of 1 to ``hops`` hops, fewer where the graph is small; the same for the same seed.

    Each chain is worded ``wordings`` times, more often where the graph has too few. A relation that has no words in a
    language is not asked about in it; with ``types`` of entities, question words go by the type of the answers.
    """
    draw = random.Random(seed)
    senses = [sense_of(relation, ontology) for relation in mirror.relations]
    typed = _types_at_ends(mirror, types or {})
    said = {language: _Wording(mirror, senses, language, ontology, typed) for language in languages}
    made: dict[tuple[str, EntityId, Chain], Generated] = {}
    walks = sample(mirror, -(-count // wordings), hops=hops, seed=seed)
    times = max(wordings, min(WORDINGS, -(-count // max(1, len(walks)))))
    for walk in walks:
        steps = {language: found for language in languages if all(found := said[language].steps(walk))}
        kind = _kind(walk, mirror, ontology, types or {})
        for _ in range(times if steps else 0):
            language = draw.choice(list(steps))
            turned = [row == mirror.inverse(before) for before, row in pairwise(walk.chain)]
            text = _worded(steps[language], turned, kind, language, draw)
            topic = mirror.entities[walk.topic]
            made[text, topic, walk.chain] = Generated(text, topic, walk.chain, walk.ends, language)
    certain = _certain(list(made.values()), mirror)
    kept = list({(each.text, each.topic): each for each in reversed(certain)}.values())[::-1]  # of one meaning, once
    unworded = tuple(name for name, sense in zip(mirror.relations, senses, strict=True) if not sense.words)
    return Made(tuple(kept[:count]), len(made) - len(certain), unworded)


def examples(
    mirror: Mirror, questions: Sequence[Generated], tokens: Callable[[Sequence[str]], Sequence[Tokens]]
) -> list[Example]:
    """Questions as a planner is trained on them; ``tokens`` gives the word pieces of texts."""
    return [
        Example(Asked.of(question.text, pieces), (mirror.places[question.topic],), question.answers, (question.chain,))
        for question, pieces in zip(questions, tokens([question.text for question in questions]), strict=True)
    ]


def _certain(made: Sequence[Generated], mirror: Mirror) -> list[Generated]:
    """Without questions whose words stand for another chain as well, one that leads to other answers from their topic.

    Every such chain is walked: words that mean two chains are no harm where only one of them leads on, or both agree.
    """
    chains: defaultdict[str, set[Chain]] = defaultdict(set)
    for each in made:
        chains[plain(each.text)].add(each.chain)

    def is_certain(one: Generated) -> bool:
        place = mirror.places[one.topic]
        others = (mirror.walk([place], chain)[-1].reached for chain in chains[plain(one.text)] - {one.chain})
        return all(not len(ends) or one.answers == set(ends.tolist()) for ends in others)

    return [each for each in made if is_certain(each)]


def plain(text: str) -> str:
    """A wording without what it begins and ends with."""
    language = "zh" if _HAN.search(text) else "en"
    opening = next((one for one in OPENINGS[language] if text.startswith(one)), "")
    return text[len(opening) :].rstrip(" ?？呢啊")


class _Wording:
    """The turns of a graph's rows in one language, each beside the other relations that lead on from where it does.

    What a word says is a relation that is called so, where one leads on: not the way back along another ("the children
    of {}" is parents backwards only where no children are told).
    """

    def __init__(
        self,
        mirror: Mirror,
        senses: Sequence[Sense],
        language: str,
        ontology: Ontology,
        typed: Sequence[str | None],
    ) -> None:
        self._mirror, self._language = mirror, language
        both = [*senses, *(sense.backwards() for sense in senses)]
        self._words = [sense.words.get(language, Words()) for sense in both]
        self._kinds = [sense.object for sense in both]
        self._typed = [ontology.type_words.get(type or "", {}).get(language, ()) for type in typed]
        self._turns: dict[tuple[int, tuple[int, ...]], Turns] = {}
        self._rivals = [self._alike(row) for row in range(len(both))]

    def steps(self, walk: Walk) -> list[Turns]:
        """The turns of each step of a walk; those of a step that cannot be worded are empty."""
        found = []
        for row, front in zip(walk.chain, self._mirror.walk([walk.topic], walk.chain), strict=False):
            onward = self._mirror.rows_from(front).tolist() if self._rivals[row] else []
            rivals = tuple(each for each in onward if each in self._rivals[row])
            if (row, rivals) not in self._turns:
                words = self._words[row]
                for rival in rivals:
                    words = self._beside(words, rival)
                back = self._mirror.inverse(row)
                self._turns[row, rivals] = turns(
                    words,
                    self._kinds[row],
                    self._kinds[back],
                    self._language,
                    typed=self._typed[row],
                    typed_back=self._typed[back],
                )
            found.append(self._turns[row, rivals])
        return found

    def _beside(self, words: Words, rival: int) -> Words:
        forwards = rival < len(self._mirror.relations)
        named = self._words[rival]
        return words.beside(named if forwards else Words(), Words() if forwards else named)

    def _alike(self, row: int) -> frozenset[int]:
        """The rows of the other direction that have words of this one."""
        half = len(self._mirror.relations)
        others = range(half) if row >= half else range(half, 2 * half)
        return frozenset(other for other in others if self._beside(self._words[row], other) != self._words[row])


def _kind(walk: Walk, mirror: Mirror, ontology: Ontology, types: Mapping[EntityId, str]) -> str | None:
    """The kind of the answers, where they have types of one kind."""
    found = {kind_of_type(types.get(mirror.entities[place], ""), ontology) for place in walk.ends}
    return found.pop() if len(found) == 1 else None


def _types_at_ends(mirror: Mirror, types: Mapping[EntityId, str]) -> list[str | None]:
    """For each row the type of what it leads to, where nearly all of that is of one. (2r)"""
    found = [Counter[str]() for _ in range(2 * len(mirror.relations))]
    if types:
        for subject, relation, object in mirror.triples():
            row = mirror.rows[relation]
            found[row][types.get(object, "")] += 1
            found[mirror.inverse(row)][types.get(subject, "")] += 1
    most = [counts.most_common(1) for counts in found]
    return [
        one[0][0] if one and one[0][1] >= NEARLY_ALL * counts.total() else None
        for one, counts in zip(most, found, strict=True)
    ]


def _worded(
    steps: Sequence[Turns], turned: Sequence[bool], kind: str | None, language: str, draw: random.Random
) -> str:
    """One wording of a chain; ``turned`` says of each step but the first whether it is the one before it, back."""
    phrase, asked, at = TOPIC, "", 0
    if steps[0].called and draw.random() < CALLED:
        phrase = draw.choice(steps[0].called).replace("{}", TOPIC)
    while at < len(steps):
        step = steps[at]
        if at + 1 < len(steps) and turned[at] and step.same and draw.random() < SAME:
            asked = draw.choice(step.same_asked).replace("{}", phrase) if step.same_asked else ""
            phrase = draw.choice(step.same).replace("{}", phrase)
            at += 2
        else:
            asked = draw.choice(draw.choice(step.asked)).replace("{}", phrase) if step.asked else ""
            phrase = draw.choice(draw.choice(step.named)).replace("{}", phrase)
            at += 1
    if not asked or draw.random() < NAMED:
        asked = draw.choice(asks(phrase, kind or steps[-1].kind, language))
    opened = draw.random() < OPENED and not asked.startswith(IS_OPEN)
    opening = draw.choice(OPENINGS[language]) if opened else ""
    return opening + asked + draw.choice(ENDINGS[language])
