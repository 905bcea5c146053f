"""A mirror brought up to date: the facts that changed are put into it, and the rest is only numbered anew.

It becomes the mirror that would be made of the whole graph: entities come by id, and relations by name.
"""

from collections.abc import Collection

import numpy as np

from kg.facts import EntityId, Triple
from kg.mirror import Mirror, Places
from kg.snapshot import snapshot
from kg.store import Changes, GraphStore


def caught_up(mirror: Mirror, store: GraphStore) -> Mirror | None:
    """The mirror as the graph is now; None where the store no longer tells what changed since it was made.

    Raises:
        StoreError: the store failed, or others kept writing to it meanwhile.
    """
    if store.version() == mirror.version:
        return mirror

    def read(version: int) -> tuple[Mirror | None] | None:
        changes = store.changes(mirror.version)
        if changes is None:
            return (None,)
        entities = [entity.id for entity in store.entities(changes.entities)]
        facts = [(fact.subject, fact.relation, fact.object) for fact in store.facts_between(changes.facts)]
        if store.version() != version:
            return None  # a fact may be of an entity that was not there yet when entities were read
        return (changed(mirror, changes, entities, facts, version=version),)

    (found,) = snapshot(store, read)
    return found


def changed(
    mirror: Mirror, changes: Changes, entities: Collection[EntityId], facts: Collection[Triple], *, version: int
) -> Mirror:
    """The mirror with these entities and facts in place of those that may have changed."""
    known, rows = mirror.places, mirror.rows
    ids = sorted({*known.keys() - changes.entities, *entities})
    maybe = [(known[s], rows[r], known[o]) for s, r, o in changes.facts if s in known and r in rows and o in known]
    numbered = mirror.numbered
    left = numbered[~np.isin(_codes(mirror, numbered), _codes(mirror, np.array(maybe, np.int64).reshape(-1, 3)))]
    held = [mirror.relations[row] for row in np.unique(left[:, 1]).tolist()]
    relations = sorted({*held, *(relation for _, relation, _ in facts)})
    place, row = {id: at for at, id in enumerate(ids)}, {name: at for at, name in enumerate(relations)}
    places = np.array([place.get(id, -1) for id in mirror.entities], np.int64)
    renamed = np.array([row.get(name, -1) for name in mirror.relations], np.int64)
    put = np.array([(place[s], row[r], place[o]) for s, r, o in facts], np.int64).reshape(-1, 3)
    moved = np.stack((places[left[:, 0]], renamed[left[:, 1]], places[left[:, 2]]), axis=1)
    return Mirror(np.concatenate((moved, put)), ids, relations, version=version)


def _codes(mirror: Mirror, numbered: Places) -> Places:
    """One number a fact. Shapes: (m, 3) -> (m,)."""
    heads, kinds, tails = numbered.T
    codes: Places = (heads * len(mirror.relations) + kinds) * len(mirror.entities) + tails
    return codes
