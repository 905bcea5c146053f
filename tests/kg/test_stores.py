"""Every store keeps the same contract, and the same graph as the reference after any history."""

import pytest

from kg.bolt_store import BoltStore
from kg.memory_store import MemoryStore
from kg.store import GraphStore
from tests.cases import GraphStoreContract
from tests.kg.databases import wipe


class TestMemoryStore(GraphStoreContract):
    @pytest.fixture
    def store(self) -> GraphStore:
        return MemoryStore()


class TestEmbeddedStore(GraphStoreContract):
    @pytest.fixture
    def store(self, embedded_store: BoltStore) -> BoltStore:
        wipe(embedded_store)
        return embedded_store


@pytest.mark.neo4j
class TestNeo4jStore(GraphStoreContract):
    @pytest.fixture
    def store(self, neo4j_store: BoltStore) -> BoltStore:
        wipe(neo4j_store)
        return neo4j_store
