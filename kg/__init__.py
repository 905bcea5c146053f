"""The graph: what is stored. No text models, no language model, no HTTP; importing it loads nothing heavy."""

from kg.facts import (
    Chunk,
    ChunkId,
    Document,
    DocumentId,
    Entity,
    EntityId,
    Evidence,
    Fact,
    FactId,
    Occurrence,
    Path,
    Subgraph,
    Topic,
)
from kg.store import ChunkHit, Counts, DocumentRecord, EntityHit, GraphStore, Learned, Reading

__all__ = [
    "Chunk",
    "ChunkHit",
    "ChunkId",
    "Counts",
    "Document",
    "DocumentId",
    "DocumentRecord",
    "Entity",
    "EntityHit",
    "EntityId",
    "Evidence",
    "Fact",
    "FactId",
    "GraphStore",
    "Learned",
    "Occurrence",
    "Path",
    "Reading",
    "Subgraph",
    "Topic",
]
