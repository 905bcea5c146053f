"""What may be said of a prompt, and nothing else: a grammar over bytes, walked by whole tokens.

    answer    = " none" | " " claim { "; " claim }
    claim     = NAME " " FACT { FACT }        of an entity that is shown; the facts of one way that leads to it
              | `"` CHARACTERS `" (` NUMBER `)` characters of one passage, from the edge of a word to the edge of one
    FACT      = "[" NUMBER "]"

A state is every place where the bytes written so far may stand: in the tries of names and numbers, and in the passages.
A token may come next if its bytes lead on from one of them; the vocabulary, in the order of its bytes, is narrowed byte
by byte as the grammar is walked, so that neither is ever looked through whole. How a text is cut into tokens is
therefore free, and every way to cut it is allowed. What was written is read back by the same walk, which knows at its
end which entity, facts and characters were meant: nothing is matched by likeness.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fusion.claims import NONE, Claim, written
from fusion.language.vocabulary import Vocabulary
from fusion.named import Named
from fusion.prompt import Prompt, Shown, Tokenize, name_shown
from fusion.quotable import Words
from fusion.verify import borne, same_value
from kg.facts import Entity, Fact

CLAIMS = 8  # in one answer
NOTHING = Named()


@dataclass(frozen=True, slots=True)
class Said:
    """A claim, and what it stands for: an entity with the facts that lead to it, or the characters of the
    passage's chunk from ``start`` to ``end``.
    """

    claim: Claim
    entity: Entity | None = None
    facts: tuple[Fact, ...] = ()
    passage: Shown | None = None
    start: int = 0
    end: int = 0


@dataclass(slots=True, eq=False)
class _Node:
    """A place in a trie: where each byte leads, the claims that end here, whether a quotation may begin."""

    onward: dict[int, "_Node"] = field(default_factory=dict)
    ends: list["_Key"] = field(default_factory=list)
    opens: tuple[int, ...] = ()  # passages

    def put(self, text: bytes) -> "_Node":
        node = self
        for byte in text:
            node = node.onward.setdefault(byte, _Node())
        return node


class _Key(NamedTuple):
    """A claim in short: of the names by its place, or a quotation by its passage and bytes; without either, "none"."""

    name: int = -1
    passage: int = -1
    start: int = 0
    end: int = 0


class _Inside(NamedTuple):
    """Within a quotation: the next byte of its passage is at ``at``."""

    passage: int
    start: int
    at: int


class _Closing(NamedTuple):
    """Behind the characters of a quotation: so many bytes of what closes it are written."""

    key: _Key
    done: int


class _Thread(NamedTuple):
    """One way to read what was written: the claims that are complete, and where it stands behind them."""

    said: tuple[_Key, ...]
    place: "_Node | _Inside | _Closing"


_Threads = frozenset[_Thread]


class Grammar:
    """What may be said of one prompt: `allowed` for a model that writes, `read` for what was written."""

    def __init__(
        self,
        prompt: Prompt,
        vocabulary: Vocabulary | None = None,
        *,
        ends: Collection[int] = (),
        tokenize: Tokenize | None = None,
        topics: Named = NOTHING,
        unfit: Collection[str] = (),
    ) -> None:
        """``ends`` are the tokens that end a text; without a vocabulary it can only read.

        Entities of the types ``unfit`` are not named: they cannot be what is asked for. With ``topics``, what the
        question names, what leads to an entity that is no candidate begins at one of them; and what is asked about is
        not named, unless it is one of several.

        With ``tokenize``, text that must follow as it is, such as the rest of a name, is cut in that way alone: a model
        has nothing to decide there, and reads all of it at once.
        """
        self._vocabulary, self._ends, self._tokenize = vocabulary, sorted(ends), tokenize
        self._names = list(sayable(prompt, topics=topics, unfit=unfit))
        self._shown = prompt.passages
        self._words = [Words(one.text, at) for at, one in enumerate(prompt.passages, start=1)]
        self._roots: dict[object, _Node] = {}
        start = frozenset({_Thread((), self._root(()))})
        self._begun: dict[tuple[int, ...], _Threads] = {(): start}

    @property
    def empty(self) -> bool:
        """Whether there is nothing to say."""
        return not self._names and not any(words.furthest for words in self._words)

    def allowed(self, tokens: Sequence[int]) -> list[int]:
        """The tokens that may come next (`fusion.language.Allowed`), in ascending order."""
        assert self._vocabulary is not None
        threads = self._after(tuple(tokens))
        if (sole := self._sole(threads, self._vocabulary)) is not None:
            return [sole]
        found = self._ends if any(map(self._complete, threads)) else []
        return sorted({*found, *self._next(threads, self._vocabulary)})

    def read(self, tokens: Sequence[int], *, ended: bool = True) -> tuple[Said, ...] | None:
        """What was said by these tokens, nothing for "none"; None if the grammar has no such text.

        Of a text that was not ended, what was said in whole.
        """
        assert self._vocabulary is not None
        return self.parse(b"".join(map(self._vocabulary.text, tokens)), ended=ended)

    def parse(self, text: bytes, *, ended: bool = True) -> tuple[Said, ...] | None:
        """The same for bytes: " " and what `written` gives."""
        threads: _Threads = self._begun[()]
        for byte in text:
            threads = self._step(threads).get(byte, frozenset())
        read = sorted(one.said for one in threads if one.said and (not ended or self._complete(one)))
        if not read:
            return None
        best = read[0]
        return tuple(self._meant(key) for key in best if key != _Key())

    def meant(self, name: str, numbers: Collection[int]) -> Said | None:
        """What a name means for which these facts are given: the longest way to it that they hold; None without one.

        A date or a number may be written otherwise, so long as it is the same (`same_value`).
        """
        for text_fits in (str.__eq__, same_value):
            fitting = [
                one for one in self._names if {*one.claim.facts} <= {*numbers} and text_fits(one.claim.text, name)
            ]
            if fitting:
                return max(fitting, key=lambda one: len(one.claim.facts))
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that may be said."""
        return tuple(dict.fromkeys(one.claim.text for one in self._names))

    def _meant(self, key: _Key) -> Said:
        if key.passage < 0:
            return self._names[key.name]
        one, words = self._shown[key.passage], self._words[key.passage]
        start, end = words.character[key.start], words.character[key.end]
        claim = Claim(one.text[start:end], passage=key.passage + 1)
        return Said(claim, passage=one, start=one.start + start, end=one.start + end)

    def _after(self, tokens: tuple[int, ...]) -> _Threads:
        """Where a text stands after some tokens; known of all of its beginnings that were asked about."""
        if tokens not in self._begun:
            assert self._vocabulary is not None
            threads = self._after(tokens[:-1])
            for byte in self._vocabulary.text(tokens[-1]):
                threads = self._step(threads).get(byte, frozenset())
            self._begun[tokens] = threads
        return self._begun[tokens]

    def _sole(self, threads: _Threads, vocabulary: Vocabulary) -> int | None:
        """The next token of a text that must follow; None where there is something to decide.

        The last token of such a text is none: with what comes behind it, it may be cut otherwise.
        """
        if self._tokenize is None:
            return None
        text = bytearray()
        while not any(map(self._complete, threads)):
            steps = self._step(threads)
            if len(steps) != 1:
                break
            [(byte, threads)] = steps.items()
            text.append(byte)
        try:
            tokens = self._tokenize(text.decode()).ids
        except UnicodeDecodeError:  # it begins or ends within a character
            return None
        if len(tokens) < 2 or not vocabulary.text(tokens[0]) or not text.startswith(vocabulary.text(tokens[0])):
            return None
        return tokens[0]

    def _next(self, threads: _Threads, vocabulary: Vocabulary) -> Iterator[int]:
        todo = [(threads, b"", vocabulary.whole)]
        while todo:
            here, text, within = todo.pop()
            for byte, there in self._step(here).items():
                longer = text + bytes((byte,))
                first, last = vocabulary.beginning(longer, within)
                token = vocabulary.exactly(longer, (first, last))
                if token is not None:
                    yield token
                    first += 1
                if first < last:
                    todo.append((there, longer, (first, last)))

    def _step(self, threads: _Threads) -> dict[int, _Threads]:
        """Where each byte that may come leads."""
        found: defaultdict[int, set[_Thread]] = defaultdict(set)
        for said, place in threads:
            if isinstance(place, _Node):
                for byte, node in place.onward.items():
                    found[byte].update(self._reached(said, node))
                for number in place.opens:
                    words = self._words[number]
                    for start in words.furthest:
                        found[words.data[start]].add(_Thread(said, _Inside(number, start, start + 1)))
            elif isinstance(place, _Inside):
                words = self._words[place.passage]
                if place.at < words.furthest[place.start]:
                    found[words.data[place.at]].add(_Thread(said, place._replace(at=place.at + 1)))
                if place.at in words.stops:
                    key = _Key(passage=place.passage, start=place.start, end=place.at)
                    found[words.close[0]].add(_Thread(said, _Closing(key, 1)))
            else:
                close, done = self._words[place.key.passage].close, place.done + 1
                if done < len(close):
                    found[close[place.done]].add(_Thread(said, _Closing(place.key, done)))
                else:
                    found[close[place.done]].add(self._ended(said, place.key))
        return {byte: frozenset(there) for byte, there in found.items()}

    def _reached(self, said: tuple[_Key, ...], node: _Node) -> Iterator[_Thread]:
        if node.onward or node.opens:
            yield _Thread(said, node)
        for key in node.ends:
            yield self._ended(said, key)

    def _ended(self, said: tuple[_Key, ...], key: _Key) -> _Thread:
        now = (*said, key)
        return _Thread(now, self._root(now))

    def _complete(self, thread: _Thread) -> bool:
        """Whether the text may end here."""
        return bool(thread.said) and thread.place is self._root(thread.said)

    def _root(self, said: tuple[_Key, ...]) -> _Node:
        """Where a claim begins, after what was said: each entity is named once, and each passage quoted once."""
        names = {self._names[key.name].entity for key in said if key.name >= 0}
        quoted = {key.passage for key in said if key.passage >= 0}
        over = len(said) == CLAIMS or _Key() in said
        mark = over, bool(said), frozenset(names), frozenset(quoted)
        if mark not in self._roots:
            root = self._roots[mark] = _Node()
            if not said:
                root.put(f" {NONE}".encode()).ends.append(_Key())
            if not over:
                between = "; " if said else " "
                for at, one in enumerate(self._names):
                    if one.entity not in names:
                        root.put((between + written([one.claim])).encode()).ends.append(_Key(name=at))
                opens = tuple(at for at, words in enumerate(self._words) if at not in quoted and words.furthest)
                if opens:
                    root.put(f'{between}"'.encode()).opens = opens
        return self._roots[mark]


def sayable(prompt: Prompt, *, topics: Named = NOTHING, unfit: Collection[str] = ()) -> Iterator[Said]:
    """Every entity under each of its names, with the facts of each way to it: those of candidates first."""
    ways: dict[tuple[Entity, tuple[Fact, ...]], None] = {(one.entity, one.path): None for one in prompt.candidates}
    for fact in prompt.facts:
        for id in (fact.subject, fact.object):
            if id in prompt.names and borne(id, (fact,), topics):
                ways[prompt.names[id], (fact,)] = None
    number = {fact.id: at for at, fact in enumerate(prompt.facts, start=1)}
    for entity, path in ways:
        if entity.type in unfit or topics.asked_about(entity.id):
            continue
        numbers = tuple(number[fact.id] for fact in path)
        for name in dict.fromkeys(map(name_shown, (entity.name, *entity.aliases))):
            if name and numbers:
                yield Said(Claim(name, numbers), entity=entity, facts=path)
