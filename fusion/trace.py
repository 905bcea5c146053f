"""How an answer came about: what was looked at on the way to it, what was chosen, and why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fusion.answer import Answer
from fusion.reader import Asked, Miss, Reading
from kg.facts import Chunk

if TYPE_CHECKING:
    from fusion.fused import Heard
    from fusion.operators.answers import Operation
    from fusion.reasoned import Guess
    from fusion.thought import Thought

By = Literal["plan", "reasoner", "words", "operators", "prediction", "model", "passages", "nothing"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that a search found, and where it comes from; scores compare within one search only."""

    chunk: Chunk
    source: str
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What the graph says to a question, and which of its readers was believed.

    A part that was not looked at, because another settled it, is None.
    """

    reading: Reading | Miss
    by: By
    why: str = ""  # not by a plan, in one line
    thought: "Thought | None" = None
    ruled: Reading | Miss | None = None
    operation: "Operation | None" = None
    unsure: bool = False  # the reasoner, where there is one, may know better
    guesses: "tuple[Guess, ...] | None" = None  # the entities that it and the plans propose, the most probable first


@dataclass(frozen=True, slots=True)
class Trace:
    """An answer, and what led there; ``asked`` is None where the question was not even read."""

    answer: Answer
    by: By = "nothing"
    asked: Asked | None = None
    choice: Choice | None = None  # None where nothing is linked
    passages: tuple[Passage, ...] = ()  # that were read, best first
    heard: "Heard | None" = None  # of the language model, where it was asked


def unsettled(choice: Choice | None) -> bool:
    """Whether the graph alone leaves a question open to a model: nothing is named, nothing found, or nothing sure.

    What operators miss stays theirs: a claim is one chain of facts or one quotation, and no check could tell that it is
    the longest of all, or what two chains have in common.
    """
    if choice is None:
        return True
    if choice.operation is not None:
        return False
    return choice.unsure or (isinstance(choice.reading, Miss) and not choice.reading.final)
