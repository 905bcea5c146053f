"""How types and relations are written as labels and relationship types in a database.

A type or relation is written as it is, so that a person reads it in Neo4j Browser, unless the database could not
hold that name or would confuse it with another; then it is written differently, always in the same way, and the
node's ``type`` or the relationship's ``relation`` property says what it really is.
"""

import urllib.parse
from dataclasses import dataclass

from kg.facts import digest

RESERVED = frozenset({"", "Chunk", "Document", "Entity", "Graph", "HAS_CHUNK", "MENTIONS"})


@dataclass(frozen=True, slots=True)
class Naming:
    """What a server allows in names."""

    forbidden: str  # characters that no name may hold
    longest: int  # bytes of the name, counted as in a URL: a file is called by it
    # Whether a label and a relationship type may not be called the same. Then labels are kept to names that begin
    # with anything but a small letter, and relationship types to names that begin with one: "症状" becomes "r:症状".
    one_namespace: bool

    def label(self, type: str) -> str:
        """The label of entities of a type, beside ``Entity``."""
        name = self._possible(type)
        marked = self.one_namespace and (name[0].islower() or name.startswith("T:"))
        return f"T:{name}" if marked else name

    def relationship(self, relation: str) -> str:
        """The relationship type of facts of a relation."""
        name = self._possible(relation)
        marked = self.one_namespace and (not name[0].islower() or name.startswith("r:"))
        return f"r:{name}" if marked else name

    def _possible(self, name: str) -> str:
        if name.rstrip("_") in RESERVED:
            return name + "_"
        if any(c in self.forbidden for c in name) or len(urllib.parse.quote(name, safe="")) > self.longest:
            stem = "".join(c for c in name if c.isascii() and c.isalnum())[:24] or "x"
            return f"{stem}_{digest(name)[:12]}"
        return name


def quoted(name: str) -> str:
    """The name between backticks, as Cypher writes it."""
    return "`" + name.replace("`", "``") + "`"


# A backslash starts an escape in Neo4j's Cypher even between backticks.
NEO4J = Naming(forbidden="\\\0", longest=4000, one_namespace=False)
ARCADEDB = Naming(forbidden="\\\0~,*", longest=120, one_namespace=True)
