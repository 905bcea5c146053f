"""The questions of 2WikiMultiHop with their gold evidence, and a graph that is made of the evidence alone."""

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import regex

from fusion.evaluate import normalise
from kg.facts import Chunk, Document, Entity, EntityId, Evidence, Fact, Occurrence, name_key
from kg.memory_store import MemoryStore
from kg.store import DocumentRecord, GraphStore, Reading
from nlp.dates import find_dates
from nlp.lexicon import NATIONALITIES

RELATIONS = {  # those of the evidence, as the ontology has them; the first is what a gold graph says
    "director": ("directed_by",),
    "date of birth": ("born_on",),
    "date of death": ("died_on",),
    "place of birth": ("born_in",),
    "place of death": ("died_in",),
    "father": ("father",),
    "mother": ("mother",),
    "child": ("child",),
    "spouse": ("married_to",),
    "sibling": ("sibling",),
    "country of citizenship": ("nationality",),
    "country": ("country_of_origin", "located_in", "nationality"),
    "country of origin": ("country_of_origin", "nationality"),
    "publication date": ("released_on", "founded_on"),
    "inception": ("founded_on", "released_on"),
    "performer": ("performed_by",),
    "producer": ("produced_by",),
    "composer": ("composed_by",),
    "educated at": ("educated_at",),
    "employer": ("works_for",),
    "has part": ("has_part",),
    "award received": ("award_received",),
}
BACKWARDS = {  # the same thing, written from the other side
    "father": ("child",), "mother": ("child",), "child": ("father", "mother"), "married_to": ("married_to",),
    "has_part": ("part_of", "member_of"), "sibling": ("sibling",),
}  # fmt: skip
_SUBJECTS = {"performed_by": "Song", "composed_by": "Film", "directed_by": "Film", "released_on": "Film"}
_SUBJECTS |= {"produced_by": "Film", "founded_on": "Organization", "country_of_origin": "Film"}
_SUBJECTS |= {"has_part": "Organization"}
_OBJECTS = {"nationality": "Nationality", "country_of_origin": "Country", "educated_at": "Organization"}
_OBJECTS |= {"works_for": "Organization", "award_received": "Award", "born_in": "Place", "died_in": "Place"}
_TOLD = regex.compile(r"\s*\([^)]*\)$")


@dataclass(frozen=True)
class Thing:
    """A thing or value that the evidence names."""

    name: str
    title: str = field(default="", compare=False)  # of the article about it, where that is known

    @cached_property
    def keys(self) -> frozenset[str]:
        """Under which it may be found: with and without what stands in brackets or behind a comma."""
        return _keys(self.name) | (_keys(self.title) if self.title else frozenset())

    def means(self, entity: Entity) -> bool:
        """Whether an entity is this thing, by one of its names."""
        return any(self.keys & _keys(name) for name in (entity.name, *entity.aliases))


@dataclass(frozen=True, slots=True)
class Triple:
    """One piece of evidence."""

    subject: Thing
    relation: str
    object: Thing

    def __str__(self) -> str:
        return f"{self.subject.name} · {self.relation} · {self.object.name}"


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its answer, the paragraphs beside it, and the triples that it takes."""

    text: str
    kind: str
    gold: tuple[str, ...]
    context: tuple[tuple[str, str], ...]  # title, text
    evidence: tuple[Triple, ...]


def questions(path: Path) -> list[Question]:
    """The questions of a file."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        context = tuple((title, " ".join(parts)) for title, parts in _list(row["context"]))
        told = _list(row["evidences"])
        titles = _titles([s for s, _, _ in told], [title for title, _ in _list(row["supporting_facts"])])
        evidence = tuple(Triple(Thing(s, titles.get(s, "")), r, Thing(o)) for s, r, o in told)
        found.append(Question(row["question"], row["type"], (row["answer"],), context, evidence))
    return found


def _list(value: object) -> list[list[str]]:
    """A nested list, that is written as JSON or as Python does."""
    if not isinstance(value, str):
        return value  # type: ignore[return-value]
    try:
        return json.loads(value)  # type: ignore[no-any-return]
    except ValueError:
        return ast.literal_eval(value)  # type: ignore[no-any-return]


def _titles(subjects: Sequence[str], titles: Sequence[str]) -> dict[str, str]:
    """The article about each subject of the evidence: of its name, and those left over in the order of both."""
    left, free = list(dict.fromkeys(subjects)), list(dict.fromkeys(titles))
    found = {}
    for subject in tuple(left):
        title = next((title for title in free if _keys(subject) & _keys(title)), None)
        if title is not None:
            found[subject] = title
            left.remove(subject)
            free.remove(title)
    return found | (dict(zip(left, free, strict=True)) if len(left) == len(free) else {})


def _keys(name: str) -> frozenset[str]:
    bare = _TOLD.sub("", name)
    return frozenset(normalise(each) for each in (name, bare, bare.partition(",")[0])) | {
        name_key(NATIONALITIES.get(bare, bare))
    }


def topics(question: Question) -> list[Thing]:
    """What the evidence begins with: subjects that are no objects."""
    joined = bridges(question)
    return [t.subject for t in question.evidence if t.subject not in joined]


def bridges(question: Question) -> dict[Thing, Thing]:
    """The subjects of second steps, with the objects of first steps that they are.

    The two are often written differently: subjects are titles of articles, objects are labels of Wikidata.
    """
    steps = question.evidence
    if question.kind in ("compositional", "inference"):
        return {steps[1].subject: steps[0].object} if len(steps) == 2 else _same(steps)
    if question.kind == "bridge_comparison" and len(steps) == 4:
        return {steps[2].subject: steps[0].object, steps[3].subject: steps[1].object}
    return _same(steps)


def _same(steps: Sequence[Triple]) -> dict[Thing, Thing]:
    objects = {step.object for step in steps}
    return {step.subject: step.subject for step in steps if step.subject in objects}


def reached(triple: Triple, store: GraphStore) -> bool:
    """Whether a graph holds a triple, whichever way it writes it."""
    relations = RELATIONS.get(triple.relation, ())
    turned = {name for relation in relations for name in BACKWARDS.get(relation, ())}
    said = (triple.subject.name, triple.subject.title or triple.subject.name)
    names = {form for name in said for form in (name, _TOLD.sub("", name))}
    heads = {entity.id for entity in store.find_entities({name_key(name) for name in names})}
    ends = set()
    for fact in store.facts(sorted(heads)):
        if fact.subject in heads and fact.relation in relations:
            ends.add(fact.object)
        if fact.object in heads and fact.relation in turned:
            ends.add(fact.subject)
    return any(triple.object.means(entity) for entity in store.entities(sorted(ends)))


def gold_store(asked: Sequence[Question]) -> MemoryStore:
    """A graph of the evidence of all questions and nothing else; each triple is a sentence of its question's text."""
    store = MemoryStore()
    for at, question in enumerate(asked):
        steps = [step for step in question.evidence if step.relation in RELATIONS]
        if steps:
            store.write([_reading(f"evidence#{at}", steps, bridges(question))])
    return store


def _reading(source: str, steps: Sequence[Triple], joined: dict[Thing, Thing]) -> Reading:
    occurrences, facts, start = [], [], 0
    entities: dict[EntityId, Entity] = {}
    headed = [f"{step.subject.title or step.subject.name}: {step}" for step in steps]
    text = " ".join(f"{sentence}." for sentence in headed)
    document = Document(source, text, source, "en")
    chunk = Chunk(document.id, 0, len(text), text)
    for step, sentence in zip(steps, headed, strict=True):
        relation = RELATIONS[step.relation][0]
        subject = Entity(_SUBJECTS.get(relation, "Person"), joined.get(step.subject, step.subject).name)
        object = Entity(_OBJECTS.get(relation, "Date" if relation.endswith("_on") else "Person"), _plain(step.object))
        end = start + len(sentence)
        entities |= {subject.id: subject, object.id: object}
        head = start + len(sentence) - len(str(step))
        occurrences.append(Occurrence(subject.id, chunk.id, start, head - 2))
        occurrences.append(Occurrence(subject.id, chunk.id, head, head + len(step.subject.name)))
        occurrences.append(Occurrence(object.id, chunk.id, end - len(step.object.name), end))
        evidence = Evidence(chunk.id, start, end, "gold", 1.0)
        facts.append(Fact(subject.id, relation, object.id, frozenset((evidence,))))
        start = end + 2
    return Reading(
        DocumentRecord(document.id, source, source, "en", document.text_digest, "gold", complete=True),
        (chunk,),
        tuple(entities.values()),
        tuple(occurrences),
        tuple(facts),
    )


def _plain(thing: Thing) -> str:
    """A name as the project's own reading writes it: dates in one way."""
    dates = list(find_dates(thing.name))
    return dates[0][2] if len(dates) == 1 and dates[0][:2] == (0, len(thing.name)) else thing.name
