"""Small graphs to ask: each fact is a sentence of its subject's document, and that sentence is its evidence."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from kg.facts import Chunk, Document, Entity, EntityId, Evidence, Fact, Occurrence
from kg.memory_store import MemoryStore
from kg.store import DocumentRecord, Reading
from nlp.embed import Embedder

Statement = tuple[Entity, str, Entity]


def person(name: str) -> Entity:
    return Entity("Person", name)


def film(name: str) -> Entity:
    return Entity("Film", name)


def date(name: str) -> Entity:
    return Entity("Date", name)


def place(name: str) -> Entity:
    return Entity("Place", name)


def graph(statements: Iterable[Statement], *, embedder: Embedder | None = None) -> MemoryStore:
    """A store that was told these statements, one document a subject."""
    store = MemoryStore()
    store.write(readings(statements, embedder))
    return store


def readings(statements: Iterable[Statement], embedder: Embedder | None = None) -> list[Reading]:
    """One document a subject."""
    about: defaultdict[Entity, list[tuple[str, Entity]]] = defaultdict(list)
    for subject, relation, object in statements:
        about[subject].append((relation, object))
    return [reading(subject, told, embedder) for subject, told in about.items()]


def reading(subject: Entity, told: Sequence[tuple[str, Entity]], embedder: Embedder | None = None) -> Reading:
    """A document of one sentence a statement: "Free Guy directed by Shawn Levy."."""
    sentences = [f"{subject.name} {relation.replace('_', ' ')} {object.name}." for relation, object in told]
    text = " ".join(sentences)
    document = Document(f"{subject.type} {subject.name}", text, subject.name, "en")
    chunk = Chunk(document.id, 0, len(text), text)
    entities: dict[EntityId, Entity] = {subject.id: subject}
    occurrences, facts, start = [], [], 0
    for sentence, (relation, object) in zip(sentences, told, strict=True):
        end = start + len(sentence) - 1  # without the full stop
        entities[object.id] = object
        occurrences.append(Occurrence(subject.id, chunk.id, start, start + len(subject.name)))
        occurrences.append(Occurrence(object.id, chunk.id, end - len(object.name), end))
        facts.append(Fact(subject.id, relation, object.id, frozenset((Evidence(chunk.id, start, end, "test", 0.9),))))
        start += len(sentence) + 1
    vectors = () if embedder is None else tuple(map(tuple, embedder.encode([f"{subject.name}. {text}"]).tolist()))
    return Reading(
        DocumentRecord(document.id, document.source, subject.name, "en", document.text_digest, "test", complete=True),
        (chunk,),
        tuple(entities.values()),
        tuple(occurrences),
        tuple(facts),
        vectors,
    )


def document(text: str, embedder: Embedder) -> Reading:
    """A document of one chunk, of which no fact was read; its title is its first words."""
    title = " ".join(text.split()[:2])
    document = Document(title, text, title, "en")
    chunk = Chunk(document.id, 0, len(text), text)
    record = DocumentRecord(document.id, document.source, title, "en", document.text_digest, "test", complete=True)
    return Reading(record, (chunk,), (), (), (), tuple(map(tuple, embedder.encode([text]).tolist())))


GUY, GROUND, NIGHT = film("Free Guy"), film("Forbidden Ground"), film("Night at the Museum")
LEVY, GABOR, SELBERG, OLE = person("Shawn Levy"), person("Pál Gábor"), person("Henrik Selberg"), person("Ole Selberg")
PAULE, ANNA = person("Camille Paule"), person("Anna Paule")
FILMS: tuple[Statement, ...] = (
    (GUY, "directed_by", LEVY),
    (GUY, "released_on", date("2021")),
    (GROUND, "directed_by", GABOR),
    (GROUND, "released_on", date("1968")),
    (NIGHT, "directed_by", LEVY),
    (LEVY, "born_on", date("23 July 1968")),
    (LEVY, "born_in", place("Montreal")),
    (LEVY, "nationality", Entity("Nationality", "Canadian")),
    (LEVY, "married_to", person("Serena Levy")),
    (GABOR, "born_on", date("2 November 1932")),
    (GABOR, "nationality", Entity("Nationality", "Hungarian")),
    (SELBERG, "father", OLE),
    (OLE, "born_in", place("Flora")),
    (OLE, "died_in", place("Oslo")),
    (OLE, "died_on", date("1 August 1950")),
    (OLE, "father", person("Old Selberg")),
    (PAULE, "married_to", ANNA),
    (PAULE, "born_in", place("Paris")),
    (ANNA, "born_in", place("Fomboni")),
    (Entity("Organization", "Veslefrekk"), "has_part", person("Ståle Storløkken")),
    (person("Ståle Storløkken"), "born_in", place("Dombås")),
    (Entity("Drug", "Metformin"), "treats", Entity("Disease", "diabetes")),
)
