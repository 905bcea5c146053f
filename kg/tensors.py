"""The graph as tensors: what models of the graph are trained on, and the way back to facts.

Entities and relations are numbered in the order of their ids and names, facts stand in the order of their ids, so the
tensors of a graph depend on its content alone, never on the order in which it was read.
"""

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from kg.facts import EntityId
from kg.snapshot import snapshot
from kg.store import GraphStore


@dataclass(frozen=True, slots=True, eq=False)
class GraphTensors:
    """A graph whose entities and relations are numbers.

    Shapes: ``edge_index`` (2, m), its rows head and tail; ``edge_type`` (m,). Both are long tensors.
    """

    edge_index: Tensor
    edge_type: Tensor
    entities: tuple[EntityId, ...]  # entity i is entities[i]; those without facts are among them
    relations: tuple[str, ...]
    version: int = 0  # of the store when it was read
    entity_index: dict[EntityId, int] = field(init=False, repr=False)
    relation_index: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "entity_index", {id: place for place, id in enumerate(self.entities)})
        object.__setattr__(self, "relation_index", {name: place for place, name in enumerate(self.relations)})

    @property
    def triples(self) -> Tensor:
        """Head, relation and tail of every fact, (m, 3)."""
        head, tail = self.edge_index
        return torch.stack((head, self.edge_type, tail), dim=1)

    @property
    def digest(self) -> str:
        """128 bits that change when an entity, a relation or a fact does; the order of facts does not count."""
        state = hashlib.blake2b(digest_size=16)
        for names in (self.entities, self.relations):
            state.update(len(names).to_bytes(8, "big"))
            for name in names:
                data = name.encode("utf-8", "surrogatepass")
                state.update(len(data).to_bytes(8, "big") + data)
        heads, tails = self.edge_index.cpu()
        numbers = (heads * len(self.relations) + self.edge_type.cpu()) * len(self.entities) + tails
        state.update(torch.unique(numbers).numpy().astype("<i8").tobytes())
        return state.hexdigest()


def tensors(store: GraphStore) -> GraphTensors:
    """The whole graph of a store, streamed: beside the tensors, only the ids are held.

    Raises: ``StoreError`` when the store fails, or when others kept writing to it while it was read.
    """
    return snapshot(store, lambda version: _read(store, version))


def facts(graph: GraphTensors) -> Iterator[tuple[EntityId, str, EntityId]]:
    """Subject, relation and object of every fact, in the order of the tensors."""
    heads, tails = graph.edge_index.tolist()
    for head, relation, tail in zip(heads, graph.edge_type.tolist(), tails, strict=True):
        yield graph.entities[head], graph.relations[relation], graph.entities[tail]


def _read(store: GraphStore, version: int) -> GraphTensors | None:
    """None where a fact joins an entity that was not there a moment before."""
    entities = tuple(entity.id for entity in store.all_entities())
    places = {id: place for place, id in enumerate(entities)}
    seen: dict[str, int] = {}
    heads, types, tails = array("q"), array("q"), array("q")
    for fact in store.all_facts():
        head, tail = places.get(fact.subject), places.get(fact.object)
        if head is None or tail is None:
            return None
        heads.append(head)
        types.append(seen.setdefault(fact.relation, len(seen)))
        tails.append(tail)
    relations = tuple(sorted(seen))
    renumbered = torch.empty(len(seen), dtype=torch.long)
    renumbered[[seen[name] for name in relations]] = torch.arange(len(seen))
    edge_index = torch.stack((_long(heads), _long(tails)))
    return GraphTensors(edge_index, renumbered[_long(types)], entities, relations, version)


def _long(numbers: "array[int]") -> Tensor:
    return torch.frombuffer(numbers, dtype=torch.long).clone() if numbers else torch.empty(0, dtype=torch.long)
