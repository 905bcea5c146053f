"""What the language model answers where the graph alone is not sure: gathered, said under the grammar, checked.

    question ─► Context ─► prompt, soft tokens ─► claims ─► each held against the store ─► Answer, or an abstention

It is asked where no plan is sure, where the graph says nothing, and where readings compete. Where chains of facts are
scored (scoring.py) and one is sure, that chain answers; else what the model says does. Of a chain, all entities are
given that were shown, or, if it is a plan's, as the plan gives them, however few of them the model names.
"""

from collections.abc import Collection, Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from fusion.answer import Answer, abstain
from fusion.checking import Against, Checked, answered, check
from fusion.claims import Claim
from fusion.context import Context
from fusion.decode import Said, sayable
from fusion.errors import PromptTooLongError
from fusion.gathering import Gatherer, led_to
from fusion.influence import MOST, Influence, influences
from fusion.named import Named, named
from fusion.outcome import outcome
from fusion.paths import Facts
from fusion.prompt import name_shown
from fusion.reader import LISTED, Asked
from fusion.reasoner.model import Calibration
from fusion.scoring import Steps, considered, rank, see, steps_of, told
from fusion.speaking import LocalSpeaker, Speaker, Speaking, Spoken
from fusion.steps import Given, Piece
from fusion.thought import SURE, Planned, Thought
from fusion.trace import Choice, Passage
from fusion.turns import WAITING, Turns
from fusion.verify import walks
from kg.facts import Entity, EntityId, Fact
from kg.store import GraphStore

LEAST = 0.15  # confidence in what a model says below which it is no answer


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What a language model was given, what it said, and the answer that came of it, or why none did."""

    model: str
    context: Context
    spoken: Spoken
    answer: Answer
    checked: tuple[Checked, ...] = ()  # each claim, as it was said


class FusedReader:
    """Answers questions with a language model. Safe to use from several threads: one at a time has a local model."""

    def __init__(
        self,
        store: GraphStore,
        gatherer: Gatherer,
        speaker: Speaker,
        *,
        calibration: Calibration | None = None,
        waiting: int = WAITING,
        least: float = LEAST,
    ) -> None:
        """With a ``calibration`` of chains, they are scored by a model in this process before it speaks.

        ``waiting`` questions at the most wait for a model in this process. What it says with a confidence of less than
        ``least`` is no answer.
        """
        self._least = least
        self._store, self.gatherer, self._speaker, self._calibration = store, gatherer, speaker, calibration
        # A server has its own queue; a model in this process has this machine's memory alone.
        self.turn: AbstractContextManager[object] = (
            Turns(waiting=waiting) if isinstance(speaker, LocalSpeaker) else nullcontext()
        )

    @property
    def calibrated(self) -> bool:
        """Whether what it says may have a probability, which can be compared with that of a plan."""
        return self._calibration is not None and isinstance(self._speaker, LocalSpeaker)

    @property
    def speaker(self) -> Speaker:
        """What speaks; to be used while it is one's ``turn``."""
        return self._speaker

    def read(self, asked: Asked, facts: Facts, choice: Choice | None, passages: Sequence[Passage]) -> Answer:
        """The model's answer, every claim of it checked, or why there is none. Raises as `reading` does."""
        return outcome(self.reading(asked, facts, choice, passages)).answer

    def reading(
        self,
        asked: Asked,
        facts: Facts,
        choice: Choice | None,
        passages: Sequence[Passage],
        *,
        against: Against = lambda one: "",
    ) -> Generator[Given | Piece, None, Heard]:
        """The same, told as the model writes; it is this reader's turn until the model has ended.

        ``against`` says what in the question a claim goes against, if anything; such a claim is left out.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
            LanguageModelMemoryError: there is no memory for the prompt.
            BusyModelError: too many questions wait for the model.
        """
        context = self.gatherer.gather(asked, facts, choice, passages)
        with self.turn:
            spoken = yield from self._spoken(context, asked)
        answer = self._answer(asked, facts, choice, context, spoken, against)
        checked = tuple(check(asked.text, spoken.said, named(asked.links), self._store, against=against))
        return Heard(self._speaker.name, context, spoken, answer, checked)

    def soft_tokens(self, heard: Heard) -> int:
        """How many soft tokens stood before what the model read."""
        if heard.spoken.prompt is None or not isinstance(self._speaker, LocalSpeaker):
            return 0
        return len(heard.context.view.candidates) if self._speaker.sees_graphs else 0

    def influences(self, heard: Heard, *, most: int = MOST) -> list[Influence]:
        """What moved that which was said; nothing of a server's model, which tells no likelihoods.

        Raises:
            LanguageModelMemoryError: there is no memory for the prompt.
        """
        if not isinstance(self._speaker, LocalSpeaker):
            return []
        with self.turn:
            return influences(self._speaker, heard.context, heard.spoken, most=most)

    def _spoken(self, context: Context, asked: Asked) -> Speaking:
        ranked = self._ranked(context, asked.unfit, named(asked.links))
        return ranked if ranked is not None else (yield from self._speaker.speaking(context, asked))

    def _answer(
        self,
        asked: Asked,
        facts: Facts,
        choice: Choice | None,
        context: Context,
        spoken: Spoken,
        against: Against,
    ) -> Answer:
        if not spoken.said:
            return abstain(asked.text, spoken.reason)
        if spoken.confidence < self._least:
            sure = f"{spoken.confidence:.2f}, and {self._least:.2f} is the least for an answer"
            return abstain(asked.text, f"{self._speaker.name} said something with a confidence of {sure}")
        said, many = self._whole(spoken, asked, context, facts, choice)
        reason = "; ".join(filter(None, (f"said by {self._speaker.name} and checked", many, spoken.reason)))
        topics = named(asked.links)
        return answered(
            asked.text, said, topics, self._store, confidence=spoken.confidence, reason=reason, against=against
        )

    def _ranked(self, context: Context, unfit: Collection[str], topics: Named) -> Spoken | None:
        """The chain that is surely the answer's, as far as chains can be scored."""
        if self._calibration is None or not isinstance(self._speaker, LocalSpeaker):
            return None
        found = considered(context, unfit, topics)
        if not found:
            return None
        prefix = self._speaker.soft_tokens(context)
        try:
            texts = [told(chain, context.names) for chain in found]
            seen = see(self._speaker.model, context.question, texts, prefix=prefix)
        except PromptTooLongError:  # the model may still speak of less
            return None
        best = rank(self._calibration, seen, found)[0]
        if best.probability < SURE:
            return None
        said = tuple(_claimed(guess.entity, guess.path) for guess in best.chain.guesses)
        return Spoken(said, best.probability, "its chain of facts was the likeliest", calibrated=True)

    def _whole(
        self, spoken: Spoken, asked: Asked, context: Context, facts: Facts, choice: Choice | None
    ) -> tuple[list[Said], str]:
        """What was said, each chain with all that it leads to and may be asked for; and how many are told of more.

        The chains are those that teaching knows (`fusion.teaching`): from a topic, to what is none.
        """
        topics = named(asked.links)
        shown = () if spoken.prompt is None else sayable(spoken.prompt)
        led = [_claimed(guess.entity, guess.path) for guess in context.candidates] + list(shown)
        ways = [(_chain(one), one) for one in led]
        found: dict[object, Said] = {}
        many = ""
        for one in spoken.said:
            found.setdefault(one.entity or one, one)
            start, steps = _chain(one)
            if one.entity is None or start not in topics:
                continue
            others = [other for way, other in ways if way == (start, steps)]
            thought = None if choice is None else choice.thought
            plan = None if thought is None else _plan(thought, start, steps)
            if thought is not None and plan is not None:
                others = [_claimed(guess.entity, guess.path) for guess in led_to(thought, plan, facts, most=LISTED)]
                if len(plan.answers) > LISTED:
                    many = f"the first {LISTED} of {len(plan.answers):,} answers"
            for other in others:
                if other.entity is not None and other.entity.type not in asked.unfit and other.entity.id not in topics:
                    found.setdefault(other.entity, other)
        return list(found.values()), many


def _plan(thought: Thought, start: EntityId | None, steps: Steps) -> Planned | None:
    """The plan that begins and goes on as a chain does."""
    for one in thought.plans:
        if one.link.entity.id == start and tuple(step[:2] for step in thought.steps(one.plan)) == steps:
            return one
    return None


def _chain(one: Said) -> tuple[EntityId | None, Steps]:
    """Where the facts of a claim begin, and how they go on; of a quotation, nothing."""
    if one.entity is None:
        return None, ()
    return walks(one.facts, one.entity.id), steps_of(one.facts, one.entity.id)


def _claimed(entity: Entity, path: tuple[Fact, ...]) -> Said:
    return Said(Claim(name_shown(entity.name)), entity=entity, facts=path)
