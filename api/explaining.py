"""How a question is answered, step by step: shapes, and how they are made."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from api import views
from api.schemas import AnswerOut, EntityOut, Shape

if TYPE_CHECKING:
    from api.assemble import Services
    from fusion.planned import Planned, Thought


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
    words: RuleOut | None = Field(description="Null where nothing is linked")
    by: Literal["plan", "words", "comparison", "passages", "nothing"] = Field(description="What gave the answer")
    answer: AnswerOut
    cypher: str | None = Field(description="Walks the best plan in Neo4j Browser")


def explain(services: "Services", question: str) -> ExplanationOut:
    """How a question is answered.

    Raises:
        StoreError: the store failed.
        PlannerError: the trained planner cannot be read.
        WeightsError: the embedder's weights are missing or damaged.
    """
    from fusion.compare import compare
    from fusion.reader import Reading, read
    from kg.chain_query import chain_query

    answerer, planned = services.answerer, services.planned_reader
    answer = answerer.ask(question)
    asked, facts = answerer.understand(question)
    thought = planned.think(question, asked.links) if planned is not None and asked.links else None
    compared = compare(asked, facts, services.ontology) if asked.links else None
    ruled = (compared or read(asked, facts, services.ontology)) if asked.links else None
    proposed = planned.answer(thought, facts) if planned is not None and thought is not None and thought.plans else None
    by: Literal["plan", "words", "comparison", "passages", "nothing"] = "nothing"
    if not answer.abstained:
        given = {path.facts for path in answer.paths}
        if proposed is not None and compared is None and given and given <= set(proposed.paths):
            by = "plan"
        elif isinstance(ruled, Reading) and (given and given <= set(ruled.paths)):
            by = "words" if compared is None else "comparison"
        else:
            by = "passages"
    words = None
    if ruled is not None:
        text, score = (ruled.text, ruled.score) if isinstance(ruled, Reading) else ("", 0.0)
        words = RuleOut(answer=text, score=score, reason=ruled.reason)
    best = thought.plans[0] if thought is not None and thought.plans else None
    cypher = None
    if best is not None and thought is not None:
        steps = [(relation, forward) for relation, forward, _ in thought.steps(best.plan)]
        cypher = chain_query(best.link.entity.id, steps, others=best.topic not in best.answers)
    return ExplanationOut(
        question=question,
        planner=planned is not None,
        links=[
            LinkOut(
                text=question[one.start : one.end],
                start=one.start,
                end=one.end,
                entity=views.entity(one.entity),
                score=one.score,
            )
            for one in asked.links
        ],
        plans=[] if thought is None else [_plan(thought, one) for one in thought.plans],
        words=words,
        by=by,
        answer=views.answer(answer),
        cypher=cypher,
    )


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
