"""An index of names brought up to date: what changed is put into its arrays, and the rest is moved in bulk.

The arrays become those that an index of the changed graph would have, types aside, which are numbered in another order.
So what is found, and in which order, is the same; it takes a copy of the arrays instead of all names spelt out again.

``n`` entities, ``s`` spellings, ``g`` grams, ``p`` postings, as in ``kg.name_index``; ``e``, ``t``, ``q``: those put
in.
"""

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from kg import graph_file
from kg.facts import Entity, EntityId
from kg.name_index import NameIndex, Numbers
from kg.snapshot import snapshot
from kg.store import GraphStore


def caught_up(index: NameIndex, store: GraphStore) -> NameIndex | None:
    """The index as the graph is now; None where the store no longer tells what changed since the index was made.

    Raises:
        StoreError: the store failed, or others kept writing to it meanwhile.
    """

    if store.version() == index.version:
        return index

    def read(version: int) -> tuple[NameIndex | None]:
        changes = store.changes(index.version)
        if changes is None:
            return (None,)
        return (changed(index, changes.entities, store.entities(changes.entities), version=version),)

    (found,) = snapshot(store, read)
    return found


def changed(index: NameIndex, ids: Collection[EntityId], entities: Iterable[Entity], *, version: int) -> NameIndex:
    """The index with these entities, by id, in place of those that had these ids."""
    before = {entity: place for place, entity in index.placed(ids)}
    now = dict.fromkeys(entities)
    gone = np.array([place for entity, place in before.items() if entity not in now], np.int64)
    new = NameIndex.of((entity for entity in now if entity not in before), version=version)
    if not len(gone) and not len(new):
        return NameIndex(index.arrays, index.types, version=version)
    return _merged(index, gone, new)


def _merged(index: NameIndex, gone: Numbers, new: NameIndex) -> NameIndex:
    old, more = index.arrays, new.arrays
    # -- entities
    stays = np.ones(len(index), bool)
    stays[gone] = False  # (n,)
    ids = old["ids"][stays]
    places = np.searchsorted(ids, more["ids"])  # (e,): before which entity that stays each new one comes
    sizes, more_sizes = _lengths(old["last"], first=-1), _lengths(more["last"], first=-1)
    # -- spellings
    kept = np.repeat(stays, sizes)  # (s,)
    ends = np.append(0, np.cumsum(sizes[stays]))
    at = np.repeat(ends[places], more_sizes)  # (t,): before which spelling that stays each new one comes
    number = np.full(len(kept), -1, np.int64)  # (s,): what a spelling is now
    number[kept] = np.arange(kept.sum()) + np.searchsorted(at, np.arange(kept.sum()), side="right")
    more_number = at + np.arange(len(at))  # (t,)
    lengths, more_lengths = _lengths(old["ends"], first=0), _lengths(more["ends"], first=0)
    letters = np.append(0, np.cumsum(lengths[kept]))
    # -- types
    row = {name: place for place, name in enumerate(index.types)}
    rows = np.array([row.setdefault(name, len(row)) for name in new.types], np.int32)
    # -- keys
    hashed = number[old["hashed"]]
    hashes, hashed = old["hashes"][hashed >= 0], hashed[hashed >= 0]
    firsts, lasts = (np.searchsorted(hashes, more["hashes"], side=side) for side in ("left", "right"))
    more_hashed = more_number[more["hashed"]]
    beside = _within(hashed, firsts, lasts, more_hashed)
    arrays: graph_file.Arrays = {
        "ids": np.insert(ids, places, more["ids"]),
        "text": np.insert(old["text"][np.repeat(kept, lengths)], np.repeat(letters[at], more_lengths), more["text"]),
        "ends": np.cumsum(np.insert(lengths[kept], at, more_lengths), dtype=np.int64),
        "last": (np.cumsum(np.insert(sizes[stays], places, more_sizes)) - 1).astype(np.int32),
        "type": np.insert(old["type"][stays], places, rows[more["type"]]),
        "hashes": np.insert(hashes, beside, more["hashes"]),
        "hashed": np.insert(hashed, beside, more_hashed).astype(np.int32),
        "sizes": np.insert(old["sizes"][kept], at, more["sizes"]),
        **_postings(old, number, more, more_number),
    }
    return NameIndex(arrays, row, version=new.version)


def _postings(
    old: graph_file.Arrays, number: Numbers, more: graph_file.Arrays, more_number: Numbers
) -> graph_file.Arrays:
    """The grams and what they lead to: each gram's spellings ascend, and a gram that leads to none is gone."""
    spellings = number[old["spellings"]]  # (p,)
    lost = np.flatnonzero(spellings < 0)
    spellings = spellings[spellings >= 0]
    begins = old["begins"].astype(np.int64) - np.searchsorted(lost, old["begins"])  # (g + 1,)
    grams, more_grams = old["grams"], more["grams"]
    counts, more_counts = np.diff(begins), np.diff(more["begins"])
    place = np.searchsorted(grams, more_grams)
    there = np.append(grams, np.uint64(0))[place] == more_grams
    there &= place < len(grams)
    firsts = np.repeat(begins[place], more_counts)  # (q,)
    lasts = np.repeat(begins[np.where(there, place + 1, place)], more_counts)
    put = more_number[more["spellings"]]
    at = _within(spellings, firsts, lasts, put)
    counts[place[there]] += more_counts[there]
    counts = np.insert(counts, place[~there], more_counts[~there])
    return {
        "grams": np.insert(grams, place[~there], more_grams[~there])[counts > 0],
        "begins": np.append(0, np.cumsum(counts[counts > 0])).astype(np.int64),
        "spellings": np.insert(spellings, at, put).astype(np.int32),
    }


def _lengths(ends: npt.NDArray[Any], *, first: int) -> Numbers:
    """How long each of the ranges is that end here, one right after the other."""
    lengths: Numbers = ends.astype(np.int64) - np.append(first, ends[:-1].astype(np.int64))
    return lengths


def _within(values: Numbers, firsts: Numbers, lasts: Numbers, wanted: Numbers) -> Numbers:
    """Before which value each wanted one comes in its own range, in which values ascend. Shapes: (q,) each."""
    low, high = firsts.astype(np.int64), lasts.astype(np.int64)
    while (narrow := low < high).any():
        middle = (low + high) // 2
        less = narrow & (values[np.where(narrow, middle, 0)] < wanted)
        low, high = np.where(less, middle + 1, low), np.where(narrow & ~less, middle, high)
    return low
