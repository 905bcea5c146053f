"""How much a graph holds, kept as text on its Graph node and changed with every write, so that nobody has to count."""

import json
from collections import Counter
from dataclasses import dataclass, field

from kg.store import Counts


@dataclass(slots=True)
class Tally:
    """Counts that a transaction is changing."""

    documents: int = 0
    chunks: int = 0
    evidence: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, text: str) -> "Tally":
        """The counts that a text holds."""
        held = json.loads(text)
        return cls(
            held["documents"], held["chunks"], held["evidence"], Counter(held["entities"]), Counter(held["facts"])
        )

    def text(self) -> str:
        """The counts as text."""
        held = {
            "documents": self.documents,
            "chunks": self.chunks,
            "evidence": self.evidence,
            "entities": _present(self.entities),
            "facts": _present(self.facts),
        }
        return json.dumps(held, ensure_ascii=False)

    def counts(self) -> Counts:
        """The counts as stores give them."""
        return Counts(
            documents=self.documents,
            chunks=self.chunks,
            entities=self.entities.total(),
            facts=self.facts.total(),
            evidence=self.evidence,
            entities_by_type=_present(self.entities),
            facts_by_relation=_present(self.facts),
        )


def _present(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}
