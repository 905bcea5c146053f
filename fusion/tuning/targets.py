"""What is to be said of a prompt when the right answers are known, by rule.

1. Of the chains of facts that lead to candidates, the one that leads to most of the right answers, and of equals the
   one that leads to fewest others: these answers, each with its facts.
2. Else facts that join a right answer to what the question names.
3. Else the characters of a passage that are a right answer: of a passage that names what the question names, if one
   does; then of the first.
4. Else a right answer with any fact of it that is shown.
5. Else nothing: ``none``.

A target is what the grammar of its prompt has, so that what is learned can be said.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import regex

from fusion.claims import Claim, written
from fusion.context import Context
from fusion.decode import CLAIMS, QUOTED, Grammar
from fusion.evaluate import normalise
from fusion.prompt import Prompt, name_shown
from fusion.reasoned import Guess
from fusion.scoring import chains
from kg.facts import Entity, EntityId
from nlp.dates import find_dates

By = Literal["chain", "fact", "quotation", "mention", "none"]
PLACES = 32  # of right answers in one passage that are looked at


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be said, and by which of the rules."""

    claims: tuple[Claim, ...]
    by: By

    @property
    def text(self) -> str:
        """As it stands behind the prompt, which ends without a space."""
        return f" {written(self.claims)}"


def target(prompt: Prompt, context: Context, gold: Collection[str]) -> Target:
    """What is to be said of a prompt; ``gold`` has the names of the right answers, any of which an entity may bear."""
    keys = {normalise(name) for name in gold}
    topics = named(context)
    right = {id for id, one in prompt.names.items() if not keys.isdisjoint(map(normalise, (one.name, *one.aliases)))}
    if led := _led(prompt, prompt.candidates, right):
        return Target(led, "chain")
    ends = [
        Guess(prompt.names[id], 0.0, 0.0, 0.0, False, (fact,))
        for fact in prompt.facts
        for id in (fact.object, fact.subject)
        if id in right
    ]
    beside = [one for one in ends if {one.path[0].subject, one.path[0].object} & (topics - {one.entity.id})]
    if led := _led(prompt, beside, right):
        return Target(led, "fact")
    if quoted := _quoted(prompt, keys, gold, [context.names[id] for id in topics]):
        return Target((quoted,), "quotation")
    if led := _led(prompt, ends, right):
        return Target(led, "mention")
    return Target((), "none")


def named(context: Context) -> set[EntityId]:
    """The entities that the question names, as far as facts of them were found."""
    return {id for id, score in zip(context.names, context.view.topics, strict=False) if score > 0}


def accepted(prompt: Prompt, found: Target) -> bool:
    """Whether the grammar of a prompt has a target, and reads it as it is meant."""
    said = Grammar(prompt).parse(found.text.encode())
    return said is not None and tuple(one.claim for one in said) == found.claims


def _led(prompt: Prompt, guesses: Sequence[Guess], right: Collection[EntityId]) -> tuple[Claim, ...]:
    """The right answers that the best chain leads to."""
    most = 0, 0
    best: dict[EntityId, Claim] = {}
    for chain in chains(guesses):
        found: dict[EntityId, Claim] = {}
        for guess in chain.guesses:
            claim = prompt.claim(guess.entity, guess.path)
            if guess.entity.id in right and claim is not None:
                found.setdefault(guess.entity.id, claim)
        fit = len(found), -len({guess.entity.id for guess in chain.guesses})
        if found and fit > most:
            most, best = fit, found
    return tuple(best.values())[:CLAIMS]


def _quoted(prompt: Prompt, keys: Collection[str], gold: Collection[str], topics: Sequence[Entity]) -> Claim | None:
    """The characters of a passage that are a right answer, from the edge of a word to the edge of one."""
    names = [name_shown(name).casefold() for topic in topics for name in (topic.name, *topic.aliases)]
    order = sorted(
        range(len(prompt.passages)),
        key=lambda at: not any(name in _whole(prompt, at) for name in names),
    )
    grammar = Grammar(prompt)
    for at in order:
        for start, end in _places(prompt.passages[at].text, keys, gold):
            claim = prompt.quotation(at + 1, start, end)
            if claim is not None and grammar.parse(f" {written([claim])}".encode()) is not None:
                return claim
    return None


def _whole(prompt: Prompt, at: int) -> str:
    one = prompt.passages[at]
    return f"{name_shown(one.passage.title)} {one.text}".casefold()


def _places(text: str, keys: Collection[str], gold: Collection[str]) -> Iterator[tuple[int, int]]:
    """Where a text has a right answer, or a date that is one, in order."""
    patterns = sorted({regex.escape(name_shown(name)) for name in gold if name.strip()}, key=lambda one: -len(one))
    found = (
        {match.span() for match in regex.finditer("|".join(patterns), text, regex.IGNORECASE)} if patterns else set()
    )
    found |= {(start, end) for start, end, _ in find_dates(text) if normalise(text[start:end]) in keys}
    yield from [(start, end) for start, end in sorted(found) if end - start <= QUOTED][:PLACES]
