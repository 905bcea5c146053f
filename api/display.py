"""Text for people: safe on any terminal, the same in a pipe, colour only where it is seen.

Whatever comes from documents or questions passes through ``plain``, so nothing in a text can steer the terminal.
"""

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from api.errors import Exit

if TYPE_CHECKING:
    from pydantic import BaseModel

    from fusion.answer import Answer
    from fusion.steps import Step
    from kg.facts import Entity, EntityId, Fact, FactId

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}  # controls, direction marks, lone surrogates, line separators
_JOINERS = {"\u200c", "\u200d"}  # part of words in Persian and Indic scripts, and of emoji
_FANCY = "—→←“”…"
_BOLD, _DIM, _CYAN, _OFF = "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[0m"
_ERASE = "\r\x1b[2K"


def plain(text: str) -> str:
    """One line of visible characters: white space becomes one blank, controls are written as escapes."""
    return "".join(_visible(c) for c in " ".join(text.split()))


def _visible(character: str) -> str:
    if unicodedata.category(character) in _UNSEEN and character not in _JOINERS:
        return f"\\u{ord(character):04x}"
    return character


def plural(count: int, what: str) -> str:
    """A number of things: "1 document", "2,000 documents"."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


class Display:
    """Writes to standard output."""

    def __init__(self, *, colour: bool, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._colour = colour and self._stream.isatty()
        self._unicode = _takes(self._stream, _FANCY)

    def line(self, text: str = "") -> None:
        """Write a line.

        Raises:
            SystemExit: whoever read the output went away.
        """
        try:
            self._stream.write(text + "\n")
        except BrokenPipeError:
            leave_pipe()

    def json(self, shape: "BaseModel") -> None:
        """Write a shape as one JSON document."""
        value = shape.model_dump(mode="json")
        text = json.dumps(value, ensure_ascii=False, indent=2)
        # Where characters cannot be written as they are, JSON's own escapes keep it JSON.
        self.line(text if _takes(self._stream, text) else json.dumps(value, indent=2))

    def watch(self, steps: "Iterable[Step | Answer]") -> None:
        """Write the answer that steps lead to; on a terminal in colour, one dim line shows what a model drafts."""
        from fusion.steps import Given, Linked, Piece

        text = ""
        with self._drafting() as draft:
            for step in steps:
                if isinstance(step, Given):
                    read = plural(len(step.prompt.facts), "fact"), plural(len(step.prompt.passages), "passage")
                    text = ""
                    draft(f"{step.model} reads {' and '.join(read)}")
                elif isinstance(step, Piece):
                    text += step.text
                    if text.strip():
                        draft(text)
                elif not isinstance(step, Linked):
                    draft("")
                    self.answer(step)

    @contextmanager
    def _drafting(self) -> "Iterator[Callable[[str], None]]":
        """What shows passing text: as much of its end as fits on one line, and nothing once it is over."""
        room = shutil.get_terminal_size().columns - 1
        shown = ""

        def draft(text: str) -> None:
            nonlocal shown
            if not self._colour:
                return
            tail = plain(text)
            while _width(tail) > room:
                tail = tail[1 + (_width(tail) - room) // 2 :]
            if tail or shown:
                self._stream.write(_ERASE + (self._style(tail, _DIM) if tail else ""))
                self._stream.flush()
            shown = tail

        try:
            yield draft
        finally:
            draft("")

    def answer(self, answer: "Answer") -> None:
        """Write an answer: the answer, the paths as chains, the quotations with their sources."""
        if answer.abstained:
            self.line(f"No answer: {plain(answer.reason)}")
            for one in answer.candidates:
                about = f": {plain(one.description)}" if one.description else ""
                self.line()
                self.line(f"  {self._name(one.entity.name)} ({plain(one.entity.type)}){about}")
                self.line(self._style(f"    --as {one.entity.id}", _DIM))
        else:
            self.line(self._style(plain(answer.text), _BOLD))
            if answer.reason:
                self.line(f"({plain(answer.reason)})")
        names = answer.names or {}
        for path in answer.paths:
            self.line()
            self.line(f"  {self.chain(path.facts, names, answer.predicted or {})}")
        for citation in answer.citations:
            self.line()
            self.quotation(citation.quote, citation.source, citation.start, citation.end)

    def quotation(self, quote: str, source: str, start: int, end: int) -> None:
        """Write a quotation and where it stands."""
        open, close = ("“", "”") if self._unicode else ('"', '"')
        self.line(f"  {open}{plain(quote)}{close}")
        self.line(self._style(f"    {plain(source)} [{start}:{end}]", _DIM))

    def chain(
        self,
        facts: "Sequence[Fact]",
        names: "Mapping[EntityId, Entity]",
        predicted: "Mapping[FactId, float] | None" = None,
    ) -> str:
        """Facts as a walk: ``A —directed_by→ B —married_to→ C``; a fact walked backwards points back.

        Those that are ``predicted`` are marked as such, with their probabilities.
        """
        if not facts:
            return ""
        here = _start(facts)
        parts = [self._name(names[here].name)]
        for fact in facts:
            if here not in (fact.subject, fact.object):  # the walk breaks off; go on elsewhere
                here = fact.subject
                parts.append(f"; {self._name(names[here].name)}")
            forward = fact.subject == here
            here = fact.object if forward else fact.subject
            parts.append(f" {self.arrow(fact.relation, forward=forward)} {self._name(names[here].name)}")
            if predicted and fact.id in predicted:
                parts.append(f" {self.predicted(predicted[fact.id])}")
        return "".join(parts)

    def predicted(self, probability: float) -> str:
        """What a predicted edge is marked with."""
        return self._style(f"(predicted, {probability:.2f}, not in any document)", _DIM)

    def arrow(self, relation: str, *, forward: bool = True) -> str:
        """A relation as an arrow."""
        dash, right, left = ("—", "→", "←") if self._unicode else ("-", "->", "<-")
        name = self._style(plain(relation), _CYAN)
        return f"{dash}{name}{right}" if forward else f"{left}{name}{dash}"

    def columns(self, rows: Iterable[Sequence[str]], *, indent: int = 0) -> None:
        """Write rows as columns, two blanks apart."""
        table = [[plain(cell) for cell in row] for row in rows]
        if not table:
            return
        widths = [max(_width(row[i]) for row in table) for i in range(len(table[0]))]
        for row in table:
            padded = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
            self.line(" " * indent + "  ".join(padded).rstrip())

    def heading(self, text: str) -> None:
        """Write a heading."""
        self.line(self._style(plain(text), _BOLD))

    def _name(self, name: str) -> str:
        return self._style(plain(name), _BOLD)

    def _style(self, text: str, code: str) -> str:
        return f"{code}{text}{_OFF}" if self._colour else text


def note(text: str) -> None:
    """Write a line to standard error, where it does not mix with results."""
    try:
        print(plain(text), file=sys.stderr, flush=True)
    except BrokenPipeError:
        leave_pipe()


def leave_pipe() -> None:
    """End quietly when whoever read the output has gone, as `head` does after its lines.

    Raises:
        SystemExit: always.
    """
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())  # what is still buffered goes nowhere instead of raising at exit
    raise SystemExit(Exit.PIPE)


def _start(facts: "Sequence[Fact]") -> "EntityId":
    first = facts[0]
    if len(facts) > 1:
        then = {facts[1].subject, facts[1].object}
        if first.subject in then and first.object not in then:
            return first.object
    return first.subject


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)


def _takes(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
