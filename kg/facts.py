"""What the graph holds: documents, chunks, entities, facts, and the evidence that ties each fact to characters.

Every id is a digest of content, so writing the same thing twice changes nothing. Offsets count characters
(Unicode code points) of ``Document.text``; chunks tile that text without gap or overlap, hence
``document.text == "".join(chunk.text for chunk in chunks)``, and a quotation can always be cut out of one chunk.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NewType

import regex

DocumentId = NewType("DocumentId", str)
ChunkId = NewType("ChunkId", str)
EntityId = NewType("EntityId", str)
FactId = NewType("FactId", str)

Triple = tuple[EntityId, str, EntityId]  # subject, relation, object


def digest(*parts: str) -> str:
    """128 bits of BLAKE2b over the parts, each with its length, as 32 hexadecimal digits."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "big") + data)
    return state.hexdigest()


@lru_cache(maxsize=1 << 16)  # an import asks for the same ids many times over
def _entity_id(type: str, name: str) -> EntityId:
    return EntityId(digest("entity", type, name))


_SEPARATORS = regex.compile(r"[\p{P}\p{S}\p{Z}\p{C}]+")


def name_key(name: str) -> str:
    """The form under which names are compared: compatibility-folded, lower case, without accents or punctuation.

    A name of nothing but punctuation keeps its characters, so that every name has a key of its own.
    """
    if name.isascii():
        bare = name.lower()  # what the two lines below come to, at a fraction of their cost
    else:
        folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
        bare = unicodedata.normalize("NFC", "".join(c for c in folded if not unicodedata.combining(c)))
    return _SEPARATORS.sub(" ", bare).strip() or bare.strip()


@dataclass(frozen=True, slots=True)
class Document:
    """A text and where it came from. The source alone names it, so a changed text replaces its earlier version."""

    source: str
    text: str
    title: str = ""
    language: str = "und"  # ISO 639-1, or "und" when it could not be told

    @property
    def id(self) -> DocumentId:
        return DocumentId(digest("document", self.source))

    @property
    def text_digest(self) -> str:
        """Changes when the title, the language or any character of the text does."""
        return digest("text", self.title, self.language, self.text)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a document declares itself to be about: "Teutberga was a queen of Lotharingia" declares Teutberga."""

    name: str
    type: str
    description: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a document: ``text == document.text[start:end]``."""

    document: DocumentId
    start: int
    end: int
    text: str

    @property
    def id(self) -> ChunkId:
        return ChunkId(digest("chunk", self.document, str(self.start), self.text))


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing, known by its type and name. Aliases are the other surfaces under which documents mention it."""

    type: str
    name: str
    aliases: tuple[str, ...] = ()  # sorted; never holds the name itself

    @property
    def id(self) -> EntityId:
        return _entity_id(self.type, self.name)

    @property
    def key(self) -> str:
        return name_key(self.name)


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """An entity named at ``document.text[start:end]`` (that surface becomes an alias when it differs from the name)."""

    entity: EntityId
    chunk: ChunkId
    start: int
    end: int


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """The characters that state a fact, who read them there, and how sure it was (0 to 1)."""

    chunk: ChunkId
    start: int
    end: int
    extractor: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Fact:
    """An edge of the graph. Without evidence it is inferred, not read."""

    subject: EntityId
    relation: str
    object: EntityId
    evidence: frozenset[Evidence] = frozenset()

    @property
    def id(self) -> FactId:
        return FactId(digest("fact", self.subject, self.relation, self.object))


@dataclass(frozen=True, slots=True)
class Path:
    """Facts that share an entity one after the other; a fact may be walked against its direction."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Subgraph:
    """A part of the graph: the facts, and every entity that they join."""

    entities: dict[EntityId, Entity] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()


def canonical_json(value: object) -> str:
    """JSON whose bytes depend on the value alone."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def merge_facts(facts: Iterable[Fact]) -> list[Fact]:
    """One fact per (subject, relation, object), its evidence the union, in the order of first appearance."""
    merged: dict[tuple[EntityId, str, EntityId], Fact] = {}
    repeated: dict[tuple[EntityId, str, EntityId], set[Evidence]] = {}
    for fact in facts:
        key = (fact.subject, fact.relation, fact.object)
        known = merged.setdefault(key, fact)
        if known is not fact:
            repeated.setdefault(key, set(known.evidence)).update(fact.evidence)
    merged |= {key: Fact(*key, frozenset(evidence)) for key, evidence in repeated.items()}
    return list(merged.values())
