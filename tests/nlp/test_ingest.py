"""The graph is a function of the set of documents: whatever the order, the detours and the interruptions."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg import ontology
from kg.errors import UnknownDocumentError
from kg.export import export_jsonl
from kg.facts import Document
from kg.memory_store import MemoryStore
from nlp.documents import read
from nlp.formats.pieces import Unreadable
from nlp.ingest import Ingestor
from nlp.link import NameLinker
from nlp.reader import Reader
from nlp.relations import RuleExtractor

PASSAGES = {
    "Free Guy": (
        "Free Guy is a 2021 American film directed by Shawn Levy. It stars Ryan Reynolds.",
        "Free Guy is a 2021 American film written by Matt Lieberman.",
    ),
    "Shawn Levy": (
        "Shawn Levy (born July 23, 1968) is a Canadian film director. He directed Free Guy.",
        "Shawn Levy is a Canadian producer, born in Montreal.",
    ),
    "Forbidden Ground": ("Forbidden Ground is a 1968 Hungarian film directed by Pál Gábor.",),
    "Forbidden Ground (2013 film)": (
        "Forbidden Ground is a 2013 Australian drama film directed by Johan Earl. Levy liked Forbidden Ground.",
    ),
    "John Smith": ("John Smith (born 1950) is an English footballer who plays for Leeds United.",),
    "John  Smith": ("John Smith (born 1921) was an American politician. Smith was born in Ohio.",),
    "notes": ("Critics compared Free Guy with Forbidden Ground. John Smith met Shawn Levy in Montreal.",),
    "诺兰": ("克里斯托弗·诺兰是一位英国导演，1970年7月30日出生于伦敦。",),
}
SOURCES = sorted(PASSAGES)


def document(source: str, version: int) -> Document:
    texts = PASSAGES[source]
    title = "" if source == "notes" else " ".join(source.split())
    return Document(source, texts[version % len(texts)], title, "zh" if source == "诺兰" else "en")


def ingestor(store: MemoryStore) -> Ingestor:
    extractor = RuleExtractor(ontology.default())
    reader = Reader(
        extractors={"en": extractor, "zh": extractor},
        linker=NameLinker(ontology.default()),
        ontology=ontology.default(),
        embedder=None,
    )
    return Ingestor(store, reader)


def exported(store: MemoryStore) -> str:
    return "\n".join(export_jsonl(store))


def graph_of(documents: Iterable[Document]) -> str:
    store = MemoryStore()
    ingestor(store).ingest(lambda: sorted(documents, key=lambda d: d.source))
    return exported(store)


class Killed(Exception):
    """Stands for the end of the process in the middle of an ingestion."""


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ingest"), st.lists(st.tuples(st.sampled_from(SOURCES), st.integers(0, 1)), min_size=1)),
        st.tuples(st.just("delete"), st.sampled_from(SOURCES)),
    ),
    max_size=6,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_the_graph_depends_on_the_surviving_documents_alone(steps):
    store = MemoryStore()
    changes = ingestor(store)
    surviving: dict[str, Document] = {}
    for step, argument in steps:
        if step == "ingest":
            batch = {source: document(source, version) for source, version in argument}
            changes.ingest(lambda batch=batch: batch.values())
            surviving |= batch
        elif argument in surviving:
            changes.delete([surviving.pop(argument).id])
    assert exported(store) == graph_of(surviving.values())


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(SOURCES), st.integers(0, 8), st.integers(0, 8))
def test_after_a_kill_the_same_call_gives_the_undisturbed_graph(order, first, kill_at):
    everything = [document(source, 0) for source in order]
    store = MemoryStore()
    ingestor(store).ingest(lambda: everything[:first])
    writes = 0
    write = store.write

    def dying_write(readings):
        nonlocal writes
        for reading in readings:
            writes += 1
            if writes > kill_at:
                raise Killed
            write([reading])

    store.write = dying_write
    try:
        ingestor(store).ingest(lambda: everything)
    except Killed:
        store.write = write
        ingestor(store).ingest(lambda: everything)
    assert exported(store) == graph_of(everything)


def test_what_has_not_changed_is_not_read_again():
    store = MemoryStore()
    changes = ingestor(store)
    changes.ingest(lambda: [document("Free Guy", 0), document("notes", 0)])
    before = store.version()
    counts = changes.ingest(lambda: [document("Free Guy", 0), document("notes", 0)])
    assert (counts.new, counts.changed, counts.unchanged, counts.reread) == (0, 0, 2, 0)
    assert store.version() == before


def test_a_new_name_makes_the_documents_that_hold_it_be_read_again():
    store = MemoryStore()
    changes = ingestor(store)
    changes.ingest(lambda: [document("notes", 0), document("诺兰", 0)])
    counts = changes.ingest(lambda: [document("Forbidden Ground", 0)])
    assert (counts.new, counts.reread) == (1, 1)


def test_rows_that_left_their_file_are_removed_unless_the_file_was_broken():
    store = MemoryStore()
    changes = ingestor(store)
    rows = [Document(f"a.jsonl#{i}", f"Row {i} is a row.", language="en") for i in range(3)]
    changes.ingest(lambda: rows, whole_files=True)
    broken: list[Document | Unreadable] = [rows[0], Unreadable("a.jsonl", "a.jsonl: line 4 is not JSON; mend it")]
    assert changes.ingest(lambda: broken, whole_files=True).removed == 0
    assert changes.ingest(lambda: rows[:1]).removed == 0
    assert changes.ingest(lambda: rows[:1], whole_files=True).removed == 2
    assert [record.source for record in store.documents()] == ["a.jsonl#0"]


def test_a_file_with_a_number_sign_in_its_name_is_no_row_of_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        Path(f"a#{number}.txt").write_text(f"Report {number} names nobody at all.")
    store = MemoryStore()
    changes = ingestor(store)
    changes.ingest(lambda: read(["a#1.txt", "a#2.txt"]), whole_files=True)
    assert changes.ingest(lambda: read(["a#1.txt"]), whole_files=True).removed == 0
    assert [record.source for record in store.documents()] == ["a%231.txt", "a%232.txt"]


def test_deleting_an_unknown_document_deletes_nothing():
    store = MemoryStore()
    changes = ingestor(store)
    changes.ingest(lambda: [document("notes", 0)])
    with pytest.raises(UnknownDocumentError, match="clew documents"):
        changes.delete([document("notes", 0).id, document("Free Guy", 0).id])
    assert store.counts().documents == 1


def test_the_stream_is_read_lazily():
    """Memory stays flat: no more than a few batches of documents are alive at once."""
    alive = peak = 0

    class Counted(str):
        def __del__(self):
            nonlocal alive
            alive -= 1

    def stream() -> Iterator[Document]:
        nonlocal alive, peak
        for i in range(1500):
            text = Counted(f"Report {i} names nobody at all.")
            alive += 1
            peak = max(peak, alive)
            yield Document(f"{i}.txt", text, language="und")
            del text

    ingestor(MemoryStore()).ingest(stream)
    assert peak < 800
