"""What a relation is called in questions: from a lexicon of common relations, the ontology, and the relation's name.

A relation is found in the lexicon and the ontology by its name, or by the last words of it ("has_genre",
"__film__film__genre"). One that neither knows is called by its name alone; a name that is no word ("P31", "=>") says
nothing.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import regex

from kg.ontology import Ontology
from kg.ontology import Relation as Known

LEXICON = Path(__file__).with_name("lexicon.toml")
LANGUAGES = ("en", "zh")

_SEGMENTS = regex.compile(r"__+|[/.:#]")
_CAMEL = regex.compile(r"(?<=\p{Ll})(?=\p{Lu})")
_PARTS = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_HAN = regex.compile(r"\p{Han}")
_WORD = regex.compile(r"\p{Han}|\p{L}\p{M}*\p{L}")
_PREPOSITIONS = frozenset(("in", "on", "at", "for", "to", "from", "with", "of", "by", "as", "into", "under", "near"))
_BE = frozenset(("is", "was", "are", "be"))
_ENDS_AS_VERB = ("于", "由", "自", "是")


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb between two things, with what follows it: directed, direct, directed; studied at, study at, none."""

    past: str
    base: str
    participle: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a relation in one language.

    ``nouns`` say what the object is to the subject, ``inverse`` what the subject is to the object; ``does`` what the
    subject does to the object, ``acts`` what the object does to the subject; ``asks`` and ``asks_back`` are questions
    for the object and for the subject.
    """

    nouns: tuple[str, ...] = ()
    inverse: tuple[str, ...] = ()
    does: tuple[Verb, ...] = ()
    acts: tuple[Verb, ...] = ()
    asks: tuple[str, ...] = ()
    asks_back: tuple[str, ...] = ()

    def backwards(self) -> "Words":
        """The same relation, from object to subject."""
        return Words(self.inverse, self.nouns, self.acts, self.does, self.asks_back, self.asks)

    def both_ways(self) -> "Words":
        """Words that hold forwards and backwards, of a relation that means the same both ways."""
        return _joined(self, self.backwards())

    def beside(self, forwards: "Words", backwards: "Words") -> "Words":
        """Without what other relations are called: ``forwards`` by their own words, ``backwards`` by their nouns."""
        return Words(
            _without(self.nouns, forwards.nouns),
            _without(self.inverse, backwards.inverse),
            _without(self.does, forwards.does),
            _without(self.acts, forwards.acts),
            _without(self.asks, forwards.asks),
            self.asks_back,
        )

    def __bool__(self) -> bool:
        return bool(self.nouns or self.inverse or self.does or self.acts)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing: what it is called, and the question words for it, in each language."""

    words: Mapping[str, tuple[str, ...]]
    asks: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Sense:
    """What a relation means: its words in each language, and the kinds of its subject and object."""

    words: Mapping[str, Words]
    subject: str | None = None
    object: str | None = None

    def backwards(self) -> "Sense":
        """The same relation, from object to subject."""
        turned = {language: words.backwards() for language, words in self.words.items()}
        return Sense(turned, self.object, self.subject)


def name_words(relation: str) -> tuple[str, ...]:
    """The words of the last part of a relation's name: place, of, birth for "__people__person__place_of_birth"."""
    last = _as_written(relation)
    return tuple(_PARTS.findall(_CAMEL.sub(" ", last.replace("_", " ")).casefold())) or (relation,)


def _as_written(relation: str) -> str:
    """The last part of a relation's name as it stands, for those who ask by it: "the place_of_birth of X"."""
    return ([part for part in _SEGMENTS.split(relation) if _PARTS.search(part)] or [relation])[-1]


def sense_of(relation: str, ontology: Ontology) -> Sense:
    """What is known of a relation; one that is not known has its name, in the language of its name.

    It has no words where nothing is known of it and its name is no word.
    """
    name = _bare(name_words(relation))
    other_names, sense = _common(name)
    known = ontology.relations.get(relation)
    if known is None:
        known = next((found for each in (name, *other_names) if (found := _known(each, ontology))), None)
    elif not sense.words:
        also = (_common(name_words(word))[1] for word in known.words.get("en", ()))
        sense = next((each for each in also if each.words), sense)
    words = {}
    for language in LANGUAGES:
        said = sense.words.get(language, Words())
        words[language] = _joined(said, _of_ontology(known, language, verbs=not (said.does or said.acts)))
    if any(_WORD.search(word) for word in name_words(relation)):
        own = "zh" if _HAN.search(relation) else "en"
        named = _of_name(name_words(relation))
        words[own] = _joined(words[own], Words(named.nouns) if words[own].does or words[own].acts else named)
        if name_words(relation)[-1] != "of":  # "the member_of of X" is too near to "the member of X"
            words[own] = _joined(words[own], Words((_as_written(relation),)))
    subject, object = sense.subject, sense.object
    if known is not None:
        subject = subject or _kind(known.domain, ontology)
        object = object or _kind(known.range, ontology)
        if known.symmetric:
            words = {language: said.both_ways() for language, said in words.items()}
    return Sense({language: said for language, said in words.items() if said}, subject, object)


@cache
def kinds() -> dict[str, Kind]:
    """The kinds of things, by name."""
    return {
        name: Kind(
            {"en": _list(row["words"]), "zh": _list(row["zh"])}, {"en": _list(row["asks"]), "zh": _list(row["asks_zh"])}
        )
        for name, row in _lexicon()["kinds"].items()
    }


def kind_of_type(type: str, ontology: Ontology) -> str | None:
    """The kind that things of a type are of, or None where the lexicon has no such kind."""
    for name, kind in _KINDS.items():
        if ontology.is_a(type, name):
            return kind
    return None


_KINDS = {  # types of the ontology, the more special ones first
    "Person": "person",
    "Country": "country",
    "Place": "place",
    "Time": "time",
    "Work": "work",
    "Organization": "organization",
    "Quantity": "number",
    "Agent": "person",
}


def _kind(types: frozenset[str], ontology: Ontology) -> str | None:
    return next((kind for type in sorted(types) if (kind := kind_of_type(type, ontology))), None)


def _bare(words: tuple[str, ...]) -> tuple[str, ...]:
    return words[1:] if len(words) > 1 and words[0] in ("has", "is", "the", "have") else words


def _common(name: tuple[str, ...]) -> tuple[tuple[tuple[str, ...], ...], Sense]:
    """The lexicon's names and sense for a name, or for its longest end before which no preposition stands."""
    senses = _senses()
    for start in range(len(name)):
        if not _PREPOSITIONS.intersection(name[:start]) and name[start:] in senses:
            return senses[name[start:]]
    return (), Sense({})


def _known(name: tuple[str, ...], ontology: Ontology) -> Known | None:
    wanted = " ".join(name)
    named = ontology.relations.get("_".join(name))
    if named is not None:
        return named
    for relation in ontology.relations.values():
        if any(wanted == word.casefold() for words in relation.words.values() for word in words):
            return relation
    return None


def _of_ontology(known: Known | None, language: str, *, verbs: bool) -> Words:
    """The ontology's words, each as the noun or the verb that it looks like; ``verbs`` may be left to the lexicon."""
    if known is None:
        return Words()
    found = Words()
    by = any(word.endswith(" by") for word in known.words.get("en", ()))
    for word in known.words.get(language, ()):
        said = Words()
        if language == "zh":
            said = Words(does=(Verb(word, word),)) if word.endswith(_ENDS_AS_VERB) else Words(nouns=(word,))
        elif not word.startswith(("where ", "when ", "why ", "from ")):
            said = _of_name(tuple(word.split()))
        if by and " " not in word:  # "directed", of what is directed by somebody
            said = Words(said.nouns, acts=said.does)
        found = _joined(found, said if verbs else Words(said.nouns))
    return found


def _of_name(words: tuple[str, ...]) -> Words:
    """What the form of a name says: "directed by", "works for", "in language", "member of" and "imdb rating"."""
    last = words[-1]
    if _HAN.search("".join(words)):
        return Words(nouns=("".join(words),))
    if len(words) > 1 and last == "by":
        stem = " ".join(word for word in words[:-1] if word not in _BE)
        return Words(acts=(Verb(stem, stem, stem),))
    if len(words) > 1 and last == "of":
        stem = " ".join(word for word in words if word not in _BE)
        return Words(inverse=(stem.removesuffix(" of"),), does=(Verb(f"was {stem}", f"be {stem}"),))
    if len(words) > 1 and last in _PREPOSITIONS:
        stem = " ".join(word for word in words if word not in _BE)
        if words[0].endswith("ed") or words[0] in ("born", "known"):
            return Words(does=(Verb(f"was {stem}", f"be {stem}"),))
        return Words(does=(Verb(stem, f"{words[0].removesuffix('s')} {' '.join(words[1:])}"),))
    if len(words) == 1 and (last.endswith("ed") or last in ("wrote", "won")):
        return Words(does=(Verb(last, last),))
    bare = _bare(words)
    return Words(nouns=(" ".join(bare[1:] if len(bare) > 1 and bare[0] in _PREPOSITIONS else bare),))


Part = TypeVar("Part")


def _without(some: tuple[Part, ...], others: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple(each for each in some if each not in others)


def _joined(one: Words, other: Words) -> Words:
    return Words(
        tuple(dict.fromkeys(one.nouns + other.nouns)),
        tuple(dict.fromkeys(one.inverse + other.inverse)),
        tuple(dict.fromkeys(one.does + other.does)),
        tuple(dict.fromkeys(one.acts + other.acts)),
        tuple(dict.fromkeys(one.asks + other.asks)),
        tuple(dict.fromkeys(one.asks_back + other.asks_back)),
    )


@cache
def _senses() -> dict[tuple[str, ...], tuple[tuple[tuple[str, ...], ...], Sense]]:
    """Every name of the lexicon, with the other names of its sense."""
    found: dict[tuple[str, ...], tuple[tuple[tuple[str, ...], ...], Sense]] = {}
    for row in _lexicon()["senses"].values():
        names = tuple(tuple(name.split()) for name in _list(row["names"]))
        words = {"en": _words(row, ""), "zh": _words(row, "zh_")}
        if row.get("same_back"):
            words = {language: said.both_ways() for language, said in words.items()}
        sense = Sense(words, row.get("subject"), row.get("object"))
        for name in names:
            found.setdefault(name, (names, sense))
    return found


def _words(row: Mapping[str, str], prefix: str) -> Words:
    def of(field: str) -> tuple[str, ...]:
        return _list(row.get(prefix + field, ""))

    def verbs(field: str) -> tuple[Verb, ...]:
        return tuple(Verb(*(forms if len(forms := verb.split("|")) > 1 else forms * 2)) for verb in of(field))

    return Words(of("nouns"), of("inverse"), verbs("does"), verbs("acts"), of("asks"), of("asks_back"))


@cache
def _lexicon() -> dict[str, dict[str, dict[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = tomllib.loads(LEXICON.read_text("utf-8"))
    return found


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
