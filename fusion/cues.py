"""The words of a question that relate: which relations they stand for, and what kind of thing is asked for.

Words come from the ontology. A relation that it does not know (an imported graph's ``starred_actors``,
``HAS_SYMPTOM``) is read by its name: it takes the words of each known relation that one of its parts names
("actors" → starring, "symptom" → symptom, hence 症状).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import regex

from fusion.question import Link, is_chinese, plain_words, stem
from kg.ontology import Ontology
from kg.store import GraphStore
from kg.words import STOP_WORDS

Chain = tuple[str, ...]  # relations walked one after the other; "child⁻¹" is walked against its direction
INVERSE = "⁻¹"

# Kin and other words that stand for several hops, each with its alternatives.
COMPOSED: dict[str, tuple[Chain, ...]] = {
    "paternal grandfather": (("father", "father"),),
    "paternal grandmother": (("father", "mother"),),
    "maternal grandfather": (("mother", "father"),),
    "maternal grandmother": (("mother", "mother"),),
    "grandfather": (("father", "father"), ("mother", "father")),
    "grandmother": (("father", "mother"), ("mother", "mother")),
    "grandparent": (("father", "father"), ("father", "mother"), ("mother", "father"), ("mother", "mother")),
    "grandchild": (("child", "child"),),
    "grandson": (("child", "child"),),
    "granddaughter": (("child", "child"),),
    "father in law": (("married_to", "father"),),
    "mother in law": (("married_to", "mother"),),
    "parent in law": (("married_to", "father"), ("married_to", "mother")),
    "child in law": (("child", "married_to"),),
    "son in law": (("child", "married_to"),),
    "daughter in law": (("child", "married_to"),),
    "brother in law": (("married_to", "sibling"), ("sibling", "married_to")),
    "sister in law": (("married_to", "sibling"), ("sibling", "married_to")),
    "sibling in law": (("married_to", "sibling"), ("sibling", "married_to")),
    "stepchild": (("married_to", "child"),),
    "stepson": (("married_to", "child"),),
    "stepdaughter": (("married_to", "child"),),
    "stepfather": (("mother", "married_to"),),
    "stepmother": (("father", "married_to"),),
    "uncle": (("father", "sibling"), ("mother", "sibling")),
    "aunt": (("father", "sibling"), ("mother", "sibling")),
    "nephew": (("sibling", "child"),),
    "niece": (("sibling", "child"),),
    "parent": (("father",), ("mother",)),
    "祖父": (("father", "father"),),
    "爷爷": (("father", "father"),),
    "祖母": (("father", "mother"),),
    "奶奶": (("father", "mother"),),
    "外祖父": (("mother", "father"),),
    "外公": (("mother", "father"),),
    "外祖母": (("mother", "mother"),),
    "外婆": (("mother", "mother"),),
    "岳父": (("married_to", "father"),),
    "岳母": (("married_to", "mother"),),
    "公公": (("married_to", "father"),),
    "婆婆": (("married_to", "mother"),),
    "女婿": (("child", "married_to"),),
    "儿媳": (("child", "married_to"),),
    "父母": (("father",), ("mother",)),
}
# What else states a relation: the fact may have been written from the other side.
SAME_AS: dict[str, tuple[str, ...]] = {
    "child": ("father⁻¹", "mother⁻¹"),
    "father": ("child⁻¹",),
    "mother": ("child⁻¹",),
    "married_to": ("married_to⁻¹",),
    "sibling": ("sibling⁻¹",),
    "has_part": ("member_of⁻¹",),
}
SOFT = frozenset(("used_for", "uses", "instance_of"))  # their words also stand beside others: "is used for treating"
ALIASES = frozenset(("also_known_as", "ALIAS_IS", "sameAs", "same_as"))  # what is said of one name holds of the other
ONE_WAY = frozenset(  # read against its direction, each means another relation
    ("child", "father", "mother", "complication", *(name + INVERSE for name in ("father", "mother", "complication")))
)
_EXTRA: dict[str, tuple[str, ...]] = {
    "born_in": ("born", "birth"),
    "born_on": ("born", "birth"),
    "died_in": ("died", "death"),
    "died_on": ("died", "death"),
    "nationality": ("from country",),
    "country_of_origin": ("from country",),
    "starring": ("act", "acted", "appear", "played", "参演"),
    "directed_by": ("direction",),
    "released_on": ("release", "came out"),
    "child": ("children",),
    "treated_by": ("treatments", "treat"),
    "diagnosed_by": ("diagnose", "check", "examination"),
    "symptom": ("有什么表现",),
    "works_for": ("work",),
}
_OF_PARTS = {  # what else is said of a relation whose name has this part
    "tag": ("about", "describe", "described", "describing", "topic", "tagged", "words"),
    "genre": ("sort", "type", "kind"),
    "language": ("spoken",),
    "actor": ("act", "acted", "appear", "played"),
}
_SHARING = frozenset(("same", "share", "shares", "shared", "sharing", "common"))
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_WHOSE_ZH = regex.compile(r"(?:谁|(?:哪|什么)\p{Han}{0,4})的$")  # and then a relation, and what it leads to:
_IS_ZH = regex.compile(r"\s*(?:中?有|中?包括|是|为)\s*")
_SKIPPED = STOP_WORDS | {"has", "have", "had", "does", "do", "did", "from", "been", "whose"}
_TIME = {"when": "Time", "where": "Place", "who": "Agent", "whom": "Agent"}
_ASKED_ZH = (
    ("什么时候|何时|哪年|哪一年|几时|哪天|多久", "Time"),
    ("哪里|哪儿|何处|什么地方|哪个城市|哪国|哪个国家", "Place"),
    ("谁|哪位", "Agent"),
    ("多少|几个", "Quantity"),
)
_ALSO = {  # what is accepted where a kind is asked for
    "Place": frozenset(("Place", "Organization", "Anatomy")),
    "Country": frozenset(("Country", "Place", "Nationality")),
    "Nationality": frozenset(("Nationality", "Place")),
    "Agent": frozenset(("Agent",)),
    "City": frozenset(("Place",)),
}


@dataclass(frozen=True, slots=True)
class Cue:
    """``text[start:end]`` of the question stands for one of these chains of relations."""

    start: int
    end: int
    chains: tuple[Chain, ...]
    text: str = ""  # its words, without endings

    @property
    def soft(self) -> bool:
        """Whether a question is explained without it."""
        return all(relation in SOFT for chain in self.chains for relation in chain)


def asked(text: str, ontology: Ontology) -> frozenset[str]:
    """The types of which the answer should be one; empty when any will do."""
    if is_chinese(text):
        for pattern, kind in _ASKED_ZH:
            if regex.search(pattern, text):
                return _ALSO.get(kind, frozenset((kind,)))
        spoken = [(word, kind) for kind, words in ontology.type_words.items() for word in words.get("zh", ())]
        for word, kind in sorted(spoken, key=lambda pair: (-len(pair[0]), pair)):
            if regex.search(rf"(?:什么|哪些|哪种|哪个|何种){word}", text):
                return _ALSO.get(kind, frozenset((kind,)))
        return frozenset()
    words = [match[0].casefold() for match in _WORD.finditer(text)]
    for place, word in enumerate(words):
        if word in _TIME:
            return _ALSO.get(_TIME[word], frozenset((_TIME[word],)))
        if word == "how" and words[place + 1 : place + 2] == ["many"]:
            return frozenset(("Quantity",))
        if word in ("what", "which"):
            kinds = _types_by_word(ontology, "en")
            for following in words[place + 1 : place + 4]:
                if following in ("is", "are", "was", "were", "the", "of"):
                    return frozenset()
                if stem(following) in kinds:
                    kind = kinds[stem(following)]
                    return _ALSO.get(kind, frozenset((kind,)))
            return frozenset()
    return frozenset()


@lru_cache(maxsize=8)
def _type_words(words: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, str]:
    return {stem(word): kind for kind, spoken in words for word in spoken if " " not in word}


def _types_by_word(ontology: Ontology, language: str) -> dict[str, str]:
    return _type_words(tuple((kind, w.get(language, ())) for kind, w in sorted(ontology.type_words.items())))


def types_named(word: str, ontology: Ontology) -> frozenset[str]:
    """The types that a word stands for: "film"; in Chinese also as the end of a word."""
    if is_chinese(word):
        spoken = ((kind, said) for kind, words in ontology.type_words.items() for said in words.get("zh", ()))
        return frozenset(kind for kind, said in spoken if word.endswith(said))
    kind = _types_by_word(ontology, "en").get(stem(word))
    return frozenset((kind,)) if kind else frozenset()


class Lexicon:
    """The phrases of every relation that a graph has, by language."""

    def __init__(self, ontology: Ontology, relations: Collection[str] = ()) -> None:
        """``relations`` are those of the graph at hand; the ontology's own are always known."""
        self._english: defaultdict[tuple[str, ...], set[Chain]] = defaultdict(set)
        self._chinese: defaultdict[str, set[Chain]] = defaultdict(set)
        for name, relation in ontology.relations.items():
            for phrase in (*relation.words.get("en", ()), *relation.words.get("zh", ()), *_EXTRA.get(name, ())):
                self._add(phrase, (name,))
                if relation.inverse is not None:
                    self._add(phrase, (relation.inverse + INVERSE,))
        for phrase, chains in COMPOSED.items():
            for chain in chains:
                self._add(phrase, chain)
        known = {key: set(chains) for key, chains in self._english.items()}
        for name in sorted(set(relations) - ontology.relations.keys()):
            self._add_unknown(name, known)
        self._longest = max(map(len, self._english), default=0)

    def _add(self, phrase: str, chain: Chain) -> None:
        if is_chinese(phrase):
            self._chinese[phrase].add(chain)
        else:
            self._english[_stems(phrase)].add(chain)

    def _add_unknown(self, name: str, known: Mapping[tuple[str, ...], set[Chain]]) -> None:
        parts = _stems(regex.sub(r"(?<=\p{Ll})(?=\p{Lu})", " ", name).replace("_", " ").replace("/", " "))
        if is_chinese(name):
            self._chinese[name].add((name,))
        if not parts:
            return
        self._english[parts].add((name,))
        for part in parts:
            self._english[(part,)].add((name,))
            for phrase in _OF_PARTS.get(part, ()):
                self._english[_stems(phrase)].add((name,))
            akin = {chain[0] for chain in known.get((part,), ()) if len(chain) == 1}
            for chains in (*self._english.values(), *self._chinese.values()):
                if any(len(chain) == 1 and chain[0] in akin for chain in chains):
                    chains.add((name,))

    def cues(self, text: str, links: Iterable[Link]) -> list[Cue]:
        """The phrases of a question outside its entities, longest first where they overlap, in order."""
        places = {(found.start, found.end) for found in links}
        if is_chinese(text):
            return list(self._chinese_cues(text, places))
        words = [
            (match.start(), match.end(), stem(match[0]))
            for match in _WORD.finditer(text)
            if match[0].casefold() not in _SKIPPED and len(match[0]) > 1 and not _inside(match.start(), places)
        ]
        cues, place = [], 0
        while place < len(words):
            for length in range(self._longest, 0, -1):
                group = words[place : place + length]
                key = tuple(word for _, _, word in group)
                if len(group) == length and key in self._english and not _parted(group[0][0], group[-1][1], places):
                    cue = Cue(group[0][0], group[-1][1], tuple(sorted(self._english[key])), " ".join(key))
                    cues.append(_shared(cue) if _is_shared(text, cue) else cue)
                    place += length
                    break
            else:
                place += 1
        return cues

    def _chinese_cues(self, text: str, places: Collection[tuple[int, int]]) -> Iterator[Cue]:
        phrases = sorted(self._chinese, key=lambda phrase: (-len(phrase), phrase))
        place = 0
        while place < len(text):
            found = [p for p in phrases if text.startswith(p, place)][:1]
            if not found or _inside(place, places):
                place += 1
                continue
            end = place + len(found[0])
            chains = self._chinese[found[0]]
            if _WHOSE_ZH.search(text, endpos=place) and any(_IS_ZH.fullmatch(text, end, start) for start, _ in places):
                chains = {_turned(chain) for chain in chains}
            yield Cue(place, end, tuple(sorted(chains)), found[0])
            place = end


def _turned(chain: Chain) -> Chain:
    """The way back along a chain."""
    return tuple(name.removesuffix(INVERSE) if name.endswith(INVERSE) else name + INVERSE for name in reversed(chain))


class Speech:
    """The lexicon of a store as it is now."""

    def __init__(self, store: GraphStore, ontology: Ontology) -> None:
        self._store = store
        self._ontology = ontology
        self._lock = Lock()
        self._known: tuple[int, Lexicon] | None = None

    def lexicon(self, version: int | None = None) -> Lexicon:
        """The words of the relations that the graph has now; made anew only when the graph's version has changed.

        Raises:
            StoreError: the store failed.
        """
        version = self._store.version() if version is None else version
        with self._lock:
            if self._known is None or self._known[0] != version:
                self._known = version, Lexicon(self._ontology, self._store.counts().facts_by_relation.keys())
            return self._known[1]


def _is_shared(text: str, cue: Cue) -> bool:
    """Whether the words around a cue speak of two things that have the same: "share actors with", "co-wrote"."""
    before = _WORD.findall(text[: cue.start].casefold())[-2:]
    after = _WORD.findall(text[cue.end :].casefold())[:1]
    return not _SHARING.isdisjoint(before) or before[-1:] == ["co"] or "together" in after


def _shared(cue: Cue) -> Cue:
    """There and back again: from one thing to what it has, and on to what else has that."""
    single = [chain[0] for chain in cue.chains if len(chain) == 1 and not chain[0].endswith(INVERSE)]
    return Cue(
        cue.start, cue.end, tuple(pair for r in single for pair in ((r, r + INVERSE), (r + INVERSE, r))), cue.text
    )


def loose_words(text: str, links: Iterable[Link], cues: Iterable[Cue], ontology: Ontology) -> list[str]:
    """The words of an English question that neither name, relate, ask, nor say what kind of thing is meant."""
    places = {(found.start, found.end) for found in links} | {(cue.start, cue.end) for cue in cues}
    plain = plain_words(ontology)
    return [
        match[0]
        for match in _WORD.finditer(text)
        if not _inside(match.start(), places) and stem(match[0]) not in plain and len(match[0]) > 1
    ]


def _stems(phrase: str) -> tuple[str, ...]:
    words = [match[0] for match in _WORD.finditer(phrase) if match[0].casefold() not in _SKIPPED]
    return tuple(stem(word) for word in words if word.casefold() not in ("when", "where", "why"))


def _inside(position: int, places: Iterable[tuple[int, int]]) -> bool:
    return any(start <= position < end for start, end in places)


def _parted(start: int, end: int, places: Iterable[tuple[int, int]]) -> bool:
    """Whether an entity's name stands between the words of a phrase."""
    return any(start < other_start < end for other_start, _ in places)
