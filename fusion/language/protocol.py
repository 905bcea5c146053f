"""What a language model can be asked for."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from fusion.language.vocabulary import Vocabulary

Allowed = Callable[[Sequence[int]], Sequence[int] | None]
"""Tokens written so far → the tokens that may come next: None for any, nothing at all for the end of the text.

A text may also end where one of the tokens allowed is a mark of the end (`CausalModel.ends`).
"""


@dataclass(frozen=True, slots=True)
class Options:
    """How a text is written: the likeliest token at each step, unless the temperature is above 0.

    A server's tokens are not known, and so it has no ``thresholds``.
    """

    max_tokens: int = 128
    temperature: float = 0.0
    top_p: float = 1.0  # sampled from the likeliest tokens that have this probability together
    seed: int = 0
    stop: tuple[str, ...] = ()  # the text ends before the first of them
    thresholds: tuple[
        tuple[int, float], ...
    ] = ()  # (token, p): it begins a text only where its probability is p or more

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens is {self.max_tokens}; it must be 1 or more")
        if self.temperature < 0:
            raise ValueError(f"temperature is {self.temperature}; it must be 0 or more")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must be above 0 and at most 1")
        if not all(0 <= least <= 1 for _, least in self.thresholds):
            raise ValueError(f"thresholds is {self.thresholds}; each must be between 0 and 1")
        if "" in self.stop:
            raise ValueError("stop holds an empty text, before which every text ends")


@dataclass(frozen=True, slots=True)
class Generation:
    """A text that was written; ``ended``: the model ended it, and not the limit of tokens.

    ``log_likelihood`` is the natural logarithm of its tokens' probability among those that were allowed, the mark of
    its end included. A server tells neither tokens nor likelihood.
    """

    text: str
    ended: bool
    tokens: tuple[int, ...] = ()
    log_likelihood: float | None = None


Writing = Generator[str, None, Generation]
"""A text piece by piece as it is written; what it returns at its end is the whole. Closing it ends the writing."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The natural logarithm of each token's probability, after the prompt and the tokens before it."""

    tokens: tuple[float, ...]

    @property
    def total(self) -> float:
        """The logarithm of the text's probability."""
        return sum(self.tokens)

    @property
    def mean(self) -> float:
        """The same per token, by which texts of different length compare."""
        return self.total / len(self.tokens)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text as its model reads it; ``spans`` says where each token starts and ends in it, in characters."""

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]


class TextModel(Protocol):
    """Writes text after a prompt, and can do nothing else."""

    @property
    def name(self) -> str:
        """Which model it is."""
        ...

    def generate(self, prompt: str, *, options: Options = ...) -> Generation:
        """The text after the prompt."""
        ...

    def stream(self, prompt: str, *, options: Options = ...) -> Writing:
        """The same text, piece by piece as it is written."""
        ...


class SchemaModel(TextModel, Protocol):
    """Writes JSON, too, by a schema that it is given; nothing holds it to that."""

    def generate(
        self, prompt: str, *, options: Options = ..., schema: Mapping[str, object] | None = None
    ) -> Generation:
        """The text after the prompt; with a schema, a whole JSON text, which the caller must still validate."""
        ...

    def stream(self, prompt: str, *, options: Options = ..., schema: Mapping[str, object] | None = None) -> Writing:
        """The same text, piece by piece as it is written."""
        ...


class CausalModel(Protocol):
    """A model in this process: its tokens, likelihoods and embeddings are open.

    Everywhere ``prefix`` is soft tokens, (p, width), in the space that the model's embedding layer gives out; they
    stand before the prompt, after the mark of the beginning where the model has one.
    """

    @property
    def name(self) -> str:
        """Which model it is."""
        ...

    @property
    def width(self) -> int:
        """The length of a token's embedding."""
        ...

    @property
    def context(self) -> int:
        """The most tokens that it reads and writes together."""
        ...

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end a text."""
        ...

    @property
    def vocabulary(self) -> "Vocabulary":
        """What each token writes."""
        ...

    def tokenize(self, text: str) -> Tokens:
        """The tokens of a text, without marks; what looks like a mark in it (`<eos>`) is plain text."""
        ...

    def score(
        self,
        prompt: str,
        continuations: Sequence[str],
        *,
        prefix: "Tensor | None" = None,
        ended: bool = False,
        batch: int = 16,
    ) -> list[Likelihood]:
        """How likely each continuation follows the prompt; ``ended``: and that the text ends with it."""
        ...

    def generate(
        self,
        prompt: str,
        *,
        options: Options = ...,
        allowed: Allowed | None = None,
        prefix: "Tensor | None" = None,
    ) -> Generation:
        """The text after the prompt, of the tokens allowed."""
        ...

    def stream(
        self,
        prompt: str,
        *,
        options: Options = ...,
        allowed: Allowed | None = None,
        prefix: "Tensor | None" = None,
    ) -> Writing:
        """The same text, piece by piece as it is written."""
        ...

    def search(
        self,
        prompt: str,
        *,
        beams: int,
        max_tokens: int,
        allowed: Allowed | None = None,
        prefix: "Tensor | None" = None,
    ) -> list[Generation]:
        """The likeliest texts after the prompt that a beam search of this width finds, best first."""
        ...
