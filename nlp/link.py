"""Mention → entity: first within the document, then by the names that the gazetteer knows, else by the name itself.

Which entity a mention is depends on the document, its mentions, and the topics that go by the names in it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import regex
from rapidfuzz import fuzz

from kg.facts import Document, Entity, Topic, name_key
from kg.ontology import Ontology
from nlp.concepts import canonical, type_of
from nlp.gazetteer import Gazetteer, content_words
from nlp.lexicon import PERSON_TITLES
from nlp.names import without_article
from nlp.spans import Links, Mention

FUZZY = 92.0  # the least similarity (rapidfuzz ratio, 0 to 100) of two spellings of one name
MARGIN = 2  # by how many shared words and years the best of several topics must win
_OPEN = frozenset(
    {"Person", "Organization", "Agent", "Place", "Country", "City", "Event", "Product", "Thing"}
    | {"Work", "Film", "Song", "Album", "Book", "Series", "Periodical"}
)  # types whose things have proper names, about which spaCy may err
_WORK = "Work"
_GENERATION = regex.compile(r"\b(?:Jr|Sr|[IVX]{1,5}|Elder|Younger|\d{1,2}(?:st|nd|rd|th))\b\.?")
_ACRONYM = regex.compile(r"(?P<long>(?:\p{L}+[\s-]){1,6}\p{L}+)\s\((?P<short>\p{Lu}{2,6})\)")
_MIDDLE = regex.compile(r"(?<=\p{Ll})\s(?:\p{Lu}\.\s?)+(?=\p{Lu}\p{Ll})")  # initials between two names
_YEAR = regex.compile(r"\b\d{4}\b")


@dataclass
class _Name:
    """All that a document says under one name: its mentions, and what type they agree on."""

    name: str
    mentions: list[Mention] = field(default_factory=list)
    type: str = ""
    sure: bool = False

    @cached_property
    def key(self) -> str:
        return name_key(self.name)


class NameLinker:
    """Links by names: exact, alias, part of a longer name in the same document, and close spelling."""

    def __init__(self, ontology: Ontology) -> None:
        self._ontology = ontology

    @property
    def name(self) -> str:
        """Name and version."""
        return "names-1"

    def link(self, document: Document, topic: Topic | None, mentions: Sequence[Mention], gazetteer: Gazetteer) -> Links:
        """Link the mentions of one document, or of one section of it, in the order of the text."""
        own = gazetteer.own(topic) if topic is not None else None
        names = self._names(mentions)
        context = _Context(document)
        acronyms = _acronyms(document.text)
        chosen: dict[tuple[str, str], tuple[Entity, str]] = {}
        # Longer names first: a shorter one may then be a part of one of them.
        for name in sorted(names, key=lambda n: (-len(n.name.split()), n.name, n.type)):
            long = acronyms.get(name.name)
            if long is not None and (not name.sure or not self._ontology.is_a(name.type, "Concept")):
                chosen[name.name, name.type] = self._spelt_out(long, chosen), "alias"
            else:
                chosen[name.name, name.type] = self._entity(name, own, topic, chosen, gazetteer, context)
        entities: dict[Mention, Entity] = {}
        decisions: Counter[str] = Counter()
        for name in names:
            entity, decision = chosen[name.name, name.type]
            for mention in name.mentions:
                entities[mention] = entity
                decisions[decision] += 1
        return Links(entities, decisions)

    def _names(self, mentions: Sequence[Mention]) -> list[_Name]:
        """Mentions by name. A name has one type in a document, the surest; closed types (dates, …) stay apart."""
        by_name: dict[str, dict[str, list[Mention]]] = defaultdict(lambda: defaultdict(list))
        for mention in mentions:
            by_name[mention.name][mention.label].append(mention)
        names: list[_Name] = []
        for name, labels in by_name.items():
            open_types = {label: found for label, found in labels.items() if label in _OPEN}
            names.extend(_Name(name, found, label, True) for label, found in labels.items() if label not in _OPEN)
            if open_types:
                type = max(open_types, key=lambda label: (_weight(open_types[label]), label))
                found = [mention for same in open_types.values() for mention in same]
                names.append(_Name(name, found, type, any(m.confidence >= 0.8 for m in found)))
        return names

    def _entity(
        self,
        name: _Name,
        own: Topic | None,
        declared: Topic | None,
        chosen: dict[tuple[str, str], tuple[Entity, str]],
        gazetteer: Gazetteer,
        context: "_Context",
    ) -> tuple[Entity, str]:
        if name.type not in _OPEN:
            return self._closed(name, gazetteer)
        if own is not None and declared is not None and self._agree(name, own):
            if name.name in {own.name, declared.name}:
                return Entity(own.type, own.name), "exact"
            if name.key in {name_key(known) for known in (declared.name, *declared.aliases)}:
                return Entity(own.type, own.name), "alias"
        found, ambiguous = self._known(name, gazetteer, context)
        if found is not None:
            return Entity(found.type, found.name), "exact" if found.name == name.name else "alias"
        if not ambiguous:
            longer = self._longer(name, own, declared, chosen)
            if longer is not None:
                return longer
        return Entity(name.type, name.name), "ambiguous" if ambiguous else "new"

    def _spelt_out(self, long: str, chosen: Mapping[tuple[str, str], tuple[Entity, str]]) -> Entity:
        """The entity of an acronym's long form."""
        key = name_key(long)
        for (name, _), (entity, _) in chosen.items():
            if name_key(name) == key:
                return entity
        return Entity(type_of(long), long)

    def _closed(self, name: _Name, gazetteer: Gazetteer) -> tuple[Entity, str]:
        """A date, a nationality, a disease, …: its name says all."""
        for topic in gazetteer.topics(name.name):
            if topic.type == name.type or (name.type == "Concept" and self._ontology.is_a(topic.type, "Concept")):
                return Entity(topic.type, topic.name), "exact" if topic.name == name.name else "alias"
        return Entity(name.type, name.name), "new"

    def _known(self, name: _Name, gazetteer: Gazetteer, context: "_Context") -> tuple[Topic | None, bool]:
        """The topic of this name that fits, and whether several did and none stood out."""
        for spelling in _spellings(name.name):
            topics = [topic for topic in gazetteer.topics(spelling) if self._agree(name, topic)]
            if len(topics) == 1:
                return topics[0], False
            if topics:
                scores = sorted(((context.shared(topic), topic.name, topic) for topic in topics), key=lambda s: s[:2])
                if scores[-1][0] >= scores[-2][0] + MARGIN:
                    return scores[-1][2], False
                return None, True
        return None, False

    def _agree(self, name: _Name, topic: Topic) -> bool:
        """Whether a name in the text may be this topic, given what kind of thing each is said to be."""
        if self._ontology.compatible(name.type, topic.type):
            return True
        if name.sure:
            return False
        # spaCy's guess: it gives way to a name of several words that is known to be a work, never of place or person
        if " " not in name.name or {name.type, topic.type} == {"Person", "Place"}:
            return False
        return self._ontology.is_a(topic.type, _WORK) or topic.type in {"Person", "Organization"}

    def _longer(
        self,
        name: _Name,
        own: Topic | None,
        declared: Topic | None,
        chosen: dict[tuple[str, str], tuple[Entity, str]],
    ) -> tuple[Entity, str] | None:
        """The entity of a longer name in the document of which this is a part ("Levy"), or a closely spelled one."""
        words = name.key.split()
        candidates: dict[Entity, str] = {}
        if (
            own is not None
            and declared is not None
            and (self._same_kind(name, own.type) or _is_surname(name, declared))
        ):
            known = (declared.name, *declared.aliases)
            if any(_is_part(words, longer, own.type) or _adds_initial(name.name, longer, own.type) for longer in known):
                return Entity(own.type, own.name), "alias"
        for (longer, type), (entity, _) in chosen.items():
            if not self._same_kind(name, type) or (entity.type != type and not self._same_kind(name, entity.type)):
                continue
            if _is_part(words, longer, type):
                candidates[entity] = "alias"
            elif len(words) > 1 and _is_close(name.name, longer):
                candidates[entity] = "fuzzy"
        if len(candidates) == 1:
            return next(iter(candidates.items()))
        return None

    def _same_kind(self, name: _Name, type: str) -> bool:
        if type not in {"Person", "Organization", "Place"}:
            return False
        return name.type == type or (
            type == "Person"
            and name.type in {"Organization", "Product", "Work"}
            and not name.sure
            and " " not in name.name
        )  # spaCy's "Levy": an organization


def _is_surname(name: _Name, topic: Topic) -> bool:
    """Whether a name that spaCy takes for a place is the last name of the person whom the document is about."""
    bare = topic.name.partition(" (")[0]
    return (
        topic.type == "Person"
        and not name.sure
        and " of " not in bare
        and "," not in bare
        and bare.split()[-1:] == [name.name]
        and " " in bare
    )


def _weight(mentions: Sequence[Mention]) -> float:
    """How much speaks for a type: the surest mention first, then how many there are."""
    return max(m.confidence for m in mentions) * 100 + len(mentions)


def _spellings(name: str) -> list[str]:
    """The name, then without its article, then without the titles before it."""
    spellings = [name]
    bare = without_article(name)
    if bare != name:
        spellings.append(bare)
    if name.startswith("The "):
        spellings.append(name[4:])
    words = name.split()
    while len(words) > 2 and words[0] in PERSON_TITLES:
        words = words[1:]
        spellings.append(" ".join(words))
    return spellings


def _acronyms(text: str) -> dict[str, str]:
    """ "acute myeloid leukemia (AML)": what the document says that its acronyms stand for."""
    found: dict[str, str] = {}
    for match in _ACRONYM.finditer(text):
        short = match["short"]
        words = match["long"].replace("-", " ").split()[-len(short) :]
        if [word[0].upper() for word in words] == list(short) and words[-1].islower():
            found.setdefault(short, canonical(" ".join(words), plural=words[-1].endswith("s")))
    return found


def _adds_initial(name: str, shorter: str, type: str) -> bool:
    """Whether a person's name is another with an initial in the middle: "Nathan H. Juran"."""
    if type != "Person":
        return False
    bare = _MIDDLE.sub(" ", name)
    return bare != name and name_key(bare) == name_key(shorter.partition(" (")[0]) and " " in bare


def _is_close(name: str, other: str) -> bool:
    """Whether two names of one generation ("II", "Jr.") differ by little more than a letter."""
    if _GENERATION.findall(name) != _GENERATION.findall(other):
        return False
    return bool(fuzz.ratio(name_key(name), name_key(other)) >= FUZZY)


def _is_part(words: list[str], longer: str, type: str) -> bool:
    """Whether these words, in order, are some but not all of the words of a longer name."""
    whole = name_key(longer).split()
    if not words or len(words) >= len(whole):
        return False
    if type == "Person":
        if len(words) > 1 and _GENERATION.search(longer):
            return False  # "John Smith" need not be "John Smith Jr."
        rest = iter(whole)
        return all(word in rest for word in words) and len(words[0]) > 1
    return whole[: len(words)] == words and ((type == "Place" and "," in longer) or type == "Organization")


class _Context:
    """The words and years of a document, against which the descriptions of topics are held."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._words: set[str] | None = None

    def shared(self, topic: Topic) -> int:
        """How many words of a topic's description and qualifier the document has; a year counts twice."""
        if self._words is None:
            text = f"{self._document.title} {self._document.text}"
            self._words = content_words(text) | set(_YEAR.findall(text))
        described = f"{topic.name.partition('(')[2]} {topic.description}"
        years = set(_YEAR.findall(described))
        return len(content_words(described) & self._words) + 2 * len(years & self._words)
