"""What people see: safe on any terminal, readable in a pipe."""

import io
import json
import re
from collections.abc import Iterator

import pytest

from api.display import Display, plain
from api.schemas import Step
from fusion.answer import Answer, Citation
from fusion.prompt import Prompt
from fusion.steps import Given, Linked, Piece
from fusion.steps import Step as Step_
from kg.errors import StoreError
from kg.facts import DocumentId, Entity, Fact, Path

FILM = Entity("Film", "Radioactive")
DIRECTOR = Entity("Person", "Marjane Satrapi")
SPOUSE = Entity("Person", "Mattias Ripa")
NAMES = {entity.id: entity for entity in (FILM, DIRECTOR, SPOUSE)}
DIRECTED = Fact(FILM.id, "directed_by", DIRECTOR.id)
MARRIED = Fact(SPOUSE.id, "married_to", DIRECTOR.id)


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def pipe(encoding: str = "utf-8") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace", write_through=True)


def written(stream: io.TextIOWrapper) -> str:
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(stream.encoding)


def answer(**changes: object) -> Answer:
    quote = "Radioactive is a film\ndirected by Marjane Satrapi."
    given: dict[str, object] = {
        "question": "Who is the spouse of the director of Radioactive?",
        "text": "Mattias Ripa",
        "confidence": 0.9,
        "entities": (SPOUSE,),
        "paths": (Path((DIRECTED, MARRIED)),),
        "citations": (Citation(DocumentId("d"), "films.txt", 0, len(quote), quote),),
        "names": NAMES,
    }
    return Answer(**(given | changes))  # type: ignore[arg-type]


def test_an_answer_is_followed_by_its_thread() -> None:
    stream = pipe()
    Display(colour=True, stream=stream).answer(answer())
    assert written(stream).splitlines() == [
        "Mattias Ripa",
        "",
        "  Radioactive —directed_by→ Marjane Satrapi ←married_to— Mattias Ripa",
        "",
        "  “Radioactive is a film directed by Marjane Satrapi.”",
        "    films.txt [0:50]",
    ]


def test_an_abstention_says_why() -> None:
    stream = pipe()
    Display(colour=False, stream=stream).answer(
        answer(text="", abstained=True, reason="nothing is known of X", paths=(), citations=())
    )
    assert written(stream) == "No answer: nothing is known of X\n"


def test_a_walk_starts_at_the_far_end_of_its_first_fact() -> None:
    display = Display(colour=False, stream=pipe())
    assert display.chain((MARRIED, DIRECTED), NAMES) == (
        "Mattias Ripa —married_to→ Marjane Satrapi ←directed_by— Radioactive"
    )
    assert display.chain((DIRECTED,), NAMES) == "Radioactive —directed_by→ Marjane Satrapi"
    assert display.chain((), NAMES) == ""


def test_facts_that_do_not_join_are_still_shown() -> None:
    other = Fact(SPOUSE.id, "born_in", FILM.id)
    chain = Display(colour=False, stream=pipe()).chain((DIRECTED, Fact(SPOUSE.id, "likes", SPOUSE.id), other), NAMES)
    assert chain.startswith("Radioactive —directed_by→ Marjane Satrapi; Mattias Ripa —likes→")


def test_a_terminal_without_arrows_gets_ascii() -> None:
    stream = pipe("ascii")
    Display(colour=False, stream=stream).answer(answer(text="Zoë"))
    lines = written(stream).splitlines()
    assert lines[0] == "Zo\\xeb"
    assert lines[2] == "  Radioactive -directed_by-> Marjane Satrapi <-married_to- Mattias Ripa"
    assert lines[4].startswith('  "Radioactive')


def test_json_stays_json_where_letters_cannot_be_written() -> None:
    for encoding in ("ascii", "latin-1", "utf-8", "gbk"):
        stream = pipe(encoding)
        Display(colour=False, stream=stream).json(Step(subject="Zoë 糖尿病 🎬", relation="r", object="o"))
        assert json.loads(written(stream))["subject"] == "Zoë 糖尿病 🎬"


def test_colour_is_for_terminals_that_want_it() -> None:
    def shown(stream: io.TextIOWrapper, *, colour: bool) -> str:
        Display(colour=colour, stream=stream).answer(answer())
        return written(stream)

    assert "\x1b[" in shown(Terminal(io.BytesIO(), encoding="utf-8", write_through=True), colour=True)
    assert "\x1b[" not in shown(Terminal(io.BytesIO(), encoding="utf-8", write_through=True), colour=False)
    assert "\x1b[" not in shown(pipe(), colour=True)


def test_texts_cannot_steer_the_terminal() -> None:
    assert plain("a\x1b[31mred\x07") == "a\\u001b[31mred\\u0007"
    assert plain("evil\u202etxt.exe") == "evil\\u202etxt.exe"
    assert plain("two\nlines\r\n\tand  blanks") == "two lines and blanks"
    assert plain("lone \udcff") == "lone \\udcff"
    assert plain("[bold]not markup[/bold]") == "[bold]not markup[/bold]"
    assert plain("👩‍🔬 می‌خواهم 糖尿病 Zoë") == "👩‍🔬 می‌خواهم 糖尿病 Zoë"


def test_columns_line_up_whatever_the_script() -> None:
    stream = pipe()
    Display(colour=False, stream=stream).columns([("糖尿病", "1"), ("Person", "22"), ("é", "3")])
    assert written(stream).splitlines() == ["糖尿病  1", "Person  22", "é       3"]


# -- a draft ------------------------------------------------------------------------------------------------------


def steps(*pieces: str) -> Iterator[Step_ | Answer]:
    prompt = Prompt("", "", (DIRECTED,), (), (), NAMES, 0)
    yield Linked(())
    yield Given("a model", prompt)
    yield from map(Piece, pieces)
    yield answer()


def plainly() -> str:
    stream = pipe()
    Display(colour=True, stream=stream).answer(answer())
    return written(stream)


def test_what_is_drafted_is_one_line_that_goes() -> None:
    stream = Terminal(io.BytesIO(), encoding="utf-8", write_through=True)
    Display(colour=True, stream=stream).watch(steps(" Mattias", " Ripa [1]", "\x1b[31mred\n"))
    drafts, _, shown = written(stream).rpartition("\r\x1b[2K")
    frames = drafts.split("\r\x1b[2K")
    assert frames[1:4] == [
        "\x1b[2ma model reads 1 fact and 0 passages\x1b[0m",
        "\x1b[2mMattias\x1b[0m",
        "\x1b[2mMattias Ripa [1]\x1b[0m",
    ]
    assert frames[4] == "\x1b[2mMattias Ripa [1]\\u001b[31mred\x1b[0m"
    assert re.sub(r"\x1b\[\d+m", "", shown) == plainly()


def test_a_draft_stays_on_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal(io.BytesIO(), encoding="utf-8", write_through=True)
    Display(colour=True, stream=stream).watch(steps("多饮、" * 50, "x" * 50))
    frames = re.findall(r"\x1b\[2m(.*?)\x1b\[0m", written(stream).rpartition("\r\x1b[2K")[0])
    assert frames
    for frame in frames:
        assert sum(2 if ord(sign) > 0x2000 else 1 for sign in frame) <= 19


@pytest.mark.parametrize("colour", [True, False])
def test_nothing_is_drafted_where_nobody_sees_it(colour: bool) -> None:
    stream = pipe() if colour else Terminal(io.BytesIO(), encoding="utf-8", write_through=True)
    Display(colour=colour, stream=stream).watch(steps("Mattias"))
    assert written(stream) == plainly()


def test_a_draft_goes_also_where_it_comes_to_nothing() -> None:
    def fails() -> Iterator[Step_ | Answer]:
        yield Piece("Mattias")
        raise StoreError("the store is gone")

    stream = Terminal(io.BytesIO(), encoding="utf-8", write_through=True)
    with pytest.raises(StoreError):
        Display(colour=True, stream=stream).watch(fails())
    assert written(stream).endswith("\r\x1b[2K")
