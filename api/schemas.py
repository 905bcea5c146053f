"""What crosses the door, as JSON: the same shapes over HTTP and with ``--json``."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

_ENTITY: JsonValue = {
    "id": "4f1d0c8e1b7a3f52a1c09be3d8a4e671",
    "type": "Person",
    "name": "Marie Curie",
    "aliases": ["Madame Curie"],
}
_STEP: JsonValue = {"subject": "Radioactive", "relation": "directed_by", "object": "Marjane Satrapi"}
_CITATION: JsonValue = {
    "document": "films.jsonl#12",
    "start": 0,
    "end": 51,
    "quote": "Radioactive is a film directed by Marjane Satrapi.",
}


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class Body(Shape):
    """What a request brings: a field of another name is an error, so that none is left out by its spelling."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# -- questions and answers ----------------------------------------------------------------------------------------


class Question(Body):
    """A question in English or Chinese."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"question": "Who is the spouse of the director of Radioactive?"}]}
    )

    question: str = Field(min_length=1, description="At most CLEW_MAX_QUESTION_CHARACTERS characters")
    topics: list[str] = Field(
        default=[],
        max_length=100,
        description="Ids of what names of the question mean, where several are possible",
    )
    predict: bool = Field(
        default=False, description="Where the graph lacks a fact, take one that its learned vectors expect, and mark it"
    )


class Explain(Question):
    """A question whose answer is to be explained."""

    influence: bool = Field(
        default=False,
        description="Where a language model runs in the service and was asked: also say what moved what it said, which "
        "takes some seconds",
    )


class EntityOut(Shape):
    """A thing that the graph knows."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_ENTITY]})

    id: str
    type: str
    name: str
    aliases: list[str] = Field(default=[], description="Other surfaces under which documents mention it, sorted")


class Step(Shape):
    """One edge of a path, by name."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_STEP]})

    subject: str
    relation: str
    object: str


class PredictedStep(Step):
    """An edge that the graph does not hold and its learned vectors expect: no fact, and in no document."""

    predicted: Literal[True] = True
    probability: float


class CitationOut(Shape):
    """Characters of a source: ``quote`` is exactly ``text[start:end]`` of the document."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_CITATION]})

    document: str = Field(description="The document's source")
    start: int = Field(description="First character, counted in Unicode code points")
    end: int = Field(description="Behind the last character")
    quote: str


class CandidateOut(Shape):
    """One of several things that a name of the question may mean."""

    entity: EntityOut
    description: str = Field(description="What sets it apart, if the graph knows")


class AnswerOut(Shape):
    """An answer with its thread, or an abstention with its reason."""

    question: str
    answer: str
    abstained: bool
    reason: str = Field(description="Why it abstained, or what it could not settle; empty otherwise")
    confidence: float = Field(description="0 to 1")
    entities: list[EntityOut]
    paths: list[list[PredictedStep | Step]] = Field(description="An edge that is predicted is marked so")
    citations: list[CitationOut]
    candidates: list[CandidateOut] = Field(
        default=[], description="Where it is to be said which is meant: ask again with the id of one among the topics"
    )
    checked: list[str] = Field(
        default=[],
        description="Where a language model gave it: what was held against the graph and its sources, claim by claim",
    )


class LinkOut(Shape):
    """An entity that the question may name."""

    text: str = Field(description="As the question has it")
    start: int
    end: int
    entity: EntityOut
    score: float = Field(description="0 to 1")


class LinkedOut(Shape):
    """What the question may name: the first event of a stream."""

    links: list[LinkOut]


class GivenOut(Shape):
    """What a language model reads before it writes; pieces that were sent before are void."""

    model: str
    facts: int
    passages: int
    left_out: str = Field(description="What had no room, in one line; empty where all had")


class PieceOut(Shape):
    """A piece of what a language model writes. Nothing has checked it: it is no answer."""

    text: str
    verified: Literal[False] = False


class SearchRequest(Body):
    """Words to find passages by."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "films by Marjane Satrapi", "limit": 5}]})

    text: str = Field(min_length=1, description="At most CLEW_MAX_QUESTION_CHARACTERS characters")
    limit: int = Field(default=10, ge=1, le=100)


class PassageOut(Shape):
    """A passage that a search found; scores compare within one search only."""

    document: str = Field(description="The document's source")
    title: str
    start: int
    end: int
    text: str
    score: float


class SearchOut(Shape):
    """Passages, best first."""

    passages: list[PassageOut]


# -- documents ----------------------------------------------------------------------------------------------------


class DocumentIn(Body):
    """A text to read. The source names it: the same source again replaces what it said before."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "source": "notes/radioactive",
                    "title": "Radioactive (film)",
                    "text": "Radioactive is a 2019 film directed by Marjane Satrapi.",
                }
            ]
        },
    )

    source: str = Field(min_length=1, max_length=2000)
    title: str = Field(default="", max_length=2000)
    text: str = Field(min_length=1)


class DocumentOut(Shape):
    """A document that the graph holds."""

    id: str
    source: str
    title: str
    language: str = Field(description="ISO 639-1, or `und` when it could not be told")
    complete: bool = Field(description="False while it is being read, or when reading it was cut short")


class DocumentPage(Shape):
    """Documents by source; ``next`` is the cursor of the next page, or null behind the last."""

    documents: list[DocumentOut]
    next: str | None = None


class UnreadableOut(Shape):
    """Something that could not be read, and why."""

    source: str
    message: str


class IngestOut(Shape):
    """What reading came to. Nothing is dropped without being counted."""

    new: int
    changed: int
    unchanged: int
    reread: int = Field(description="Stored documents read again because a name in them came or went")
    removed: int = Field(description="Rows that a file no longer holds")
    unreadable: list[UnreadableOut]
    characters: int
    chunks: int
    mentions: int
    facts: int
    linked: dict[str, int] = Field(description="How mentions were linked to entities")
    dropped: dict[str, int] = Field(description="What was seen and not kept, by reason")


class ImportedFile(Shape):
    """What importing a file of triples came to."""

    source: str
    triples: int
    unreadable_lines: int


class ImportOut(Shape):
    """What importing came to."""

    files: list[ImportedFile]
    unreadable: list[UnreadableOut]
    reread: int = Field(description="Documents read again for the names that are known now")


class DeleteOut(Shape):
    """What deleting came to."""

    deleted: list[DocumentOut]
    reread: int = Field(description="Documents read again because a name in them went")


# -- entities and facts -------------------------------------------------------------------------------------------


class EntityPage(Shape):
    """Entities by name, or best first where they were searched for."""

    entities: list[EntityOut]
    next: str | None = Field(default=None, description="Cursor of the next page, or null behind the last")


class EvidenceOut(Shape):
    """The characters that state a fact, who read them, and how sure it was."""

    document: str
    start: int
    end: int
    quote: str
    extractor: str
    confidence: float


class FactOut(Shape):
    """An edge of the graph, by name, with its evidence."""

    id: str
    subject: EntityOut
    relation: str
    object: EntityOut
    evidence: list[EvidenceOut]


class EntityDetail(Shape):
    """An entity, where it is named, and what is said of it."""

    entity: EntityOut
    mentions: list[CitationOut]
    mentions_total: int
    facts: list[FactOut]
    more_facts: bool = Field(description="Whether there are more facts; those listed have the most evidence")


class EntityDetails(Shape):
    """Every entity of a name."""

    entities: list[EntityDetail]


class SubgraphOut(Shape):
    """The entities near one, nearest first, and the facts that join them."""

    center: str
    entities: list[EntityOut]
    facts: list[FactOut]


class Stats(Shape):
    """How much the graph holds."""

    store: str
    documents: int
    chunks: int
    entities: int
    facts: int
    evidence: int
    entities_by_type: dict[str, int]
    facts_by_relation: dict[str, int]


class Health(Shape):
    """That the service and its store answer."""

    status: str = Field(examples=["ok"])
    store: str
    version: str


class Check(Shape):
    """One thing that `clew doctor` looked at."""

    name: str
    ok: bool
    detail: str = Field(description="What was found, or what is missing and what to do")


class Checks(Shape):
    """All that `clew doctor` looked at."""

    ok: bool
    checks: list[Check]
