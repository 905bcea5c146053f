"""How a question is answered, step by step: shapes, and how they are made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from api import views
from api.schemas import AnswerOut, EntityOut, PassageOut, Shape, Step

if TYPE_CHECKING:
    from api.assemble import Services
    from fusion.planned import Planned, Thought
    from fusion.question import Link
    from fusion.reader import Miss, Reading
    from fusion.reasoned import Guess


class LinkOut(Shape):
    """An entity that the question may name."""

    text: str = Field(description="As the question has it")
    start: int
    end: int
    entity: EntityOut
    score: float = Field(description="0 to 1")


class PlanStep(Shape):
    """One relation of a plan."""

    relation: str
    forward: bool = Field(description="False where it is walked from object to subject")
    reached: int = Field(description="How many entities it leads to")


class PlanOut(Shape):
    """Relations to walk from an entity that the question names."""

    topic: EntityOut
    steps: list[PlanStep]
    log_probability: float = Field(description="Among the relations that lead on")
    probability: float = Field(description="As far as the question is like those of training, and its link is sure")
    answers: int


class GuessOut(Shape):
    """An entity that plans or the graph neural reasoner propose."""

    entity: EntityOut
    probability: float = Field(description="Of both, calibrated on held-out questions")
    planned: float = Field(description="Probability of the plans that lead to it")
    reasoned: float = Field(description="Probability as the reasoner alone has it")
    path: list[Step] = Field(description="The facts that lead to it")


class RuleOut(Shape):
    """What the words of the question say by themselves."""

    answer: str
    score: float
    reason: str = Field(description="Why there is none, or what it leaves open")


class ExplanationOut(Shape):
    """How a question is answered."""

    question: str
    planner: bool = Field(description="Whether a planner was trained for this graph")
    links: list[LinkOut]
    plans: list[PlanOut] = Field(description="Best first")
    reasoner: list[GuessOut] = Field(description="Best first; none where no reasoner was trained")
    words: RuleOut | None = Field(description="Null where nothing is linked")
    by: Literal["plan", "reasoner", "words", "comparison", "passages", "nothing"] = Field(
        description="What gave the answer"
    )
    why: str = Field(description="Why not by a plan; empty where it is")
    passages: list[PassageOut] = Field(description="That were read for it, best first; none where the graph answers")
    answer: AnswerOut
    cypher: str | None = Field(description="Walks the best plan in Neo4j Browser")


def explain(services: "Services", question: str) -> ExplanationOut:
    """How a question is answered.

    Raises:
        StoreError: the store failed.
        PlannerError: the trained planner cannot be read.
        WeightsError: the embedder's weights are missing or damaged.
    """
    trace = services.answerer.explain(question)
    choice = trace.choice
    thought = None if choice is None else choice.thought
    return ExplanationOut(
        question=question,
        planner=services.planned_reader is not None,
        links=[] if trace.asked is None else [_link(question, one) for one in trace.asked.links],
        plans=[] if thought is None else [_plan(thought, one) for one in thought.plans],
        reasoner=[] if choice is None else _guesses(services, choice.guesses or ()),
        words=None if choice is None else _words(choice.compared or choice.ruled),
        by=trace.by,
        why="" if choice is None or trace.by == "plan" else choice.why,
        passages=views.search(trace.passages).passages,
        answer=views.answer(trace.answer),
        cypher=None if thought is None or not thought.plans else _cypher(thought, thought.plans[0]),
    )


def _link(question: str, one: "Link") -> LinkOut:
    return LinkOut(
        text=question[one.start : one.end],
        start=one.start,
        end=one.end,
        entity=views.entity(one.entity),
        score=one.score,
    )


def _guesses(services: "Services", guesses: "Sequence[Guess]") -> list[GuessOut]:
    ends = {end for guess in guesses for fact in guess.path for end in (fact.subject, fact.object)}
    names = {entity.id: entity.name for entity in services.store.entities(ends)}
    return [
        GuessOut(
            entity=views.entity(guess.entity),
            probability=guess.probability,
            planned=guess.planned,
            reasoned=guess.reasoned,
            path=[
                Step(subject=names[fact.subject], relation=fact.relation, object=names[fact.object])
                for fact in guess.path
            ],
        )
        for guess in guesses
    ]


def _words(said: "Reading | Miss | None") -> RuleOut | None:
    from fusion.reader import Reading

    if said is None:
        return None
    text, score = (said.text, said.score) if isinstance(said, Reading) else ("", 0.0)
    return RuleOut(answer=text, score=score, reason=said.reason)


def _cypher(thought: "Thought", best: "Planned") -> str:
    from kg.chain_query import chain_query

    steps = [(relation, forward) for relation, forward, _ in thought.steps(best.plan)]
    return chain_query(best.link.entity.id, steps, others=best.topic not in best.answers)


def _plan(thought: "Thought", one: "Planned") -> PlanOut:
    return PlanOut(
        topic=views.entity(one.link.entity),
        steps=[
            PlanStep(relation=relation, forward=forward, reached=reached)
            for relation, forward, reached in thought.steps(one.plan)
        ],
        log_probability=one.plan.log_probability,
        probability=one.probability,
        answers=len(one.answers),
    )
