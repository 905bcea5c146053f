"""What a language model says of a question, in the one form that it may say it in.

Each claim is a value and what bears it out: ``Turing [2][5]``, a candidate with the numbers of the facts that lead to
it, or ``"in 1912" (3)``, the characters of a passage and its number. Several are joined by ``; ``. ``none`` says that
nothing given answers the question. The same lines are what training teaches.
"""

from collections.abc import Sequence
from dataclasses import dataclass

NONE = "none"


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that an answer says. Numbers count from 1, as they stand in the prompt."""

    text: str
    facts: tuple[int, ...] = ()
    passage: int = 0  # whose characters the text is; 0 where facts bear it out


def written(claims: Sequence[Claim]) -> str:
    """Claims as a model writes them; none at all is ``none``."""
    return "; ".join(map(_written, claims)) or NONE


def _written(claim: Claim) -> str:
    if claim.passage:
        return f'"{claim.text}" ({claim.passage})'
    return f"{claim.text} {''.join(f'[{number}]' for number in claim.facts)}"
