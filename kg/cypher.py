"""Every query, as a named constant. ``<LABEL>`` and ``<TYPE>`` stand for a name quoted by ``kg.labels``.

The graph: (:Document)-[:HAS_CHUNK]->(:Chunk)-[:MENTIONS {spans, aliases}]->(:Entity:Film), and facts as
(:Entity)-[:directed_by {id, evidence}]->(:Entity). One (:Graph) node holds the version of the data, how much there is
of what, what the last writes changed, the number of the last migration, and which model learned the vectors of
entities. Nodes that were just found or made are passed on by their element id, which spares a look-up. Statements that
return something of each of thousands of rows return it as one list: the driver is slow at handing over records.
"""

# A property whose value is null is not kept.

# -- writing ----------------------------------------------------------------------------------------------------

# Comes first in every transaction that writes: changing the one Graph node makes writers take turns.
BEGIN_WRITE = """
MATCH (g:Graph {id: 'graph'}) SET g.version = g.version + $step RETURN g.version, g.counts, g.history
"""

# Comes last.
END_WRITE = """
MATCH (g:Graph {id: 'graph'}) SET g.counts = $counts, g.history = $history
"""

FIND_DOCUMENTS = """
UNWIND $ids AS id MATCH (d:Document {id: id}) RETURN d.id
"""

PUT_DOCUMENTS = """
UNWIND $rows AS row MERGE (d:Document {id: row.id}) SET d = row RETURN d.id, elementId(d)
"""

CREATE_CHUNKS = """
UNWIND $rows AS row MATCH (d) WHERE elementId(d) = row.parent
CREATE (d)-[:HAS_CHUNK]->(c:Chunk {
  id: row.id, document: row.document, start: row.start, end: row.end, title: row.title, text: row.text,
  facts: row.facts, embedding: row.embedding
}) RETURN collect([row.id, elementId(c)])
"""

FIND_ENTITIES_TO_WRITE = """
UNWIND $ids AS id MATCH (e:Entity {id: id}) RETURN collect([e.id, elementId(e), e.aliases])
"""

CREATE_ENTITIES = """
UNWIND $rows AS row CREATE (e:Entity:<LABEL> {
  id: row.id, type: row.type, name: row.name, key: row.key, aliases: row.aliases, words: row.words, sort: row.sort
}) RETURN collect([row.id, elementId(e)])
"""

SET_ALIASES = """
UNWIND $rows AS row MATCH (e:Entity {id: row.id}) SET e.aliases = row.aliases, e.words = row.words
"""

CREATE_MENTIONS = """
UNWIND $rows AS row MATCH (c) WHERE elementId(c) = row.chunk MATCH (e) WHERE elementId(e) = row.entity
CREATE (c)-[:MENTIONS {spans: row.spans, aliases: row.aliases}]->(e)
"""

CREATE_FACTS = """
UNWIND $rows AS row MATCH (s) WHERE elementId(s) = row.subject MATCH (o) WHERE elementId(o) = row.object
CREATE (s)-[:<TYPE> {id: row.id, relation: row.relation, evidence: row.evidence}]->(o)
"""

FIND_FACTS = """
UNWIND $rows AS row MATCH (s) WHERE elementId(s) = row.subject MATCH (o) WHERE elementId(o) = row.object
MATCH (s)-[r:<TYPE>]->(o) RETURN r.id, r.evidence
"""

SET_EVIDENCE = """
UNWIND $rows AS row MATCH (s) WHERE elementId(s) = row.subject MATCH (o) WHERE elementId(o) = row.object
MATCH (s)-[r:<TYPE>]->(o) SET r.evidence = row.evidence
"""

# -- forgetting -------------------------------------------------------------------------------------------------

CHUNKS_TO_FORGET = """
UNWIND $ids AS id MATCH (:Document {id: id})-[:HAS_CHUNK]->(c:Chunk) RETURN c.id, c.facts
"""

CHUNKS_TO_REPLACE = """
UNWIND $ids AS id MATCH (c:Chunk {id: id}) RETURN c.id, c.facts
"""

MENTIONS_TO_FORGET = """
UNWIND $ids AS id MATCH (:Chunk {id: id})-[m:MENTIONS]->(e:Entity) RETURN e.id, m.aliases
"""

EVIDENCE_TO_FORGET = """
UNWIND $rows AS row MATCH (s:Entity {id: row.subject}) MATCH (o:Entity {id: row.object})
MATCH (s)-[r:<TYPE>]->(o) RETURN row.subject, row.object, elementId(s), elementId(o), r.evidence
"""

DELETE_FACTS = """
UNWIND $rows AS row MATCH (s) WHERE elementId(s) = row.subject MATCH (o) WHERE elementId(o) = row.object
MATCH (s)-[r:<TYPE>]->(o) DELETE r
"""

DELETE_CHUNKS = """
UNWIND $ids AS id MATCH (c:Chunk {id: id}) DETACH DELETE c
"""

DELETE_DOCUMENTS = """
UNWIND $ids AS id MATCH (d:Document {id: id}) DETACH DELETE d
"""

FIND_UNNAMED = """
UNWIND $ids AS id MATCH (e:Entity {id: id}) WHERE NOT EXISTS { (e)--() } RETURN e.id, e.type
"""

DELETE_ENTITIES = """
UNWIND $ids AS id MATCH (e:Entity {id: id}) DELETE e
"""

# Which of the aliases that lost an occurrence have another.
ALIASES_IN_USE = """
UNWIND $rows AS row MATCH (e:Entity {id: row.id})<-[m:MENTIONS]-()
WHERE m.aliases IS NOT NULL UNWIND m.aliases AS alias
WITH row, alias WHERE alias IN row.lost RETURN DISTINCT row.id, alias
"""

ALIASES = """
UNWIND $ids AS id MATCH (e:Entity {id: id}) RETURN e.id, e.type, e.name, e.aliases
"""

# -- documents --------------------------------------------------------------------------------------------------

DOCUMENTS = """
MATCH (d:Document) WHERE d.source STARTS WITH $prefix RETURN properties(d)
"""

DOCUMENT_RECORDS = """
UNWIND $ids AS id MATCH (d:Document {id: id}) RETURN properties(d)
"""

CHUNKS_OF = """
MATCH (:Document {id: $id})-[:HAS_CHUNK]->(c:Chunk) RETURN c.document, c.start, c.end, c.text
"""

CHUNKS = """
UNWIND $ids AS id MATCH (c:Chunk {id: id}) RETURN c.document, c.start, c.end, c.text
"""

ALL_TEXTS = """
MATCH (c:Chunk) RETURN c.document, c.text
"""

DOCUMENTS_CONTAINING = """
UNWIND $rows AS row CALL db.index.fulltext.queryNodes($index, row.query) YIELD node
WITH row, node WHERE node.text CONTAINS row.string RETURN DISTINCT node.document
"""

# -- entities and facts -----------------------------------------------------------------------------------------

ENTITIES = """
UNWIND $ids AS id MATCH (e:Entity {id: id}) RETURN collect([e.type, e.name, e.aliases])
"""

ENTITIES_BY_KEY = """
UNWIND $keys AS key MATCH (e:Entity {key: key}) RETURN e.type, e.name, e.aliases
"""

LIST_ENTITIES = """
MATCH (e:Entity) WITH coalesce(e.sort, e.name) AS place, e.id AS id, e
WHERE place > $place OR (place = $place AND id > $id)
WITH place, id, e ORDER BY place, id LIMIT $limit RETURN e.type, e.name, e.aliases
"""

LIST_ENTITIES_OF_TYPE = """
MATCH (e:Entity) WHERE e.type = $type WITH coalesce(e.sort, e.name) AS place, e.id AS id, e
WHERE place > $place OR (place = $place AND id > $id)
WITH place, id, e ORDER BY place, id LIMIT $limit RETURN e.type, e.name, e.aliases
"""

OCCURRENCES_OF_ENTITIES = """
UNWIND $ids AS id MATCH (e:Entity {id: id})<-[m:MENTIONS]-(c:Chunk) RETURN collect([e.id, c.id, m.spans])
"""

OCCURRENCES_OF_RARE_ENTITIES = """
UNWIND $ids AS id MATCH (e:Entity {id: id}) WHERE COUNT { (e)<-[:MENTIONS]-() } <= $most
MATCH (e)<-[m:MENTIONS]-(c:Chunk) RETURN collect([e.id, c.id, m.spans])
"""

OCCURRENCES_IN_CHUNKS = """
UNWIND $ids AS id MATCH (c:Chunk {id: id})-[m:MENTIONS]->(e:Entity) RETURN collect([e.id, c.id, m.spans])
"""

FACTS = """
UNWIND $ids AS id MATCH (e:Entity {id: id})-[r]-(:Entity)
RETURN DISTINCT r.id, startNode(r).id, coalesce(r.relation, type(r)), endNode(r).id, r.evidence
"""

FACTS_LIMITED = """
UNWIND $ids AS id MATCH (e:Entity {id: id}) CALL {
  WITH e MATCH (e)-[r]-(:Entity) WITH r.id AS fact, size(r.evidence) AS strength, r
  ORDER BY strength DESC, fact LIMIT $limit RETURN r
}
RETURN DISTINCT r.id, startNode(r).id, coalesce(r.relation, type(r)), endNode(r).id, r.evidence
"""

FACTS_BETWEEN = """
UNWIND $rows AS row MATCH (s:Entity {id: row.subject}) MATCH (o:Entity {id: row.object})
MATCH (s)-[r]->(o) WHERE coalesce(r.relation, type(r)) = row.relation
RETURN collect([r.id, s.id, row.relation, o.id, r.evidence])
"""

TRIPLES_IN_CHUNKS = """
UNWIND $ids AS id MATCH (c:Chunk {id: id}) RETURN c.facts
"""

WALK = """
UNWIND $ids AS id MATCH (:Entity {id: id})-[r]-(:Entity)
WITH DISTINCT r.id AS fact, size(r.evidence) AS strength, r ORDER BY strength DESC, fact LIMIT $limit
WITH r, fact, startNode(r) AS s, endNode(r) AS o
RETURN fact, s.type, s.name, s.aliases, coalesce(r.relation, type(r)), o.type, o.name, o.aliases, r.evidence
"""

# -- search -----------------------------------------------------------------------------------------------------

SEARCH_CHUNKS = """
CALL db.index.fulltext.queryNodes($index, $query) YIELD node, score
WITH node, score ORDER BY score DESC LIMIT $limit
RETURN collect([node.document, node.start, node.end, node.text, score])
"""

SEARCH_ENTITIES = """
CALL db.index.fulltext.queryNodes($index, $query) YIELD node, score
WITH node, score ORDER BY score DESC LIMIT $limit RETURN collect([node.type, node.name, node.aliases, score])
"""

ENTITIES_BY_ALIAS = """
CALL db.index.fulltext.queryNodes($index, $query) YIELD node
RETURN collect([node.type, node.name, node.aliases])
"""

NEAREST_CHUNKS = """
CALL db.index.vector.queryNodes($index, $limit, $vector) YIELD node
RETURN collect([node.document, node.start, node.end, node.text, node.embedding])
"""

# -- what was learned -------------------------------------------------------------------------------------------

# Comes first in every transaction that writes vectors: it changes nothing, but makes writers take turns.
TAKE_TURN = """
MATCH (g:Graph {id: 'graph'}) SET g.version = g.version RETURN g.learning, g.learned_model
"""

BEGIN_LEARNED = """
MATCH (g:Graph {id: 'graph'}) SET g.learning = $mark, g.learned_model = null, g.learned_at = null,
  g.learned_version = null, g.learned_dimensions = null, g.learned_entities = null
"""

HAVE_VECTORS = "MATCH (e:Entity) WHERE e.vector IS NOT NULL RETURN e.id"

SET_VECTORS = """
UNWIND $rows AS row MATCH (e:Entity {id: row.id}) SET e.vector = row.vector RETURN count(e)
"""

REMOVE_VECTORS = """
UNWIND $ids AS id MATCH (e:Entity {id: id}) REMOVE e.vector RETURN count(e)
"""

END_LEARNED = """
MATCH (g:Graph {id: 'graph'}) SET g.learning = null, g.learned_model = $model, g.learned_at = $learned_at,
  g.learned_version = $version, g.learned_dimensions = $dimensions, g.learned_entities = $entities RETURN count(g)
"""

LEARNED = """
MATCH (g:Graph {id: 'graph'}) WHERE g.learned_model IS NOT NULL
RETURN g.learned_model, g.learned_at, g.learned_version, g.learned_dimensions, g.learned_entities
"""

LEARNING = "MATCH (g:Graph {id: 'graph'}) WHERE g.learning IS NOT NULL RETURN g.learning"

VECTORS = """
UNWIND $ids AS id MATCH (e:Entity {id: id}) WHERE e.vector IS NOT NULL RETURN collect([e.id, e.vector])
"""

NEAREST_ENTITIES = """
CALL db.index.vector.queryNodes($index, $limit, $vector) YIELD node
RETURN node.type, node.name, node.aliases, node.vector
"""

# -- the whole --------------------------------------------------------------------------------------------------

COUNTS = "MATCH (g:Graph {id: 'graph'}) RETURN g.counts"

ALL_ENTITIES = "MATCH (e:Entity) RETURN e.id, e.type, e.name, e.aliases"

ALL_FACTS = """
MATCH (s:Entity)-[r]->(o:Entity) RETURN r.id, s.id, coalesce(r.relation, type(r)), o.id, r.evidence
"""

VERSION = "MATCH (g:Graph {id: 'graph'}) RETURN g.version"

HISTORY = "MATCH (g:Graph {id: 'graph'}) RETURN g.version, g.history"

COUNT_CHUNKS = "MATCH (c:Chunk) RETURN count(c)"

# -- the schema -------------------------------------------------------------------------------------------------

READY = "RETURN 1"

SCHEMA_NUMBER = "MATCH (g:Graph {id: 'graph'}) RETURN g.schema"

SET_SCHEMA_NUMBER = """
MERGE (g:Graph {id: 'graph'}) ON CREATE SET g.version = $version, g.counts = $counts SET g.schema = $schema
"""
