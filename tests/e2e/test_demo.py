"""The bundled examples are what they are said to be, and the demo runs on them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kg.ontology import default

ROOT = Path(__file__).parents[2]
FILMS, MEDICAL, TEXTS = (ROOT / "examples" / name for name in ("films", "medical-zh", "llm-zh"))
DATA = Path(os.environ.get("CLEW_DATA", ROOT / "../shared/data"))


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"CLEW_DATA": str(DATA), "CLEW_LANGUAGE_MODEL": "none"}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_there_are_25_questions_and_300_passages_with_ids_of_their_own() -> None:
    questions, passages = rows(FILMS / "questions.jsonl"), rows(FILMS / "passages.jsonl")
    assert (len(questions), len(passages)) == (25, 300)
    assert len({row["id"] for row in questions}) == 25
    assert len({row["id"] for row in passages}) == 300
    assert all(row["title"] and row["text"] for row in passages)


def test_every_question_has_its_passages_and_needs_two_or_more() -> None:
    titles = {row["title"] for row in rows(FILMS / "passages.jsonl")}
    for row in rows(FILMS / "questions.jsonl"):
        assert isinstance(row["supporting"], list)
        assert len(row["supporting"]) >= 2
        assert titles >= set(row["supporting"]), row["question"]


@pytest.mark.parametrize(
    ("module", "folder", "files", "source"),
    [
        ("scripts.select_films", FILMS, ["passages.jsonl", "questions.jsonl"], "MultiHopQA-100/wikihop.json"),
        ("scripts.select_medical_zh", MEDICAL, ["triples.tsv"], "zh-medical-kg-39net/triples_derived.tsv"),
    ],
)
def test_the_rule_gives_the_bundled_files_to_the_byte(
    module: str, folder: Path, files: list[str], source: str, tmp_path: Path
) -> None:
    if not (DATA / source).exists():
        pytest.skip(f"the data to select from is not here: {source} (CLEW_DATA)")
    done = run(module, str(tmp_path))
    assert done.returncode == 0, done.stderr
    for name in files:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (FILMS / "ATTRIBUTION.md", ["Wikipedia", "creativecommons.org/licenses/by-sa", "2WikiMultiHopQA", "HippoRAG"]),
        (MEDICAL / "ATTRIBUTION.md", ["QASystemOnMedicalGraph", "none is stated", "not medical advice"]),
        (TEXTS / "SOURCE.md", ["written for Clew"]),
        (ROOT / "LICENSE", ["Apache License", "Version 2.0"]),
    ],
)
def test_sources_and_licences_are_named(path: Path, words: list[str]) -> None:
    text = path.read_text("utf-8")
    assert [word for word in words if word not in text] == []


def test_the_medical_rows_fit_the_ontology_and_answer_their_questions() -> None:
    header, *lines = (line.split("\t") for line in (MEDICAL / "triples.tsv").read_text("utf-8").splitlines())
    assert header == ["subject", "subject_type", "relation", "object", "object_type"]
    ontology = default()
    assert {line[2] for line in lines} <= ontology.relations.keys()
    assert [found for s, st, r, o, ot in lines if (found := ontology.violation(st, r, ot))] == []
    stated = {(s, r, o) for s, _, r, o, _ in lines}
    for row in rows(MEDICAL / "questions.jsonl"):
        assert isinstance(row["evidence"], list)
        assert {tuple(triple) for triple in row["evidence"]} <= stated
        assert row["answers"]


def test_the_answers_about_language_models_stand_in_the_texts() -> None:
    texts = "".join(path.read_text("utf-8") for path in sorted((TEXTS / "texts").iterdir()))
    for row in rows(TEXTS / "questions.jsonl"):
        assert isinstance(row["answers"], list)
        assert all(answer in texts for answer in row["answers"]), row["question"]


@pytest.mark.slow
def test_the_demo_reads_asks_and_counts() -> None:
    done = run("scripts.demo", "memory:")
    assert done.returncode == 0, done.stderr
    assert "In the graph: 300 documents" in done.stdout
    alone = (ROOT / "README.md").read_text("utf-8").partition("CLEW_LANGUAGE_MODEL=none make demo")[2].partition('"')[2]
    assert right(done.stdout) >= right(alone), "README.md promises more"


def right(text: str) -> int:
    """How many answers a demo's output says are right."""
    found = re.search(r"^Right: (\d+) of 25\.", text, re.MULTILINE)
    assert found is not None, text
    return int(found[1])
