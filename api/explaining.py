"""How a question is answered, step by step: shapes, and how they are made."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from api import views
from api.schemas import AnswerOut, EntityOut, LinkOut, PassageOut, Shape, Step
from kg.facts import EntityId

if TYPE_CHECKING:
    from api.assemble import Services
    from fusion.fused import FusedReader, Heard
    from fusion.reader import Miss, Reading
    from fusion.reasoned import Guess
    from fusion.thought import Planned, Thought
    from fusion.trace import Trace


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


class OperatorLine(Shape):
    """A set of entities, or what is done with the sets below it."""

    depth: int = Field(description="How far down the tree")
    text: str


class ClaimOut(Shape):
    """One thing that a language model said, and how its check went."""

    text: str
    kept: bool
    note: str = Field(description="What was checked of it, or why it was left out")


class InfluenceOut(Shape):
    """A part of what a language model read, and how much likelier it made what was said."""

    kind: Literal["fact", "passage", "soft token"]
    number: int = Field(description="From 1, as the prompt counts; of soft tokens as candidates are counted")
    text: str
    change: float = Field(
        description="Natural logarithm of how many times likelier than without it; below 0, it spoke against it"
    )


class ModelOut(Shape):
    """What a language model read and said."""

    name: str
    facts: int = Field(description="That it read")
    passages: int
    soft_tokens: int = Field(description="One for each candidate; none without an adapter")
    left_out: str = Field(description="What had no room, in one line; empty where all had")
    said: str = Field(
        description="As it said it; `none` where it found no answer, empty where it said nothing, as the reason tells"
    )
    confidence: float = Field(description="In what it said; 0 where it said none, or nothing")
    reason: str = Field(description="What is to be known of what it said, or why it said nothing")
    claims: list[ClaimOut]
    influences: list[InfluenceOut] = Field(
        description="The strongest first, of the parts that were left out in turn; none of a server's model"
    )


class ExplanationOut(Shape):
    """How a question is answered."""

    question: str
    planner: bool = Field(description="Whether a planner was trained for this graph")
    links: list[LinkOut]
    plans: list[PlanOut] = Field(description="Best first")
    reasoner: list[GuessOut] = Field(description="Best first; none where no reasoner was trained")
    words: RuleOut | None = Field(description="Null where nothing is linked, or operators answer")
    operators: list[OperatorLine] = Field(
        description="How chains are combined, as a tree; none where one chain answers"
    )
    by: Literal["plan", "reasoner", "words", "operators", "prediction", "model", "passages", "nothing"] = Field(
        description="What gave the answer"
    )
    why: str = Field(description="Why not by a plan; empty where it is")
    passages: list[PassageOut] = Field(description="That were read for it, best first; none where the graph answers")
    model: ModelOut | None = Field(description="Null where no language model was asked")
    answer: AnswerOut
    cypher: str | None = Field(
        description="Finds the answer in Neo4j Browser, by plan, operators or facts; else walks the best plan"
    )


def explain(
    services: "Services",
    question: str,
    *,
    topics: Collection[EntityId] = (),
    predict: bool = False,
    influence: bool = False,
) -> ExplanationOut:
    """How a question is answered; ``topics`` are entities that its names mean, where they may mean several.

    With ``influence``, parts of what a language model read are left out in turn, which takes some seconds.

    Raises:
        StoreError: the store failed.
        PlannerError: the trained planner cannot be read.
        WeightsError: the embedder's weights are missing or damaged.
        LearningError: what was learned of the graph cannot be read.
        LanguageModelError, AdapterError: the language model or its adapter cannot be used.
    """
    trace = services.answerer.explain(question, topics=topics, predict=predict)
    choice = trace.choice
    thought = None if choice is None else choice.thought
    operation = None if choice is None else choice.operation
    return ExplanationOut(
        question=question,
        planner=services.planned_reader is not None,
        links=[] if trace.asked is None else [views.link(question, one) for one in trace.asked.links],
        plans=[] if thought is None else [_plan(thought, one) for one in thought.plans],
        reasoner=[] if choice is None else _guesses(services, choice.guesses or ()),
        words=None if choice is None or choice.operation is not None else _words(choice.ruled),
        operators=[] if operation is None else [OperatorLine(depth=d, text=text) for d, text in operation.lines],
        by=trace.by,
        why="" if choice is None or trace.by == "plan" else choice.why,
        passages=views.search(trace.passages).passages,
        model=_model(services, trace, influence=influence),
        answer=views.answer(trace.answer),
        cypher=_cypher(trace),
    )


def _model(services: "Services", trace: "Trace", *, influence: bool) -> ModelOut | None:
    from fusion.claims import written

    heard = trace.heard
    if heard is None:
        return None
    spoken, prompt, reader = heard.spoken, heard.spoken.prompt, services.fused_reader
    return ModelOut(
        name=heard.model,
        facts=0 if prompt is None else len(prompt.facts),
        passages=0 if prompt is None else len(prompt.passages),
        soft_tokens=0 if reader is None else reader.soft_tokens(heard),
        left_out="" if prompt is None else prompt.told,
        said=written([one.claim for one in spoken.said]) if spoken.whole else "",
        confidence=round(spoken.confidence, 3),
        reason=spoken.reason,
        claims=[
            ClaimOut(text=one.said.claim.text, kept=not one.wrong, note=one.wrong or one.note) for one in heard.checked
        ],
        influences=_influences(reader, heard) if influence and reader is not None else [],
    )


def _influences(reader: "FusedReader", heard: "Heard") -> list[InfluenceOut]:
    prompt, candidates = heard.spoken.prompt, heard.context.candidates
    if prompt is None:
        return []
    texts = {
        "fact": prompt.fact_lines(),
        "passage": [one.text for one in prompt.passages],
        "soft token": [one.entity.name for one in candidates],
    }
    return [
        InfluenceOut(
            kind=one.kind, number=one.number, text=texts[one.kind][one.number - 1], change=round(one.change, 4)
        )
        for one in reader.influences(heard)
    ]


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


def _cypher(trace: "Trace") -> str | None:
    """The answer as a query: the operators or the plan that gave it, else its facts; without any, the best plan."""
    from kg.chain_query import chain_query, facts_query

    operation = None if trace.choice is None else trace.choice.operation
    if trace.by == "operators" and operation is not None and operation.cypher is not None:
        return operation.cypher
    if operation is not None and operation.cypher is None and trace.answer.abstained:
        return None  # a plan that leaves out what the operators read would answer another question
    predicted = trace.answer.predicted or {}
    facts = {fact for path in trace.answer.paths for fact in path.facts if fact.id not in predicted}
    if trace.by != "plan" and facts:
        return facts_query(facts)
    thought = None if trace.choice is None else trace.choice.thought
    if thought is None or not thought.plans:
        return None
    best = thought.plans[0]
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
