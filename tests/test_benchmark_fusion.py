"""How benchmarks/fusion.py asks and counts: every variant on a small graph, what is kept, and what is withheld."""

import json
from argparse import Namespace
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import fusion as benchmark
from benchmarks import question_sets
from benchmarks.fusion import Ground, Kept, _measured, ask, compared, marks, memory, models, passed_over, taught_by
from benchmarks.fusion_examples import apart
from benchmarks.fusion_rows import PARTS, f1_of_names, is_right, measures, rows_of
from benchmarks.fusion_variants import ADAPTED, SHOTS, VARIANTS, Bench, Reply, _bare, _context, _items
from benchmarks.question_sets import QuestionSet
from fusion import adapter
from fusion.answerer import Answerer
from fusion.claims import NONE, Claim
from fusion.decode import Said
from fusion.evaluate import Question
from fusion.language import open_model
from fusion.model import FusedConfig, FusedModel
from fusion.prompt import Shown
from fusion.trace import Passage
from fusion.tuning.curriculum import KINDS, Made, Posed
from fusion.tuning.examples import Example
from nlp.embed import MiniLM
from tests.fusion import tiny_model

FACTS = "\n".join(
    f"{subject}\t{relation}\t{object}"
    for subject, relation, object in (
        ("Free Guy", "directed_by", "Shawn Levy"),
        ("Night at the Museum", "directed_by", "Shawn Levy"),
        ("Forbidden Ground", "directed_by", "Johan Earl"),
        ("Shawn Levy", "born_in", "Montreal"),
        ("Johan Earl", "born_in", "Sydney"),
    )
)
TEST = (
    Question("Who directed Free Guy?", ("Shawn Levy",), topic="Free Guy"),
    Question("Where was Johan Earl born?", ("Sydney",), topic="Johan Earl"),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model.write(tmp_path_factory.mktemp("model"), context=2048))


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    folder = tmp_path_factory.mktemp("set")
    (folder / "facts.tsv").write_text(FACTS, "utf-8")

    def fill(services) -> None:
        services.ingestor.import_file(question_sets.TripleFile(folder / "facts.tsv").__iter__)

    with pytest.MonkeyPatch.context() as patch:  # what a planner answers is shown elsewhere
        patch.setattr(benchmark, "learn", lambda *given, **options: None)
        return Ground(QuestionSet("films", "Films", "names", fill, TEST, hops=1), folder / "planner")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, model: str) -> Path:
    """An adapter that learned nothing."""
    folder = tmp_path_factory.mktemp("adapter")
    embedder = MiniLM(threads=1)
    fused = FusedModel(
        open_model(model, device="cpu"), FusedConfig(rank=2, width=16), encoder=embedder.name, text_width=384
    )
    adapter.save(fused, folder, adapter.Trained())
    return folder


@pytest.fixture(scope="module")
def bench(ground: Ground, model: str, trained: Path) -> Bench:
    return ground.bench(
        ground.services.store, models(ground, VARIANTS, adapted=trained, plain=trained, address=model), VARIANTS
    )


def test_every_variant_answers_every_question(bench: Bench) -> None:
    for question in TEST:
        replies = bench.ask(question, VARIANTS, first=True)
        assert {*replies} == {*VARIANTS}
        for variant in ("reasoner", "fused"):  # the graph is sure of both
            assert is_right(question, replies[variant])
            assert replies[variant].borne == replies[variant].evidence == 1.0
        assert all(reply.milliseconds > 0 for reply in replies.values())
        assert all(replies[variant].first > 0 for variant in ("alone", "text", "facts", *ADAPTED, "held"))
        assert replies["checked"].abstained or replies["checked"].borne == 1.0
        assert replies["text"].evidence == replies["facts"].evidence == 1.0
        assert replies["alone"].evidence == 0.0


def test_answers_are_kept_and_not_asked_for_again(bench: Bench, tmp_path, monkeypatch) -> None:
    asked = list(enumerate(TEST))
    same = dict.fromkeys(VARIANTS, "mark")
    kept = Kept(tmp_path, same)
    first = ask(bench, PARTS[0], asked[:1], ["reasoner", "held"], kept)
    with (tmp_path / "held-answerable-mark.jsonl").open("a") as file:
        file.write('{"question": 1, "te')  # it ended in the middle of a line
    whole = ask(bench, PARTS[0], asked, ["reasoner", "held"], kept)
    assert whole["held", PARTS[0]][0] == first["held", PARTS[0]][0]
    assert {*whole["held", PARTS[0]]} == {0, 1}
    monkeypatch.setattr(Bench, "ask", lambda *given, **options: pytest.fail("asked again"))
    again = ask(bench, PARTS[0], asked, ["reasoner", "held"], Kept(tmp_path, same))
    assert again == whole
    assert Kept(tmp_path, same | {"held": "other"}).read("held", PARTS[0]) == {}


def test_an_answer_is_kept_by_what_it_comes_of(ground: Ground, trained: Path) -> None:
    without, with_one, other = (
        marks(None, None, "", ground),
        marks(trained, None, "", ground),
        marks(None, None, "file:other", ground),
    )
    changed = {variant for variant in VARIANTS if with_one[variant] != without[variant]}
    assert changed == {"soft", "held", "checked", "fused"}
    assert marks(trained, trained, "", ground) == with_one | {"tuned": with_one["soft"]}
    assert not {*other.values()} & {*without.values()}


def test_what_answers_is_withheld(ground: Ground, model: str) -> None:
    unknown = Question("Where was Nobody born?", ("Atlantis",), topic="Nobody")
    found = ground.without([(0, TEST[0]), (3, unknown), (5, TEST[1])])
    assert found is not None
    rest, withheld = found
    assert withheld == [(0, TEST[0]), (5, TEST[1])]  # of the third, nothing is known that answers it
    assert ground.without([(3, unknown)]) is None
    left = {fact.relation for fact in rest.all_facts()}
    assert left == {"directed_by", "born_in"}
    answers = {fact.object for fact in rest.all_facts()}
    names = {entity.name for entity in rest.entities(answers)}
    assert names == {"Montreal", "Johan Earl", "Shawn Levy"}  # of another film
    replies = ground.bench(rest, models(ground, VARIANTS, address=model), ["reasoner"]).ask(TEST[1], ["reasoner"])
    assert replies["reasoner"].abstained


def test_the_rows(ground: Ground) -> None:
    right, wrong, nothing = (
        Reply("Shawn Levy", (("Shawn Levy",),), 0.9, 1.0, 1.0, 10.0),
        Reply("Oslo", (("Oslo",),), 0.5, 0.0, 0.0, 30.0, 5.0),
        Reply(milliseconds=20.0),
    )
    answers = {("held", PARTS[0]): {0: right, 1: wrong}, ("held", PARTS[1]): {0: nothing, 1: wrong}}
    asked = list(enumerate(TEST))
    rows = list(rows_of(ground.found, asked, asked, answers, "command"))
    found = {row["measure"]: row["value"] for row in rows}
    assert found == {
        "Hits@1": 50.0,
        "F1 of names": 50.0,
        "answered": 100.0,
        "right among answered": 50.0,
        "calibration error": 30.0,
        "borne out by graph or sources": 50.0,
        "evidence recall": 50.0,
        "answer p50": 20.0,
        "answer p95": 29.0,
        "first token p50": 5.0,
        "abstention precision": 100.0,
        "abstention recall": 50.0,
        "abstention F1": 66.67,
    }
    assert {row["system"] for row in rows} == {"+ constrained decoding"}
    rows = list(rows_of(ground.found, asked, asked[:1], answers, "command"))  # of the other, nothing was withheld
    told = [(row["measure"], row["value"]) for row in rows if row["split"].startswith("1 test questions, with and")]
    assert told == [("abstention precision", 100.0), ("abstention recall", 100.0), ("abstention F1", 100.0)]
    assert {"exact match", "F1 of words", "right, by any name"} <= measures("text", TEST, [right, wrong]).keys()
    assert {"F1 of words", "ROUGE-L"} <= measures("long", TEST, [right, wrong]).keys()


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("Shawn Levy", [("Shawn Levy", "Shawn Levy")]),
        ("Ann, Bob; Cy.", [("Ann, Bob; Cy", "Ann"), ("Bob",), ("Cy",)]),
        ('"Oslo" (3); Ann [1][2]', [("Oslo; Ann", "Oslo"), ("Ann",)]),
        ("none", []),
        ("I don't know.", []),
        ("", []),
    ],
)
def test_what_a_text_names(text: str, items: list[tuple[str, ...]]) -> None:
    assert _items(text) == tuple(items)


def test_what_is_scored_is_the_text_once() -> None:
    """Replies as they really come: the first thing is named by the whole text, too."""
    gold = Question("Who?", ("Ann Lee; Bob",))
    for text in ("Ann Lee; Bob", "Ann Lee [1]; Bob [2][3]."):
        found = measures("long", [gold], [Reply(_bare(text), _items(text))])
        assert (found["exact match"][0], found["F1 of words"][0], found["ROUGE-L"][0]) == (100.0, 100.0, 100.0)
    nothing = measures("text", [gold], [Reply("none", _items("none"))])
    assert nothing["F1 of words"][0] == nothing["exact match"][0] == 0.0


def test_parts_of_a_text_are_looked_up_one_by_one(bench: Bench) -> None:
    assert bench._borne(_items("Shawn Levy, Oslo"), "") == 0.5
    assert bench._borne(_items("Oslo, Shawn Levy"), "Passages:\n(1) Oslo is far.\n\nQuestion: Who?") == 1.0
    assert bench._borne(_items("Oslo, Rome"), "\nQuestion: Is Oslo nearer than Rome?") == 0.0


def test_what_is_said_is_looked_up(ground: Ground, bench: Bench, model: str) -> None:
    store = ground.services.store
    sydney = store.find_entities({"sydney"})
    said = Said(Claim("Sydney", (1,)), sydney[0], tuple(store.facts([sydney[0].id])))
    assert said.facts
    assert bench._has(said)
    found = ground.without(list(enumerate(TEST)))
    assert found is not None
    assert not ground.bench(found[0], models(ground, VARIANTS, address=model), ["held"])._has(said)
    chunk = next(chunk for one in store.documents() for chunk in store.chunks_of(one.id))
    shown = Shown(Passage(chunk, "", "", 1.0), chunk.text)
    assert bench._has(Said(Claim(chunk.text[:4], passage=1), passage=shown, start=0, end=4))
    assert not bench._has(Said(Claim("Oslo", passage=1), passage=shown, start=0, end=4))


def test_plain_retrieval_needs_nothing_of_the_graph(ground: Ground, model: str, monkeypatch) -> None:
    made: list[tuple[bool, bool]] = []
    answerer = Ground.answerer

    def noted(self, store, fused=None, *, planned=True):
        made.append((planned, fused is not None))
        return answerer(self, store, fused, planned=planned)

    monkeypatch.setattr(Ground, "answerer", noted)
    opened = models(ground, VARIANTS, address=model)
    with monkeypatch.context() as patch:
        patch.setattr(Answerer, "gather", lambda *given, **options: pytest.fail("charged for the graph"))
        ground.bench(ground.services.store, opened, ["alone", "text"]).ask(TEST[0], ["alone", "text"])
    assert made == [(False, False)]  # the search; of what is named, nothing is asked where no variant needs it
    made.clear()
    several = ["text", "facts", "held", "reasoner", "fused"]
    ground.bench(ground.services.store, opened, several).ask(TEST[0], several)
    assert sorted(made) == [(False, False), (False, False), (True, False), (True, False), (True, True)]


def test_the_first_token_of_all_fused_is_the_model_s(ground: Ground, model: str) -> None:
    opened, open_question = models(ground, VARIANTS, address=model), Question("Who praised Free Guy?", ("Ann",))
    bench = ground.bench(ground.services.store, opened, ["fused"])
    sure, unsure = (bench.ask(one, ["fused"])["fused"] for one in (TEST[0], open_question))
    assert (sure.spoke, sure.first) == (False, 0.0)
    assert unsure.spoke
    assert 0 < unsure.first <= unsure.milliseconds


def test_only_adapters_of_the_same_training_are_compared(trained: Path, ground: Ground, model: str, tmp_path) -> None:
    assert "must be trained with soft tokens" in compared(trained, trained)
    language = open_model(model, device="cpu")
    fused = FusedModel(language, FusedConfig(rank=2, width=16), encoder=ground.services.embedder.name, text_width=384)
    for name, data in (("same", ""), ("other", "of others")):
        adapter.save(fused, tmp_path / name, adapter.Trained(data, soft_tokens=False))
    assert compared(trained, tmp_path / "same") == ""
    assert "not trained on the same examples" in compared(trained, tmp_path / "other")
    assert passed_over(VARIANTS, trained, None) == {"tuned": "--plain-adapter"}
    assert passed_over(VARIANTS, None, None) == {"tuned": "--plain-adapter", "soft": "--adapter"}
    assert passed_over(["fused"], None, None) == {}


def test_free_variants_are_shown_how_to_say_none() -> None:
    assert f"Answer: {NONE}\n" in SHOTS


def test_where_answers_are_sentences_what_is_quoted_is_compared() -> None:
    asked = [Question("Where may it spread?", ("It may spread to the lungs.",))]
    told = [Reply("lungs", (("lungs",),), quoted="It may spread to the lungs.")]
    assert measures("long", asked, told)["F1 of words"][0] == measures("long", asked, told)["ROUGE-L"][0] == 100.0
    assert measures("text", asked, told)["F1 of words"][0] < 50.0
    assert measures("long", asked, [Reply("lungs", (("lungs",),))])["F1 of words"][0] < 50.0


def test_a_planner_is_trained_anew_for_other_data_or_code(ground: Ground, tmp_path, monkeypatch) -> None:
    trained: list[int] = []

    def learn(services, questions, **options) -> None:
        trained.append(len(questions))
        services.planner_file.parent.mkdir(parents=True, exist_ok=True)
        services.planner_file.write_bytes(b"")

    monkeypatch.setattr(benchmark, "learn", learn)
    marks = []
    for found in (ground.found, ground.found, replace(ground.found, train=TEST[:1])):
        made = Ground(found, tmp_path)
        marks.append(made.mark)
        if len(marks) == 1:  # its greatest memory would be that of training
            with pytest.raises(SystemExit, match="give the command again"):
                list(_measured(made, [], Namespace(memory=True), "command"))
        made.services.close()
    assert trained == [0, 1]  # the second time, what was trained is there
    assert marks[0] == marks[1] != marks[2]
    code = tmp_path / "code"
    for part in ("fusion/planner", "fusion/reasoner", "api"):
        (code / part).mkdir(parents=True)
    for part in ("fusion/planner/model.py", "fusion/reasoner/net.py", "fusion/fitting.py", "api/planning.py"):
        (code / part).write_text("1", "utf-8")
    monkeypatch.setattr(benchmark, "ROOT", code)
    before = taught_by(ground.services.store, ground.found)
    for part in ("fusion/reasoner/net.py", "api/planning.py"):
        (code / part).write_text("2", "utf-8")
        assert taught_by(ground.services.store, ground.found) != before
        before = taught_by(ground.services.store, ground.found)


def test_what_a_test_question_asks_is_not_learned(ground: Ground) -> None:
    store = ground.services.store
    topics = {entity.name: (entity.id,) for entity in store.all_entities()}
    example = Example("Who?", _context(TEST[0]).view, " none")
    posed = (
        Posed("Who is the director of Free Guy?", ("Shawn Levy",), topics["Free Guy"]),
        Posed("Who is the director of Free Guy?", ("Ann",), topics["Free Guy"]),
        Posed("Who directed Night at the Museum?", ("Shawn Levy",), topics["Night at the Museum"]),
        Posed("Johan Earl is a child of where?", ("Sydney",), topics["Johan Earl"]),
        Posed("Who directed Free Guy?", ("Shawn Levy",), topics["Free Guy"]),
    )
    kinds = ("generated", "generated", "passages", "unanswerable", "given")
    counts = {kind: Counter({"made: facts": kinds.count(kind)}) for kind in KINDS}
    for test in (TEST, [replace(one, topic="") for one in TEST]):  # a set that does not tell what it asks about
        found = apart(Made((example,) * 5, posed, kinds, counts), test, store)
        assert found.posed == (posed[1], posed[2], posed[4])
        assert found.kinds == ("generated", "passages", "given")
        what = "made and left out: a test question asks the same"
        assert {kind: found.counts[kind][what] for kind in KINDS} == {
            "generated": 1, "given": 0, "passages": 0, "unanswerable": 1,
        }  # fmt: skip


def test_all_fused_is_measured_alone(ground: Ground, model: str, trained: Path, monkeypatch) -> None:
    monkeypatch.setattr(ground, "trained", False)
    opened = models(ground, ["fused"], adapted=trained, plain=trained, address=model)
    assert opened.plain is opened.speaker.model  # one language model in memory
    assert opened.tuned is None
    options = Namespace(memory=True, adapter=trained, plain_adapter=None, model=model, questions=1)
    (row,) = _measured(ground, VARIANTS, options, "command")
    assert (row["system"], row["measure"]) == ("all fused", "greatest memory of the process")
    assert 100 < row["value"] <= memory() + 0.01  # rounded


def test_f1_of_names() -> None:
    question = Question("?", ("Ann", "Bob", "Cy"))
    assert f1_of_names(question, Reply("", (("Ann",), ("Robert", "Bob"), ("Eve",)))) == pytest.approx(2 / 3)
    assert f1_of_names(question, Reply()) == 0.0


def test_parts_of_a_set_share_no_question(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CLEW_DATA", str(tmp_path))
    folder = tmp_path / "PathQuestion"
    folder.mkdir()
    lines = [f"who is person{at} 's child ?\tc{at}(c{at}/)\tperson{at}#child#c{at}#<end>#c{at}" for at in range(40)]
    (folder / "PQ-2H.txt").write_text("\n".join(lines), "utf-8")
    (folder / "2H-kb.txt").write_text("\n".join(f"person{at}\tchild\tc{at}" for at in range(40)), "utf-8")
    found = question_sets.SETS["pq-2h"]("pq-2h")
    parts = [{one.text for one in part} for part in (found.train, found.dev, found.test)]
    assert [len(part) for part in parts] == [32, 4, 4]
    assert len(set.union(*parts)) == 40
    assert found.test[0].topic in found.test[0].text


def test_paragraphs_tell_what_holds_the_answer(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CLEW_DATA", str(tmp_path))
    folder = tmp_path / "MultiHopQA-100"
    folder.mkdir()
    row = {
        "question": "Where?",
        "answer": "Oslo",
        "context": [["Ann", ["Ann is from Oslo."]], ["Bob", ["Bob is not."]]],
        "supporting_facts": [["Ann", 0]],
    }
    (folder / "hotpot.json").write_text(json.dumps(row) + "\n", "utf-8")
    found = question_sets.SETS["hotpot"]("hotpot")
    assert found.test == [Question("Where?", ("Oslo",), ("Ann",))]
    assert not found.train
