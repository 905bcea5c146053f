"""Constraints and indexes, in order; the number of the last one applied is kept on the graph's own node.

A migration that has been released is never changed: the next change is a new one at the end.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kg import cypher
from kg.errors import StoreError
from kg.history import later
from kg.tally import Tally

CHUNK_TEXT_INDEX = "chunk_text"
CHUNK_VECTOR_INDEX = "chunk_embedding"
ENTITY_WORDS_INDEX = "entity_words"
ENTITY_VECTOR_INDEX = "entity_vector"  # made by kg.bolt_learned: its dimensions are those of the model
DIMENSIONS = 384


@dataclass(frozen=True, slots=True)
class Migration:
    """Statements for each server: Cypher for both, then Cypher for Neo4j alone, or SQL for ArcadeDB."""

    both: tuple[str, ...] = ()
    neo4j: tuple[str, ...] = ()
    arcadedb: tuple[str, ...] = ()


_CJK = '{"analyzer": "org.apache.lucene.analysis.cjk.CJKAnalyzer", "similarity": "BM25"}'
_WHITESPACE = '{"analyzer": "org.apache.lucene.analysis.core.WhitespaceAnalyzer", "similarity": "BM25"}'

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        both=(
            "CREATE CONSTRAINT graph_id IF NOT EXISTS FOR (g:Graph) REQUIRE g.id IS UNIQUE",
            "CREATE CONSTRAINT document_id IF NOT EXISTS FOR (d:Document) REQUIRE d.id IS UNIQUE",
            "CREATE CONSTRAINT chunk_id IF NOT EXISTS FOR (c:Chunk) REQUIRE c.id IS UNIQUE",
            "CREATE CONSTRAINT entity_id IF NOT EXISTS FOR (e:Entity) REQUIRE e.id IS UNIQUE",
            "CREATE INDEX entity_key IF NOT EXISTS FOR (e:Entity) ON (e.key)",
        ),
        neo4j=(
            f"CREATE FULLTEXT INDEX {CHUNK_TEXT_INDEX} IF NOT EXISTS FOR (c:Chunk) ON EACH [c.title, c.text] "
            "OPTIONS {indexConfig: {`fulltext.analyzer`: 'cjk'}}",
            f"CREATE FULLTEXT INDEX {ENTITY_WORDS_INDEX} IF NOT EXISTS FOR (e:Entity) ON EACH [e.words] "
            "OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}}",
            f"CREATE VECTOR INDEX {CHUNK_VECTOR_INDEX} IF NOT EXISTS FOR (c:Chunk) ON (c.embedding) "
            f"OPTIONS {{indexConfig: {{`vector.dimensions`: {DIMENSIONS}, `vector.similarity_function`: 'cosine'}}}}",
            "CALL db.awaitIndexes(300)",
        ),
        arcadedb=(
            "CREATE PROPERTY Chunk.title IF NOT EXISTS STRING",
            "CREATE PROPERTY Chunk.text IF NOT EXISTS STRING",
            "CREATE PROPERTY Chunk.embedding IF NOT EXISTS ARRAY_OF_FLOATS",
            "CREATE PROPERTY Entity.words IF NOT EXISTS STRING",
            f"CREATE INDEX IF NOT EXISTS ON Chunk (title, text) FULL_TEXT METADATA {_CJK}",
            f"CREATE INDEX IF NOT EXISTS ON Entity (words) FULL_TEXT METADATA {_WHITESPACE}",
        ),
    ),
    Migration(arcadedb=("CREATE PROPERTY Entity.vector IF NOT EXISTS ARRAY_OF_FLOATS",)),
)


def migrate(
    address: str,
    *,
    run: Callable[[str, dict[str, object]], list[list[object]]],
    sql: Callable[[str], None] | None,
    migrations: tuple[Migration, ...] = MIGRATIONS,
) -> int:
    """Apply the migrations that the graph has not seen; ``sql`` is given where the server is ArcadeDB.

    Every statement does nothing where its work is done, so a migration that was interrupted is simply run again,
    and two programs that open a new graph at once do no harm.

    Raises:
        StoreError: the graph was made by a newer Clew, or a statement fails.
    """
    found = run(cypher.SCHEMA_NUMBER, {})
    done = int(str(found[0][0])) if found else 0
    if done > len(migrations):
        raise StoreError(f"{address}: this graph was made by a newer Clew; update this one")
    for number, migration in enumerate(migrations[done:], done + 1):
        for statement in migration.both:
            run(statement, {})
        if sql is None:
            for statement in migration.neo4j:
                run(statement, {})
        else:
            for statement in migration.arcadedb:
                sql(statement)
        run(cypher.SET_SCHEMA_NUMBER, {"schema": number, "counts": Tally().text(), "version": later(0)})
    return len(migrations) - done
