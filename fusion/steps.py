"""The steps of answering a question, told as they are taken. None of them is an answer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fusion.prompt import Prompt
    from fusion.question import Link


@dataclass(frozen=True, slots=True)
class Linked:
    """What the question may name was looked up."""

    links: "tuple[Link, ...]"


@dataclass(frozen=True, slots=True)
class Given:
    """A language model was given this to read and begins to write; what it wrote before, if anything, is void."""

    model: str
    prompt: "Prompt"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of what a language model writes. Nothing has checked it: it may yet be removed."""

    text: str


Step = Linked | Given | Piece
