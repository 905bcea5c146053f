"""Questions about MetaQA's films that need operators, and what is right, by sets of the file's triples."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import regex

from benchmarks.operator_wordings import WORDINGS
from kg.facts import name_key


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what is right: names, or one text. A "no" may also be that the graph does not say."""

    text: str
    operator: str
    language: str
    wording: str
    names: frozenset[str] = frozenset()
    said: str = ""


class Films:
    """MetaQA's films as sets of names: what operators come to, computed by other means than those measured."""

    def __init__(self, triples: Sequence[tuple[str, str, str]]) -> None:
        by: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        of: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for film, relation, value in triples:
            by[relation][value].add(film)
            of[relation][film].add(value)
        self.by, self.of = by, of
        self.years = {film: int(min(years)) for film, years in of["release_year"].items() if len(years) == 1}
        clear = self._clear(triples)
        self.directors = sorted(name for name in by["directed_by"] if name in clear)
        self.actors = sorted(name for name in by["starred_actors"] if name in clear)
        self.films = sorted(name for name in self.years if name in clear)

    def _clear(self, triples: Sequence[tuple[str, str, str]]) -> set[str]:
        """Names of two words or more that nothing else has: linking is not what is measured here."""
        names = {name for subject, _, object in triples for name in (subject, object)}
        keys: defaultdict[str, int] = defaultdict(int)
        for name in names:
            keys[name_key(name)] += 1
        plain = regex.compile(r"\p{Lu}[\p{L}'.-]+(?: \p{Lu}?[\p{L}'.-]+)+")
        return {name for name in names if plain.fullmatch(name) and keys[name_key(name)] == 1}

    def questions(self, language: str, operator: str, wording: str, chance: random.Random) -> Iterator[Question]:
        """Questions without end; those to which the graph has no one answer are passed over."""
        templates = WORDINGS[wording][language][operator]
        for number in range(100_000):
            template = templates[number % len(templates)]
            made = getattr(self, "_" + operator.replace(" ", "_"))(template, chance)
            if made is not None:
                text, right = made
                if isinstance(right, str):
                    yes_no = {"yes": "是", "no": "否"} if language == "zh" else {}
                    yield Question(text, operator, language, wording, said=yes_no.get(right, right))
                else:
                    yield Question(text, operator, language, wording, names=frozenset(right))

    def _people(self, chance: random.Random) -> dict[str, str]:
        """A director, an actor and a writer of one film of theirs, and others."""
        a = chance.choice(self.directors)
        film = chance.choice(sorted(self.by["directed_by"][a]))
        cast = sorted(set(self.of["starred_actors"][film]) & set(self.actors) - {a})
        writers = sorted(name for name in self.of["written_by"][film] if " " in name and name != a)
        return {
            "a": a,
            "b": chance.choice(cast or self.actors),
            "c": chance.choice(writers or self.directors),
            "d": chance.choice(self.directors),
            "e": chance.choice(self.actors),
        }

    def _set(self, template: str, which: str, who: Mapping[str, str]) -> set[str]:
        relation = {"a": "directed_by", "d": "directed_by", "c": "written_by"}.get(which, "starred_actors")
        return set(self.by[relation][who[which]])

    def _asked(self, template: str) -> list[str]:
        return regex.findall(r"\{([a-e])\}", template)

    def _intersection(self, template: str, chance: random.Random) -> tuple[str, set[str]] | None:
        who = self._people(chance)
        sets = [self._set(template, which, who) for which in self._asked(template)]
        right = set.intersection(*sets)
        return (template.format(**who), right) if right and len({who[w] for w in self._asked(template)}) > 1 else None

    def _union(self, template: str, chance: random.Random) -> tuple[str, set[str]] | None:
        who = self._people(chance)
        right = set.union(*(self._set(template, which, who) for which in self._asked(template)))
        return (template.format(**who), right) if len(right) <= 100 else None

    def _count(self, template: str, chance: random.Random) -> tuple[str, str] | None:
        who = self._people(chance)
        return template.format(**who), str(len(self._set(template, self._asked(template)[0], who)))

    def _comparison(self, template: str, chance: random.Random) -> tuple[str, set[str]] | None:
        f, g = chance.sample(self.films, 2)
        if self.years[f] == self.years[g]:
            return None
        later = regex.search(r"later|newer|更晚|更新", template) is not None
        return template.format(f=f, g=g), {
            max(f, g, key=self.years.__getitem__) if later else min(f, g, key=self.years.__getitem__)
        }

    def _superlative(self, template: str, chance: random.Random) -> tuple[str, set[str]] | None:
        who = self._people(chance)
        films = self._set(template, self._asked(template)[0], who)
        if len(films) < 2 or not films <= self.years.keys():
            return None
        last = regex.search(r"recent|newest|last|最晚|最近|最新", template) is not None
        year = (max if last else min)(self.years[film] for film in films)
        right = {film for film in films if self.years[film] == year}
        return (template.format(**who), right) if len(right) == 1 else None

    def _filter(self, template: str, chance: random.Random) -> tuple[str, set[str]] | None:
        who = self._people(chance)
        films = self._set(template, self._asked(template)[0], who)
        if not films <= self.years.keys():
            return None
        year = self.years[chance.choice(sorted(films))] + chance.choice((-1, 0, 1))
        keep: Callable[[int], bool] = year.__lt__
        if regex.search(r"since|以来", template):
            keep = year.__le__
        elif regex.search("[Bb]efore|之前|以前", template):
            keep = year.__gt__
        right = {film for film in films if keep(self.years[film])}
        return (template.format(y=year, **who), right) if right else None

    def _yes_or_no(self, template: str, chance: random.Random) -> tuple[str, str] | None:
        film = chance.choice(self.films)
        acted = regex.search(r"actor|star|出演|主演", template) is not None
        told = self.of["starred_actors" if acted else "directed_by"][film] & set(
            self.actors if acted else self.directors
        )
        other = chance.choice(self.actors if acted else self.directors)
        if not told or other in told:
            return None
        yes = chance.random() < 0.5
        return template.format(f=film, h=min(told) if yes else other), "yes" if yes else "no"

    def _difference(self, template: str, chance: random.Random) -> tuple[str, set[str]] | None:
        who = self._people(chance)
        kept, other = sorted(self._asked(template))
        relation = "written_by" if other == "c" else "starred_actors"
        films = {film for film in self._set(template, kept, who) if self.of[relation][film]}
        dropped = self._set(template, other, who)
        return (template.format(**who), films - dropped) if films - dropped and films & dropped else None
