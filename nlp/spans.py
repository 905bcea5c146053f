"""What is read from a text before it becomes part of the graph: mentions, claims, and who finds and links them.

All offsets are those of the document, not of the chunk or sentence at hand.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from kg.facts import Chunk, Document, Entity, Topic

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from nlp.gazetteer import Gazetteer


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """Characters that refer to a thing.

    ``name`` is what the thing is called: the cleaned surface, or, where the surface only points back ("he", "the
    film", ``coreferent=True``), the name of what it points to. A coreferent mention never becomes an alias.
    """

    start: int
    end: int
    name: str
    label: str  # an entity type of the ontology
    confidence: float
    coreferent: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """Subject, relation and object as the text states them at ``document.text[start:end]``."""

    subject: Mention
    relation: str
    object: Mention
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Extraction:
    """What one chunk says, and a count by reason of what was seen and dropped.

    Every mention that a claim uses is also among the mentions.
    """

    mentions: tuple[Mention, ...] = ()
    claims: tuple[Claim, ...] = ()
    dropped: Counter[str] = field(default_factory=Counter)


class Extractor(Protocol):
    """Finds mentions and claims; a pure function of its arguments."""

    @property
    def name(self) -> str:
        """Name and version, kept with every fact it reads: "rules-1"."""
        ...

    def extract(self, chunk: Chunk, parsed: "Doc", *, topic: Topic | None, gazetteer: "Gazetteer") -> Extraction:
        """Read one chunk; ``parsed`` is that chunk's text through ``nlp.language``."""
        ...


class Linker(Protocol):
    """Decides which entity each mention is; a pure function of the document and the gazetteer."""

    @property
    def name(self) -> str:
        """Name and version: "links-1"."""
        ...

    def link(
        self, document: Document, topic: Topic | None, mentions: Sequence[Mention], gazetteer: "Gazetteer"
    ) -> "Links":
        """Link the mentions of one document (all of them, in the order of the text)."""
        ...


@dataclass(frozen=True, slots=True)
class Links:
    """The entity of each mention, and how many were linked how: "exact", "alias", "fuzzy", "new", "ambiguous"."""

    entities: dict[Mention, Entity]
    decisions: Counter[str] = field(default_factory=Counter)
