"""The pages of benchmarks say what the rows say."""

import json

import pytest

from benchmarks import rows, tables

ROW = {
    "data": "some | data",
    "split": "test",
    "system": "Clew",
    "measure": "recall@5",
    "value": 0.875,
    "unit": "",
    "seeds": [],
    "seconds": 1.0,
    "command": "python -m benchmarks.retrieval",
}


def test_the_page_is_made_from_the_rows() -> None:
    assert tables.PAGE.read_text("utf-8") == tables.page(tables.read()), "run `make tables`"


@pytest.mark.parametrize("path", [path for path in tables.READMES if path.exists()], ids=lambda path: path.name)
def test_the_readme_is_made_from_the_rows(path) -> None:
    text = path.read_text("utf-8")
    assert tables.readme(text, tables.read()) == text, "run `make tables`"


def test_every_row_is_whole() -> None:
    for name, found in tables.read().items():
        for row in found:
            assert tuple(row) == rows.ORDER, name
            assert row["command"].startswith("python -m benchmarks."), name


def test_rows_are_written_with_machine_and_commit(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(rows, "RESULTS", tmp_path)
    [row] = json.loads(rows.write_rows("retrieval", [ROW]).read_text("utf-8"))
    assert row["machine"].endswith("cores")
    assert row["commit"]
    assert "recall@5: 0.875" in capsys.readouterr().out


def test_rows_take_the_place_of_those_before(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(rows, "RESULTS", tmp_path)
    rows.write_rows("retrieval", [ROW, {**ROW, "measure": "other"}, {**ROW, "command": "python -m benchmarks.other"}])
    again = {**ROW, "value": 0.5}
    path = rows.merge_rows("retrieval", [again])
    assert [(row["command"], row["value"]) for row in json.loads(path.read_text("utf-8"))] == [
        ("python -m benchmarks.other", ROW["value"]),
        (ROW["command"], 0.5),
    ]
    rows.merge_rows("retrieval", [{**again, "value": 0.25}], by=("data", "system", "measure"))
    assert [row["value"] for row in json.loads(path.read_text("utf-8"))] == [0.25]


def test_a_row_that_lacks_something_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(rows, "RESULTS", tmp_path)
    with pytest.raises(ValueError, match="seconds"):
        rows.write_rows("retrieval", [{key: value for key, value in ROW.items() if key != "seconds"}])


def test_an_ablation_tells_where_the_whole_is_not_ahead() -> None:
    def row(system: str, measure: str, value: float, split: str = "100 test questions") -> dict[str, object]:
        made = {"machine": "2 cores", "commit": "abc"}
        return {**ROW, **made, "system": system, "measure": measure, "value": value, "unit": "%", "split": split}

    found = [
        row("plain RAG", "Hits@1", 20.0),
        row("plain RAG", "answered", 99.0),
        row(tables.WHOLE, "Hits@1", 19.5),
        row(tables.WHOLE, "answered", 60.0),
        row(tables.WHOLE, "abstention F1", 80.0, "90 test questions"),
    ]
    text = tables.page({"fusion": found})
    assert "| plain RAG | 20 % | 99 % |  |" in text
    assert f"| {tables.WHOLE} | 19.5 % | 60 % | 80 % |" in text
    assert "Not ahead of every part: Hits@1: 20 % of plain RAG, 19.5 % of all fused.\n" in text
    ahead = [row("plain RAG", "Hits@1", 20.0), row(tables.WHOLE, "Hits@1", 21.0)]
    assert "Not ahead" not in tables.page({"fusion": ahead})


def test_the_readme_changes_between_its_markers_alone() -> None:
    text = f"above\n{tables.BEGIN}\nold\n{tables.END}\nbelow\n"
    new = tables.readme(text, {"retrieval": [ROW]})
    assert new.startswith("above\n")
    assert new.endswith("below\n")
    assert "old" not in new
    assert "some \\| data" in new
    assert tables.readme("no markers", {"retrieval": [ROW]}) == "no markers"
