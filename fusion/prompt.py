"""What was found for a question → the text that a language model reads, in training as at answer time.

    Facts:
    [1] Alan Turing · place of birth · London

    Passages:
    (1) Alan Turing: Turing was born in Maida Vale, London.

    Question: Where was Alan Turing born?
    Answer:

Lines and numbers are the prompt's own. Whatever comes from documents, names and questions stands within one line, each
of its characters as itself or as one other (`shown`), so that it cannot begin a line, number itself, close a quotation,
or head a part; and what is quoted of it is known by its place, and cut from the source.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import regex

from fusion.claims import Claim
from fusion.context import Context
from fusion.errors import PromptTooLongError
from fusion.language.protocol import Tokens
from fusion.planner.model import words_of
from fusion.reasoned import Guess
from fusion.trace import Passage
from fusion.windows import Window, windows
from kg.facts import Entity, EntityId, Fact

TAIL = "Answer:"
DOT = " · "  # between the parts of a fact
SHARE, FIRST = 0.35, 3  # of the room that facts may take before passages have theirs; facts that may take more
LONGEST_TITLE = 80  # characters

Tokenize = Callable[[str], Tokens]

_BLANK = regex.compile(r"[\p{C}\p{Z}]")  # line breaks, marks of direction, whatever is not seen
_HEADING = regex.compile(r"\b(?:facts?|passages?|questions?|answers?)\s?(:)", regex.IGNORECASE)
_DOT = regex.compile(r"(?<= )·(?= )")
_AS = str.maketrans({'"': "”", "[": "［", "]": "］"})


@dataclass(frozen=True, slots=True)
class Shown:
    """Sentences of a passage as the prompt has them: ``text`` is ``shown(chunk.text)`` from ``start`` on."""

    passage: Passage
    text: str
    start: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """A text to be answered, and what its numbers stand for: ``facts[0]`` is fact 1, ``passages[0]`` passage 1.

    ``candidates`` are those of which every fact is shown. What had no room is counted.
    """

    text: str
    question: str
    facts: tuple[Fact, ...]
    passages: tuple[Shown, ...]
    candidates: tuple[Guess, ...]
    names: Mapping[EntityId, Entity]
    tokens: int
    facts_left_out: int = 0
    passages_left_out: int = 0
    passages_cut: int = 0

    @property
    def empty(self) -> bool:
        """Whether it shows nothing from which anything could be answered."""
        return not self.facts and not self.passages

    @property
    def told(self) -> str:
        """What had no room, in one line; nothing where all had."""
        counted = (
            (self.facts_left_out, "fact", "left out"),
            (self.passages_left_out, "passage", "left out"),
            (self.passages_cut, "passage", "shortened"),
        )
        parts = [f"{count} {what}{'s' if count != 1 else ''} {how}" for count, what, how in counted if count]
        return f"{', '.join(parts)} for want of room" if parts else ""

    def fact_lines(self) -> list[str]:
        """The facts as the text has them, without their numbers."""
        return [_fact_line(fact, self.names) for fact in self.facts]

    def quotation(self, number: int, start: int, end: int) -> Claim | None:
        """Characters of what is shown of a passage, as an answer says them; None where they are not shown."""
        text = self.passages[number - 1].text
        return Claim(text[start:end], passage=number) if 0 <= start < end <= len(text) else None


def shown(text: str) -> str:
    """A text as the prompt has it: as many characters, each as itself or as one that means nothing to the prompt.

    What is not seen becomes a space, `"` ”, brackets ［ and ］, a dot that stands alone •, and the colon after the name
    of a part of the prompt, as in "Answer:", a wide one.
    """
    plain = _BLANK.sub(" ", text.translate(_AS))
    plain = _HEADING.sub(lambda match: f"{match[0][:-1]}：", plain)
    return _DOT.sub("•", plain)


def name_shown(name: str) -> str:
    """A name as the prompt has it."""
    return " ".join(shown(name).split())


def assemble(context: Context, tokenize: Tokenize, *, budget: int) -> Prompt:
    """The prompt with as much of the context as fits, the best first.

    Raises:
        PromptTooLongError: not even the question fits.
    """
    facts = [_fact_line(fact, context.names) for fact in context.facts]
    asked = " ".join(shown(context.question).split())
    frame = _text((), (), asked)
    room = budget - len(tokenize(frame + "Facts:\n\nPassages:\n\n").ids)
    if room < 0:
        raise PromptTooLongError(
            f"The question needs {budget - room} tokens and there is room for {budget}; ask it in fewer words."
        )
    costs = [len(tokenize(f"[{at}] {line}\n").ids) for at, line in enumerate(facts, start=1)]
    share = max(room * SHARE, min(room, sum(costs[:FIRST]))) if context.passages else room
    chosen, left = _filled(costs, share)
    passages, left = _passages(context, tokenize, left + room - share)
    more, _ = _filled([cost for at, cost in enumerate(costs) if at not in chosen], left)
    rest = [at for at in range(len(costs)) if at not in chosen]
    kept = sorted({*chosen, *(rest[at] for at in more)})
    while True:  # tokens of the parts are those of the whole but for their seams
        text = _text([facts[at] for at in kept], passages, asked)
        count = len(tokenize(text).ids)
        if count <= budget:
            break
        (passages if passages else kept).pop()
    held = tuple(context.facts[at] for at in kept)
    there = {fact.id for fact in held}
    cut = sum(len(one.text) < len(one.passage.chunk.text.strip()) for one in passages)
    return Prompt(
        text=text,
        question=asked,
        facts=held,
        passages=tuple(passages),
        candidates=tuple(one for one in context.candidates if all(fact.id in there for fact in one.path)),
        names=context.names,
        tokens=count,
        facts_left_out=len(facts) - len(held),
        passages_left_out=len(context.passages) - len(passages),
        passages_cut=cut,
    )


def _text(facts: Sequence[str], passages: Sequence[Shown], asked: str) -> str:
    parts = []
    if facts:
        parts.append("\n".join(("Facts:", *(f"[{at}] {line}" for at, line in enumerate(facts, start=1)))))
    if passages:
        lines = (_passage_line(one, at) for at, one in enumerate(passages, start=1))
        parts.append("\n".join(("Passages:", *lines)))
    return "\n\n".join((*parts, f"Question: {asked}\n{TAIL}"))


def _fact_line(fact: Fact, names: Mapping[EntityId, Entity]) -> str:
    subject, object = names[fact.subject].name, names[fact.object].name
    return DOT.join((name_shown(subject), name_shown(words_of(fact.relation)), name_shown(object)))


def _passage_line(one: Shown, number: int) -> str:
    title = name_shown(one.passage.title)[:LONGEST_TITLE]
    text = one.text.strip()
    return f"({number}) {title}: {text}" if title and not text.startswith(title) else f"({number}) {text}"


def _filled(costs: Sequence[int], room: float) -> tuple[list[int], float]:
    """The places of those that fit one after the other, and what room is left."""
    chosen = []
    for at, cost in enumerate(costs):
        if cost <= room:
            chosen.append(at)
            room -= cost
    return chosen, room


def _passages(context: Context, tokenize: Tokenize, room: float) -> tuple[list[Shown], float]:
    """As much as fits of the first passage, around its best sentence, then of the second, …; and what room is left."""
    texts = [shown(passage.chunk.text) for passage in context.passages]
    found: list[Shown] = []
    for passage, text, window in zip(context.passages, texts, windows(context.question, texts), strict=True):
        fitting, taken = None, 0
        todo = [] if window is None else [window]
        while todo:
            wider = todo.pop(0)
            one = _seen(passage, text, wider)
            cost = len(tokenize(f"{_passage_line(one, len(found) + 1)}\n").ids)
            if cost <= room:
                fitting, taken, todo = one, cost, list(wider.wider())
        if fitting is not None:
            found.append(fitting)
            room -= taken
    return found, room


def _seen(passage: Passage, text: str, window: Window) -> Shown:
    start, end = window.span
    return Shown(passage, text[start:end], start)
