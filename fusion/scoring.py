"""How likely a language model holds each chain of facts for what a question asks, beside planner and reasoner.

A chain is what leads to candidates: where it begins, and its relations, each with its direction. It is told by names,
"Free Guy · directed by · Shawn Levy · born in · Montreal", and scored by how much likelier the question makes it:

    pmi(c) = log p(c | "Question: … Path:") − log p(c | "Path:")

since long chains and rare names are unlikely after anything (Holtzman et al. 2021, https://arxiv.org/abs/2104.08315).
One probability of all is fitted to questions held out, as in reasoner/fusing.py, and by its code: by training, with the
model as it is kept (tuning/command.py). ``c`` chains.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fusion.context import Context
from fusion.language.protocol import CausalModel
from fusion.named import Named
from fusion.prompt import DOT, name_shown, shown
from fusion.reasoned import Guess
from fusion.reasoner.fusing import LEAST, Numbers, Seen, calibrate, fuse
from fusion.reasoner.model import Calibration
from fusion.verify import walks
from kg.facts import Entity, EntityId, Fact

if TYPE_CHECKING:
    from torch import Tensor

CHAINS = 8  # that are scored
HELD_OUT = 20  # questions: from fewer it cannot be told how often a chain is right
WEIGHTS = 7  # of a calibration: one a feature, and the shift

Steps = tuple[tuple[str, bool], ...]  # relations, and whether each is walked forwards


@dataclass(frozen=True, slots=True)
class Chain:
    """A way from an entity along relations, each walked forwards or not, and the candidates that it leads to."""

    start: EntityId
    steps: Steps
    guesses: tuple[Guess, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A chain as the model reads it, and how probable the best of its candidates is; ``right`` in training."""

    text: str
    planned: float
    reasoned: float
    probability: float  # of both
    right: bool = False  # whether all that it leads to is an answer


@dataclass(frozen=True, slots=True)
class Ranked:
    """A chain, and how probable it is that it leads to the answer."""

    chain: Chain
    probability: float


def steps_of(path: Sequence[Fact], to: EntityId) -> Steps:
    """The relations of a way to an entity, and whether each is walked forwards."""
    found, here = [], to
    for fact in reversed(path):
        found.append((fact.relation, fact.object == here))
        here = fact.subject if fact.object == here else fact.object
    return tuple(reversed(found))


def chains(candidates: Sequence[Guess]) -> tuple[Chain, ...]:
    """The distinct chains that lead to candidates, in their order."""
    found: dict[tuple[EntityId, Steps], list[Guess]] = {}
    for one in candidates:
        start = walks(one.path, one.entity.id)
        if start is not None and one.path:
            found.setdefault((start, steps_of(one.path, one.entity.id)), []).append(one)
    return tuple(Chain(start, steps, tuple(guesses)) for (start, steps), guesses in found.items())


def considered(context: Context, unfit: Collection[str], topics: Named) -> tuple[Chain, ...]:
    """The chains of a context that are scored: none to what cannot be asked for, by its type or as a topic."""
    fit = [one for one in context.candidates if one.entity.type not in unfit and not topics.asked_about(one.entity.id)]
    return chains(fit)[:CHAINS]


def told(chain: Chain, names: Mapping[EntityId, Entity], *, right: bool = False) -> Told:
    """A chain by names, as far as its first candidate."""
    parts, here = [name_shown(names[chain.start].name)], chain.start
    for fact, (relation, forwards) in zip(chain.guesses[0].path, chain.steps, strict=True):
        here = fact.object if forwards else fact.subject
        words = relation.replace("_", " ")
        parts += [name_shown(words if forwards else f"{words} of"), name_shown(names[here].name)]
    planned, reasoned, both = (
        max(getattr(guess, what) for guess in chain.guesses) for what in ("planned", "reasoned", "probability")
    )
    return Told(DOT.join(parts), planned, reasoned, both, right)


def see(
    model: CausalModel,
    question: str,
    found: Sequence[Told],
    *,
    prefix: "Tensor | None" = None,
) -> Seen:
    """What chains are judged by; their places are those in ``found``.

    Shapes: prefix (p, width)

    Raises:
        PromptTooLongError: question and chain do not fit into the model's context.
        LanguageModelMemoryError: there is no memory for them.
    """
    if not found:
        none = np.zeros(0)
        return Seen(np.zeros(0, np.int64), np.zeros((0, 6)), none, none, ())
    texts = [f" {one.text}" for one in found]
    asked = model.score(f"Question: {' '.join(shown(question).split())}\nPath:", texts, prefix=prefix)
    alone = model.score("Path:", texts)
    gain = np.array([one.total - other.total for one, other in zip(asked, alone, strict=True)])
    mean = np.array([one.mean for one in asked])
    planned, reasoned, both = (
        np.array([getattr(one, what) for one in found], float) for what in ("planned", "reasoned", "probability")
    )
    first = (np.arange(len(found)) == int(np.argmax(both))).astype(float)
    features: Numbers = np.stack(
        (
            np.log(np.maximum(planned, LEAST)),
            np.log(np.maximum(reasoned, LEAST)),
            np.log(np.maximum(both, LEAST)),
            gain - gain.max(),
            mean - mean.max(),
            first * (gain == gain.max()),
        ),
        axis=1,
    )
    return Seen(np.arange(len(found)), features, planned, reasoned, (None,) * len(found))


def fit(looks: Sequence[tuple[Seen, Sequence[Told]]]) -> Calibration | None:
    """Fit to questions held out: what was seen of their chains; None where there are too few of them, or too like.

    The error told is that of halves fitted to each other.
    """
    looks = [(seen, found) for seen, found in looks if found]
    if len(looks) < HELD_OUT:
        return None
    right = [frozenset(at for at, one in enumerate(found) if one.right) for _, found in looks]
    return calibrate([seen for seen, _ in looks], right)


def rank(calibration: Calibration, seen: Seen, found: Sequence[Chain]) -> list[Ranked]:
    """The chains, the most probable first."""
    return [Ranked(found[one.place], one.probability) for one in fuse(calibration, seen)]
