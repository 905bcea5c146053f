"""The whole way through the real command line, on the embedded store: read, ask, delete, export, and bad input."""

import json
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from api.errors import Exit
from tests.e2e.conftest import CLEW, Clew, made

FILM = "Radioactive is a 2019 British film directed by Marjane Satrapi. It stars Rosamund Pike.\n"
DIRECTOR = "Marjane Satrapi is a film director. She is married to Mattias Ripa. Satrapi was born in Rasht.\n"
QUESTION = "Who is the spouse of the director of Radioactive?"
ROWS = [
    {"title": "Free Guy", "text": "Free Guy is a 2021 American film directed by Shawn Levy."},
    {"title": "Shawn Levy", "text": "Shawn Levy is a Canadian film director. He was born in Montreal."},
]


def write(clew: Clew, **files: str) -> None:
    for name, text in files.items():
        (clew.folder / name.replace("__", ".")).write_text(text, "utf-8")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Clew:
    """A graph of two texts; a test that changes it changes it back."""
    clew = made(tmp_path_factory.mktemp("filled"), cache)
    write(clew, film__txt=FILM, director__md=DIRECTOR)
    clew.out("ingest", "film.txt", "director.md")
    return clew


def test_read_ask_delete_export(clew: Clew) -> None:
    write(clew, film__txt=FILM, director__md=DIRECTOR)
    counts = json.loads(clew.out("ingest", "film.txt", "director.md", "--json"))
    assert (counts["new"], counts["unreadable"]) == (2, [])
    again = json.loads(clew.out("ingest", "film.txt", "director.md", "--json"))
    assert (again["new"], again["unchanged"]) == (0, 2)

    answer = json.loads(clew.out("ask", QUESTION, "--json"))
    assert answer.keys() >= {"question", "answer", "abstained", "confidence", "entities", "paths", "citations"}
    assert answer["answer"] == "Mattias Ripa"
    assert not answer["abstained"]
    assert [step["relation"] for step in answer["paths"][0]] == ["directed_by", "married_to"]
    for citation in answer["citations"]:
        text = (clew.folder / citation["document"]).read_text("utf-8")
        assert text[citation["start"] : citation["end"]] == citation["quote"]

    told = clew.out("ask", QUESTION).splitlines()
    assert told[0] == "Mattias Ripa"
    assert "—directed_by→ Marjane Satrapi" in told[2]

    before = clew.out("export")
    row = "".join(f"{json.dumps(one)}\n" for one in ROWS)
    write(clew, more__jsonl=row)
    clew.out("ingest", "more.jsonl")
    assert json.loads(clew.out("stats", "--json"))["documents"] == 4
    assert clew.out("export") != before
    refused = clew.run("delete", "more.jsonl")
    assert refused.returncode == Exit.USAGE
    assert b"--yes" in refused.stderr
    assert len(json.loads(clew.out("delete", "more.jsonl", "--yes", "--json"))["deleted"]) == 2
    assert clew.out("export") == before

    clew.out("delete", "director.md")
    assert json.loads(clew.out("ask", QUESTION, "--json"))["abstained"]


def test_a_changed_file_replaces_what_it_said(filled: Clew) -> None:
    before = filled.out("export")
    write(filled, film__txt=FILM.replace("Marjane Satrapi", "Jane Doe"))
    assert json.loads(filled.out("ingest", "film.txt", "--json"))["changed"] == 1
    changed = filled.out("export")
    assert "Jane Doe" in changed
    filled.out("ingest", "film.txt", "director.md", "--store", "embedded:fresh")
    assert filled.out("export", "--store", "embedded:fresh") == changed
    write(filled, film__txt=FILM)
    filled.out("ingest", "film.txt")
    assert filled.out("export") == before


def test_standard_input_has_a_name(clew: Clew) -> None:
    clew.out("ingest", "-", "--name", "note", input=FILM.encode())
    assert [one["source"] for one in json.loads(clew.out("documents", "--json"))["documents"]] == ["note"]


def test_an_entity_is_shown_with_what_is_said_of_it(filled: Clew) -> None:
    told = filled.out("show", "marjane satrapi")
    assert "Marjane Satrapi (Person)" in told
    assert "—married_to→ Mattias Ripa" in told
    assert "director.md" in told
    assert json.loads(filled.out("show", "Marjane Satrapi", "--json"))["entities"][0]["entity"]["type"] == "Person"


def test_passages_are_found(filled: Clew) -> None:
    assert "film.txt" in filled.out("search", "Rosamund Pike", "--limit", "1")


def test_every_export_goes_to_a_file_as_to_standard_output(filled: Clew) -> None:
    for name in ("jsonl", "graphml", "turtle"):
        printed = filled.out("export", "--format", name)
        assert printed
        filled.out("export", "--format", name, "--output", f"graph.{name}")
        assert (filled.folder / f"graph.{name}").read_text("utf-8") == printed
    refused = filled.run("export", "--output", "nowhere/graph.jsonl")
    assert (refused.returncode, refused.stderr.count(b"\n")) == (Exit.INCOMPLETE, 1)


def test_the_doctor_finds_this_installation_well(clew: Clew) -> None:
    found = json.loads(clew.out("doctor", "--json"))
    assert found["ok"], found
    assert {"encoder", "english", "chinese", "store"} <= {check["name"] for check in found["checks"]}
    missing = clew.run("doctor", CLEW_EMBEDDER="nowhere")
    assert missing.returncode == Exit.INCOMPLETE
    assert b"nowhere" in missing.stdout
    assert b"Traceback" not in missing.stderr


def test_imported_triples_are_facts_that_can_be_asked_for_and_taken_back(filled: Clew) -> None:
    before = filled.out("export")
    lines = "subject\trelation\tobject\tsubject_type\tobject_type\n糖尿病\tsymptom\t多饮\tDisease\tSymptom\n"
    (filled.folder / "kg.tsv").write_text(lines, "utf-8")
    assert json.loads(filled.out("import", "kg.tsv", "--json"))["files"][0]["triples"] == 1
    exported = filled.out("export")
    assert exported != before
    filled.out("import", "kg.tsv")
    assert filled.out("export") == exported
    assert "多饮" in filled.out("show", "糖尿病")
    filled.out("delete", "kg.tsv")
    assert filled.out("export") == before


def test_lines_that_are_no_triples_are_named_and_the_others_imported(clew: Clew) -> None:
    write(clew, bad__tsv="a\tknows\tb\nonly two\tcolumns\nc\tknows\td\n", empty__tsv="")
    done = clew.run("import", "bad.tsv", "empty.tsv", "missing.ttl", "--json")
    assert done.returncode == Exit.INCOMPLETE
    found = json.loads(done.stdout)
    assert found["files"] == [{"source": "bad.tsv", "triples": 2, "unreadable_lines": 1}]
    assert [one["source"] for one in found["unreadable"]] == ["empty.tsv", "missing.ttl"]
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 3
    assert "bad.tsv: line 2" in lines[0]


# -- bad input ----------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_named_and_everything_else_is_read(clew: Clew) -> None:
    write(clew, good__txt=FILM, empty__txt="", rows__jsonl=f'{json.dumps(ROWS[0])}\n{{"title": oops\n')
    (clew.folder / "noise.bin").write_bytes(bytes(range(256)) * 40)
    (clew.folder / "broken.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    (clew.folder / "cut.docx").write_bytes(b"PK\x03\x04 not a document")
    names = ["good.txt", "empty.txt", "missing.txt", "rows.jsonl", "noise.bin", "broken.pdf", "cut.docx"]
    done = clew.run("ingest", *names, "--json")
    counts = json.loads(done.stdout)
    assert done.returncode == Exit.INCOMPLETE
    assert counts["new"] == 2
    lines = done.stderr.decode().splitlines()
    assert len(lines) == len(counts["unreadable"]) == 6
    for name in names[1:]:
        assert sum(line.startswith("clew: ") and name in line for line in lines) == 1, lines
    assert json.loads(clew.out("stats", "--json"))["documents"] == 2


def test_a_wrong_encoding_is_said_so(clew: Clew) -> None:
    (clew.folder / "zh.txt").write_bytes("克里斯托弗·诺兰是一位英国导演。".encode("gb18030"))
    done = clew.run("ingest", "zh.txt", "--encoding", "utf-8")
    assert done.returncode == Exit.INCOMPLETE
    assert b"zh.txt" in done.stderr
    assert clew.run("ingest", "zh.txt", "--encoding", "klingon").returncode != 0
    clew.out("ingest", "zh.txt")


NASTY = [
    "x'}) DETACH DELETE n //",
    'quote " and `tick`',
    "two\nlines",
    "emoji 👩‍🔬🎬",
    "مرحبا \u202eevil",
    "[bold red]markup[/]",
    "糖尿病",
    "\\u0041 {}${0}%s",
]


def test_names_are_data_whatever_they_look_like(clew: Clew) -> None:
    rows = [{"title": name, "text": f"{name} is a 2019 film directed by Jane Doe."} for name in NASTY]
    (clew.folder / "nasty.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    assert json.loads(clew.out("ingest", "nasty.jsonl", "--json"))["new"] == len(NASTY)
    for name in NASTY[::3]:
        assert json.loads(clew.out("ask", f"Who directed {name}?", "--json"))["question"] == f"Who directed {name}?"
    assert json.loads(clew.out("stats", "--json"))["documents"] == len(NASTY)
    told = clew.run("ask", "Who directed [bold red]markup[/]?")
    assert told.returncode == 0
    assert b"\x1b" not in told.stdout


def test_output_that_cannot_take_the_letters_gets_escapes(filled: Clew) -> None:
    told = filled.run("ask", QUESTION, PYTHONIOENCODING="ascii")
    assert told.returncode == 0
    assert b"-directed_by->" in told.stdout
    assert told.stdout.isascii()
    found = filled.run("ask", QUESTION, "--json", PYTHONIOENCODING="latin-1")
    assert json.loads(found.stdout)["answer"] == "Mattias Ripa"


def test_a_reader_that_goes_away_is_no_error(filled: Clew) -> None:
    command = f"'{CLEW}' export | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=filled.folder, env=filled.environment, capture_output=True, timeout=60
    )
    assert done.returncode in (Exit.DONE, Exit.PIPE)
    assert done.stderr == b""


def test_an_interrupted_ingest_goes_on_where_it_stopped(clew: Clew) -> None:
    write(clew, film__txt=FILM, director__md=DIRECTOR)
    process = clew.start("ingest", "film.txt", "director.md")
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (Exit.INTERRUPTED, Exit.DONE)
    assert b"Traceback" not in errors
    clew.out("ingest", "film.txt", "director.md")
    assert json.loads(clew.out("stats", "--json"))["documents"] == 2


# -- serving ------------------------------------------------------------------------------------------------------


def test_the_service_and_the_command_line_share_a_graph(filled: Clew) -> None:
    port = str(free_port())
    process = filled.start("serve", "--port", port)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/health", process)
        request = urllib.request.Request(
            f"{address}/ask",
            data=json.dumps({"question": QUESTION}).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            served = json.load(response)
        assert served == json.loads(filled.out("ask", QUESTION, "--json"))
        second = filled.run("serve", "--port", port)
        assert second.returncode == Exit.USAGE
        assert port.encode() in second.stderr
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()
    assert b"Traceback" not in errors


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert process.poll() is None, "the service ended"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {address}")
