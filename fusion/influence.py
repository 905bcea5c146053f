"""Which facts, passages and soft tokens moved what a language model says: each is left out in turn.

    influence(x) = log p(said | all) − log p(said | all but x)

in natural logarithms, of what was said together with its end, among all that the model could write. What is left out
leaves its number unused, so that all other numbers mean what they meant.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fusion.claims import written
from fusion.context import Context
from fusion.prompt import Prompt
from fusion.speaking import LocalSpeaker, Spoken

MOST = 12  # parts that are left out, each of which costs one reading of the prompt

Kind = Literal["fact", "passage", "soft token"]


@dataclass(frozen=True, slots=True)
class Influence:
    """How much likelier a part of the prompt made what was said; below 0, it spoke against it."""

    kind: Kind
    number: int  # from 1, as the prompt counts, and of soft tokens as candidates are counted
    change: float


def influences(speaker: LocalSpeaker, context: Context, spoken: Spoken, *, most: int = MOST) -> list[Influence]:
    """The influence of the parts of a prompt, the strongest first: of what was said to bear it out, then of the others.

    Raises:
        LanguageModelMemoryError: there is no memory for the prompt.
    """
    prompt = spoken.prompt
    if prompt is None:
        return []
    said = [f" {written([one.claim for one in spoken.said])}"]
    soft = speaker.soft_tokens(context)
    whole = speaker.model.score(prompt.text, said, prefix=soft, ended=True)[0].total
    found = []
    for kind, number in _parts(prompt, spoken, 0 if soft is None else len(soft), most):
        text, prefix = prompt.text, soft
        if kind == "soft token" and soft is not None:
            prefix = soft[[at for at in range(len(soft)) if at != number - 1]]
        else:
            text = _without(text, f"[{number}] " if kind == "fact" else f"({number}) ")
        left = speaker.model.score(text, said, prefix=prefix, ended=True)[0].total
        found.append(Influence(kind, number, whole - left))
    return sorted(found, key=lambda one: -abs(one.change))


def _parts(prompt: Prompt, spoken: Spoken, soft: int, most: int) -> list[tuple[Kind, int]]:
    """What is left out in turn: first what the claims name, then each kind in turn, the best first."""
    named: dict[tuple[Kind, int], None] = {}
    for one in spoken.said:
        named |= {("fact", number): None for number in one.claim.facts}
        if one.claim.passage:
            named["passage", one.claim.passage] = None
    for at in range(max(len(prompt.facts), len(prompt.passages), soft)):
        named |= dict.fromkeys(_nth(at + 1, prompt, soft))
    return list(named)[:most]


def _nth(number: int, prompt: Prompt, soft: int) -> Iterator[tuple[Kind, int]]:
    if number <= len(prompt.facts):
        yield "fact", number
    if number <= len(prompt.passages):
        yield "passage", number
    if number <= soft:
        yield "soft token", number


def _without(text: str, head: str) -> str:
    """A prompt without the line that begins so: no other line can."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(head))
