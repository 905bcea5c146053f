"""The names and aliases of a graph in memory: which entities a key names, and which names are spelt like a text.

A key (``kg.facts.name_key``) is found by its hash in a sorted array. For what is spelt like it, every spelling is cut
into the trigrams of its words (of Chinese, into pairs of characters), and each of those leads to the spellings that
have it; a whole word leads to them, too. Everything is an array, so that an index is loaded as fast as it is read.

``n`` entities, ``s`` spellings (an entity's name, then its aliases), ``g`` distinct grams, ``p`` postings.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt
import regex

from kg import graph_file
from kg.facts import Entity, EntityId, name_key
from kg.snapshot import snapshot
from kg.store import EntityHit, GraphStore
from kg.words import STOP_WORDS

COMMON = 8  # spellings: a word that more of them have leads to none by itself

_PLACE = 21  # bits of a character
_ID = regex.compile(r"[0-9a-f]{32}")
_WORD = np.uint64(1 << 63)  # marks the hash of a whole word; characters leave this bit free
_BLANK = ord(" ")
_HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))

Codes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]


class NameIndex:
    """The names of one version of a graph."""

    def __init__(self, arrays: graph_file.Arrays, types: Iterable[str], *, version: int) -> None:
        """``arrays`` as ``of`` makes them.

        Shapes: ids (n,) the first 8 bytes of each id, ascending; text (b,) bytes of all spellings; ends (s,) in it;
        last (n,) spelling of each entity; type (n,); hashes (s,) ascending; hashed (s,) their spellings; grams (g,)
        ascending; begins (g + 1,); spellings (p,); sizes (s,) grams of each spelling.
        """
        self.version, self.types, self.arrays = version, tuple(types), arrays
        self._ids = arrays["ids"].astype(np.uint64, copy=False)
        self._text = arrays["text"].tobytes()
        self._ends = arrays["ends"].astype(np.int64, copy=False)
        self._last = arrays["last"].astype(np.int64, copy=False)
        self._type = arrays["type"].astype(np.int64, copy=False)
        self._hashes, self._hashed = (
            arrays["hashes"].astype(np.uint64, copy=False),
            arrays["hashed"].astype(np.int64, copy=False),
        )
        self._grams, self._begins = (
            arrays["grams"].astype(np.uint64, copy=False),
            arrays["begins"].astype(np.int64, copy=False),
        )
        self._spellings, self._sizes = (
            arrays["spellings"].astype(np.int32, copy=False),
            arrays["sizes"].astype(np.float32, copy=False),
        )

    @classmethod
    def of(cls, entities: Iterable[Entity], *, version: int = 0) -> "NameIndex":
        """The names of these entities, which come by id."""
        row: dict[str, int] = {}
        spelt: list[str] = []
        ids: list[int] = []
        last: list[int] = []
        type: list[int] = []
        for entity in entities:
            spelt += (entity.name, *entity.aliases)
            last.append(len(spelt) - 1)
            ids.append(_head(entity.id))
            type.append(row.setdefault(entity.type, len(row)))
        encoded = [name.encode("utf-8", "surrogatepass") for name in spelt]
        keys = [name_key(name) for name in spelt]
        hashes = _hashes(keys)
        order = np.argsort(hashes, kind="stable")
        grams, owners = _grams(keys)
        starts = np.flatnonzero(np.diff(grams, prepend=~grams[:1]))
        arrays: graph_file.Arrays = {
            "ids": np.array(ids, np.uint64),
            "text": np.frombuffer(b"".join(encoded), np.uint8),
            "ends": np.cumsum([len(name) for name in encoded], dtype=np.int64),
            "last": np.array(last, np.int32),
            "type": np.array(type, np.int32),
            "hashes": hashes[order],
            "hashed": order.astype(np.int32),
            "grams": grams[starts],
            "begins": np.append(starts, len(grams)).astype(np.int64),
            "spellings": owners.astype(np.int32),
            "sizes": np.bincount(owners[grams < _WORD], minlength=len(spelt)).astype(np.int32),
        }
        return cls(arrays, row, version=version)

    @cached_property
    def _owner(self) -> Numbers:
        """The entity of each spelling. Shapes: (s,)."""
        return np.repeat(np.arange(len(self._last)), np.diff(self._last, prepend=-1))

    def __len__(self) -> int:
        """How many entities there are."""
        return len(self._last)

    def find_entities(self, keys: Collection[str]) -> list[Entity]:
        """The entities whose name, or one of whose aliases, has one of these keys, by id: as the store finds them."""
        wanted = sorted(set(keys))
        hashes = _hashes(wanted)
        firsts = np.searchsorted(self._hashes, hashes).tolist()
        lasts = np.searchsorted(self._hashes, hashes, side="right").tolist()
        found = {
            int(self._owner[spelling])
            for key, first, last in zip(wanted, firsts, lasts, strict=True)
            for spelling in self._hashed[first:last].tolist()
            if name_key(self._spelling(spelling)) == key
        }
        return [self._entity(place) for place in sorted(found)]

    def search_entities(self, text: str, *, limit: int = 10) -> list[EntityHit]:
        """The entities with the greatest share of a spelling's grams in the text, best first, at most so many.

        Those that share a whole word with the text that few others have are added to them.
        """
        grams, _ = _grams([name_key(text)])
        places = np.searchsorted(self._grams, grams).clip(max=max(0, len(self._grams) - 1))
        there = places[self._grams[places] == grams] if len(self._grams) else places[:0]
        if limit <= 0 or not len(there):
            return []
        rows = [(place, self._spellings[self._begins[place] : self._begins[place + 1]]) for place in there.tolist()]
        pieces = [spellings for place, spellings in rows if self._grams[place] < _WORD]
        shared = np.bincount(np.concatenate(pieces), minlength=len(self._ends)) if pieces else np.zeros(len(self._ends))
        shares = shared / np.maximum(self._sizes, 1)
        chosen = np.argpartition(-shares, limit - 1)[:limit] if limit < len(shares) else np.arange(len(shares))
        words = [spellings for place, spellings in rows if self._grams[place] >= _WORD and len(spellings) <= COMMON]
        best: dict[int, float] = {}
        for spelling in np.unique(np.concatenate([chosen, *words])).tolist():
            owner = int(self._owner[spelling])
            if shares[spelling] > 0:
                best[owner] = max(best.get(owner, 0.0), float(shares[spelling]))
        order = sorted(best.items(), key=lambda item: (-item[1], item[0]))
        return [EntityHit(self._entity(place), share) for place, share in order]

    def entities(self, ids: Collection[EntityId]) -> list[Entity]:
        """These entities, by id; those that the graph does not hold are passed over."""
        return [entity for _, entity in self.placed(ids)]

    def placed(self, ids: Collection[EntityId]) -> list[tuple[int, Entity]]:
        """These entities with their places, by id; those that the graph does not hold are passed over."""
        wanted = sorted(set(ids))
        heads = np.array([_head(id) for id in wanted], np.uint64)
        found = []
        for id, place in zip(wanted, np.searchsorted(self._ids, heads).tolist(), strict=True):
            while place < len(self._ids) and int(self._ids[place]) == _head(id):
                if (entity := self._entity(place)).id == id:
                    found.append((place, entity))
                place += 1
        return found

    def all_entities(self) -> Iterator[Entity]:
        """Every entity, by id."""
        return map(self._entity, range(len(self)))

    def _spelling(self, place: int) -> str:
        first = int(self._ends[place - 1]) if place else 0
        return self._text[first : int(self._ends[place])].decode("utf-8", "surrogatepass")

    def _entity(self, place: int) -> Entity:
        first = int(self._last[place - 1]) + 1 if place else 0
        name, *aliases = (self._spelling(at) for at in range(first, int(self._last[place]) + 1))
        return Entity(self.types[int(self._type[place])], name, tuple(aliases))


def name_index(store: GraphStore) -> NameIndex:
    """The names of the whole graph.

    Raises:
        StoreError: the store failed, or others kept writing to it while it was read.
    """
    return snapshot(store, lambda version: NameIndex.of(store.all_entities(), version=version))


def _head(id: EntityId) -> int:
    """The first half of an id, as a number that ascends as ids do; 0 of what is none."""
    return int(id[:16], 16) if _ID.fullmatch(id) else 0


def _hashes(keys: Collection[str]) -> Codes:
    digests = (hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest() for key in keys)
    return np.frombuffer(b"".join(digests), np.uint64)


def _grams(keys: list[str]) -> tuple[Codes, Numbers]:
    """The distinct grams of each key, and whose they are, by gram. Shapes: (p,), (p,).

    The trigrams of "kill bill" are those of "  kill  bill  " that have letters of one word alone.
    """
    said = [_said(key) for key in keys]
    padded = ["".join(f"  {word}" for word in words) + "  " for words in said]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    owners = np.repeat(np.arange(len(keys)), [len(text) for text in padded])
    if len(codes) < 3:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    first, second, third = codes[:-2], codes[1:-1], codes[2:]
    han = np.zeros(len(codes), bool)
    for low, high in _HAN:
        han |= (codes >= low) & (codes <= high)
    within = (owners[:-2] == owners[2:]) & ~((second == _BLANK) & (first != _BLANK))
    within &= ~((second == _BLANK) & (third == _BLANK)) & ~(han[:-2] | han[1:-1] | han[2:])
    threes = (first << np.uint64(2 * _PLACE)) | (second << np.uint64(_PLACE)) | third
    both = han[:-1] & han[1:] & (owners[:-1] == owners[1:])
    twos = (codes[:-1] << np.uint64(_PLACE)) | codes[1:]
    words = _hashes([word for group in said for word in group]) | _WORD
    word_owners = np.repeat(np.arange(len(keys)), [len(group) for group in said])
    grams = np.concatenate((threes[within], twos[both], words))
    whose = np.concatenate((owners[:-2][within], owners[:-1][both], word_owners))
    order = np.lexsort((whose, grams))
    grams, whose = grams[order], whose[order]
    new = np.ones(len(grams), bool)
    new[1:] = (grams[1:] != grams[:-1]) | (whose[1:] != whose[:-1])
    return grams[new], whose[new]


def _said(key: str) -> list[str]:
    """The words of a key that say something, or all where none does."""
    words = key.split()
    return [word for word in words if word not in STOP_WORDS] or words
