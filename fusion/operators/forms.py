"""What the words of a question can ask for beside a chain of facts, with the plainer questions that are left of it."""

from dataclasses import dataclass

from fusion.operators.phrase import Phrase, Place
from fusion.operators.senses import Sense
from fusion.operators.values import Bound, Value


@dataclass(frozen=True, slots=True)
class Extreme:
    """Which of those that ``rest`` asks for comes first, is longest, …"""

    sense: Sense
    rest: Phrase


@dataclass(frozen=True, slots=True)
class Limit:
    """Those that ``rest`` asks for whose value lies on one side of each of the limits. ``text`` is how it was said."""

    sense: Sense
    bounds: tuple[tuple[Bound, Value], ...]
    text: str
    rest: Phrase


@dataclass(frozen=True, slots=True)
class Parts:
    """What all of the parts ask for, or any of them.

    ``listed``: they differ in nothing but a name. ``tentative``: no word joins them, so they may be no parts at all.
    """

    all: bool
    parts: tuple[Phrase, ...]
    listed: bool = False
    tentative: bool = False


@dataclass(frozen=True, slots=True)
class Without:
    """What ``kept`` asks for and ``dropped`` does not."""

    kept: Phrase
    dropped: Phrase


@dataclass(frozen=True, slots=True)
class Whether:
    """Whether what stands at a place of the question is among what a plainer question about the other thing asks for.

    The plainer questions come with that place. ``passive``: the first thing named has it done to it by the second.
    """

    asked: tuple[tuple[Phrase, Place], ...]
    passive: bool = False


@dataclass(frozen=True, slots=True)
class Versus:
    """Which of the things named comes first, is longest, …

    ``named`` are the places of all that is compared, where it is listed. ``claimed`` is the place of the one of which
    the question asks whether it is so.
    """

    sense: Sense
    named: tuple[Place, ...] | None = None
    claimed: Place | None = None


@dataclass(frozen=True, slots=True)
class More:
    """Which of the things named has the most (1) or the fewest (−1) of what is asked for of each."""

    parts: tuple[tuple[Place, Phrase], ...]
    end: int
