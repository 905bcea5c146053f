"""What does each part of the fused model add, on the same questions and with the same budget?

``python -m benchmarks.fusion --set 2wiki`` (see benchmarks/question_sets.py for the others) reads the set's graph into
memory, trains its planner and reasoner (kept for the next run), and asks the set's test questions of every variant of
benchmarks/fusion_variants.py. ``--adapter FOLDER`` gives the trained adapter, and ``--plain-adapter FOLDER`` one that
was trained on the same examples with ``--no-soft-tokens``; without one, the variant that needs it is passed over with a
line that says so, and without the first the grammar holds the untrained model.

Then as many questions are asked again of a graph without what answers them: the passages that hold the answers, with
what they alone state, or, where a set has no passages, the last facts of the chains that explain the answers, with the
text that states them. Abstaining is measured over both, by the questions alone of which something was withheld: of the
others it is not known that nothing answers them any more. ``--answerable`` leaves that out.

The planner is trained anew when its code, api/planning.py, the questions that it learns from, or the graph are others.
Every answer is written to a file under ``--cache`` at once, under the set, the variant, the adapters, the data and the
code: the same command goes on where it was stopped. Rows are made of these files; ``--no-write`` only prints them.
``--questions N`` asks the first N, ``--variants a,b`` these variants alone. The first token is timed for the first 20
questions, and of all fused wherever the language model speaks. ``--memory`` does nothing in its process but to read the
graph and to ask five questions of the fused variant alone, and says how much memory that took at the most; the planner
must have been trained before.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from api.assemble import Services
from api.planning import learn
from api.settings import Settings
from benchmarks.fusion_rows import NAME, PARTS, Answers, row_of, rows_of
from benchmarks.fusion_variants import UNTRAINED, VARIANTS, Bench, Models, Reply, Work
from benchmarks.question_sets import SETS, QuestionSet, drawn, supporting
from benchmarks.rows import Row, merge_rows, print_rows
from fusion import adapter
from fusion.answerer import Answerer
from fusion.evaluate import Question
from fusion.fused import FusedReader
from fusion.gathering import Gatherer
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.model import FusedModel
from fusion.planned import open_reader
from fusion.planner.questions import Question as Given
from fusion.speaking import LocalSpeaker
from fusion.tuning.curriculum import placed
from kg.facts import ChunkId
from kg.mirror import mirror
from kg.store import GraphStore
from kg.withheld import Withheld, WithheldStore, only_in, stating
from nlp.weights import cache_folder

ROOT = Path(__file__).parents[1]
WARM = Question("What is it about?", ("",))  # asked first, and not counted: what is read once is read then
TIMED = 20  # questions whose first token is timed
MARK = "taught-by.sha256"  # beside the planner: what it was trained by
LEARNING = ("fusion/planner", "fusion/reasoner")


class Ground:
    """A set's graph in memory, with what reads questions of it."""

    def __init__(self, found: QuestionSet, folder: Path) -> None:
        """``folder`` keeps the planner and the reasoner, which learn from the train part, or from made questions."""
        self.found = found
        self.services = Services(Settings(store="memory:", model=folder), notify=_say)
        begun = time.perf_counter()
        found.fill(self.services)
        counts = self.services.store.counts()
        _say(f"{counts.chunks:,} passages and {counts.facts:,} facts read in {time.perf_counter() - begun:.0f} s")
        self.mark = taught_by(self.services.store, found)
        self.trained = False  # in this process, whose greatest memory is then that of training
        written = folder / MARK
        if not self.services.planner_file.exists() or not written.exists() or written.read_text("utf-8") != self.mark:
            written.unlink(missing_ok=True)  # what is left of a training that ends midway is no one's
            learn(self.services, given(found.train), generated=not found.train, seed=0, tell=_say)
            folder.mkdir(parents=True, exist_ok=True)
            written.write_text(self.mark, "utf-8")
            self.trained = True

    def answerer(self, store: GraphStore, fused: FusedReader | None = None, *, planned: bool = True) -> Answerer:
        """What answers questions of the graph, or of what is left of it; not ``planned``, without the planner."""
        services = self.services
        read = None
        if planned:
            read = open_reader(store, services.embedder, planner=services.planner_file, reasoner=services.reasoner_file)
        if read is not None:
            read.warm()
        return Answerer(
            store,
            embedder=services.embedder,
            ontology=services.ontology,
            planned=lambda: read,
            names=services.names,
            fused=lambda: fused,
        )

    def bench(self, store: GraphStore, models: Models, variants: Sequence[str]) -> Bench:
        """Variants over the graph, or over what is left of it."""

        def gatherer() -> Gatherer:
            return Gatherer(store, embedder=self.services.embedder, viewed=models.adapted)

        def answerer(work: Work) -> Answerer:
            fused = FusedReader(store, gatherer(), models.speaker) if work == "fused" else None
            return self.answerer(store, fused, planned=work not in ("understand", "search"))

        found = Bench(store, models, gatherer(), answerer)
        found.ask(WARM, variants)
        return found

    def without(self, asked: Sequence[tuple[int, Question]]) -> tuple[GraphStore, list[tuple[int, Question]]] | None:
        """The graph without what answers these questions, and those of which something was withheld.

        None where the set tells of none of them what answers it.
        """
        store, questions = self.services.store, [question for _, question in asked]
        if by_title := supporting(store, questions):
            chunks = frozenset[ChunkId]().union(*by_title.values())
            rest = WithheldStore(store, Withheld(only_in(store, chunks), chunks))
            return rest, [one for one in asked if not by_title.keys().isdisjoint(one[1].supporting)]
        answering = placed(store, mirror(store), given(questions), hops=self.found.hops)
        facts = frozenset(fact for one in answering for fact in one.facts)
        if not facts:
            return None
        rest = WithheldStore(store, Withheld(facts, stating(store.facts_between(facts))))
        return rest, [one for one, posed in zip(asked, answering, strict=True) if posed.facts]


def taught_by(store: GraphStore, found: QuestionSet) -> str:
    """A digest of what planner and reasoner come of: their code, the questions that they learn from, and the graph."""
    digest = hashlib.sha256(repr(found.train).encode())
    code = [path for package in LEARNING for path in (ROOT / package).rglob("*.py")]
    for path in sorted((*code, ROOT / "fusion" / "fitting.py", ROOT / "api" / "planning.py")):
        digest.update(path.read_bytes())
    for fact in sorted(repr((fact.subject, fact.relation, fact.object)) for fact in store.all_facts()):
        digest.update(fact.encode())
    for document in sorted(record.id for record in store.documents()):
        for chunk in store.chunks_of(document):
            digest.update(f"{len(chunk.text)} {chunk.text}".encode())
    return digest.hexdigest()


def given(asked: Sequence[Question]) -> list[Given]:
    """Questions as `clew learn --questions` takes them."""
    return [Given(at, one.text, one.gold, one.topic) for at, one in enumerate(asked, 1)]


def models(
    ground: Ground,
    variants: Collection[str],
    *,
    adapted: Path | None = None,
    plain: Path | None = None,
    address: str = "",
) -> Models:
    """The language model as often as variants need it: as published, and with each of two adapters."""

    def opened() -> HuggingFaceModel:
        found = open_model(address, notify=_say)
        if not isinstance(found, HuggingFaceModel):
            raise SystemExit("give a model that runs in this process: one behind a server reads no soft tokens")
        return found

    def fused(folder: Path) -> FusedModel:
        learned = ground.services.store.learned()
        return adapter.load(
            folder,
            opened(),
            encoder=ground.services.embedder.name,
            vector_width=0 if learned is None else learned.dimensions,
            merge=True,
        )

    tuned = fused(plain).language if plain is not None and "tuned" in variants else None
    if adapted is None:
        published = opened()
        return Models(published, LocalSpeaker(published), tuned=tuned)
    both = fused(adapted)
    published = opened() if {*variants} & {*UNTRAINED} else both.language
    return Models(published, LocalSpeaker(both.language, soft_tokens=both.soft_tokens), adapted=True, tuned=tuned)


def passed_over(variants: Collection[str], adapted: Path | None, plain: Path | None) -> dict[str, str]:
    """The variants for which an adapter is missing, and how it is given."""
    missing = {"tuned": (plain, "--plain-adapter"), "soft": (adapted, "--adapter")}
    return {one: option for one, (folder, option) in missing.items() if folder is None and one in variants}


def compared(adapted: Path, plain: Path) -> str:
    """Why two adapters do not show what soft tokens add, in one line; nothing where they do."""
    one, other = (adapter.read_about(folder).trained for folder in (adapted, plain))
    if not one.soft_tokens or other.soft_tokens:
        return "--adapter must be trained with soft tokens, and --plain-adapter with --no-soft-tokens"
    if (one.data, one.examples, one.seed, one.earlier) != (other.data, other.examples, other.seed, other.earlier):
        return "the two adapters were not trained on the same examples with the same seed; train one of them anew"
    return ""


class Kept:
    """The answers of one set, in a file for each variant, part, adapter and state of the code."""

    def __init__(self, folder: Path, marks: Mapping[str, str]) -> None:
        """``marks`` says of each variant what its answers come of."""
        self._folder, self._marks = folder, marks
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, variant: str, part: str) -> dict[int, Reply]:
        """What was answered before; a last line that was cut off is taken out, and asked again."""
        path = self._path(variant, part)
        text = path.read_text("utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            path.write_text(whole, "utf-8")
        found = {}
        for line in whole.splitlines():
            row = json.loads(line)
            number = row.pop("question")
            found[number] = Reply(**row | {"items": tuple(map(tuple, row["items"]))})
        return found

    def add(self, variant: str, part: str, number: int, reply: Reply) -> None:
        """Keep an answer."""
        with self._path(variant, part).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"question": number, **reply.row()}) + "\n")

    def _path(self, variant: str, part: str) -> Path:
        return self._folder / f"{variant}-{part}-{self._marks[variant]}.jsonl"


def marks(adapted: Path | None, plain: Path | None, address: str, ground: Ground) -> dict[str, str]:
    """Of each variant, a digest of the code that answers, the model's address, its adapter, the data and the questions.

    So an adapter that is trained later leaves the answers of the variants that do not use it as they are.
    """
    found = hashlib.sha256(f"{address} {ground.mark} {ground.found.test!r}".encode())
    code = [path for package in ("kg", "nlp", "fusion") for path in (ROOT / package).rglob("*") if path.is_file()]
    code = [path for path in code if path.suffix in (".py", ".toml", ".ttl")]
    code += [ROOT / "benchmarks" / name for name in ("fusion.py", "fusion_variants.py", "question_sets.py")]
    for path in sorted(code):
        found.update(path.read_bytes())

    def of(variant: str) -> str:
        folder = None if variant in (*UNTRAINED, "reasoner") else plain if variant == "tuned" else adapted
        own = found.copy()
        own.update(b"none" if folder is None else (folder / adapter.ABOUT).read_bytes())
        return own.hexdigest()[:12]

    return {variant: of(variant) for variant in VARIANTS}


def ask(bench: Bench, part: str, asked: Sequence[tuple[int, Question]], variants: Sequence[str], kept: Kept) -> Answers:
    """The answers of variants to questions: those that were kept, and the others anew."""
    answers: Answers = {(variant, part): kept.read(variant, part) for variant in variants}
    begun = time.perf_counter()
    for done, (number, question) in enumerate(asked, 1):
        missing = [variant for variant in variants if number not in answers[variant, part]]
        timed = part == PARTS[0] and number < TIMED
        for variant, reply in bench.ask(question, missing, first=timed).items() if missing else ():
            kept.add(variant, part, number, reply)
            answers[variant, part][number] = reply
        if missing and (done % 20 == 0 or done == len(asked)):
            _say(f"{part}: {done} of {len(asked)} questions, {time.perf_counter() - begun:.0f} s")
    return answers


def memory() -> float:
    """The most memory that this process has had, in megabytes."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure one set, and merge its rows into the file."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.partition("\n")[0])
    parser.add_argument("--set", required=True, choices=SETS)
    parser.add_argument("--questions", type=int)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--plain-adapter", type=Path, help="trained on the same examples without soft tokens")
    parser.add_argument("--model", default="", help="address of the language model; without it, Gemma 3 270M")
    parser.add_argument("--cache", type=Path, default=cache_folder() / "fusion-benchmark")
    parser.add_argument("--answerable", action="store_true", help="leave out the questions without an answer")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    variants = options.variants.split(",")
    if unknown := sorted({*variants} - {*VARIANTS}):
        parser.error(f"{', '.join(unknown)}: choose of {', '.join(VARIANTS)}")
    if options.adapter and options.plain_adapter and (wrong := compared(options.adapter, options.plain_adapter)):
        parser.error(wrong)
    passed = passed_over(variants, options.adapter, options.plain_adapter)
    for variant, option in passed.items():
        _say(f"{variant} is passed over: it needs {option}")
    variants = [one for one in variants if one not in passed]
    found = SETS[options.set](options.set)
    command = " ".join((f"python -m benchmarks.{NAME}", *sys.argv[1:]))
    ground = Ground(found, options.cache / found.name / "planner")
    try:
        rows = list(_measured(ground, variants, options, command))
    finally:
        ground.services.close()
    if options.no_write:
        print_rows(rows)
    else:
        merge_rows(NAME, rows, by=("data", "system", "measure"))  # also if fewer questions were asked before


def _measured(ground: Ground, variants: Sequence[str], options: argparse.Namespace, command: str) -> Iterator[Row]:
    found, store = ground.found, ground.services.store
    if options.memory and ground.trained:
        raise SystemExit("the planner was trained in this process, whose memory tells nothing; give the command again")
    wanted = ["fused"] if options.memory else variants
    folders = options.adapter, options.plain_adapter
    opened = models(ground, wanted, adapted=folders[0], plain=folders[1], address=options.model)
    asked = drawn(found.test, options.questions)
    if options.memory:
        bench = ground.bench(store, opened, ["fused"])
        for _, question in asked[:5]:
            bench.ask(question, ["fused"])
        row = row_of(
            found.title, "fused", 0.0, command, "five questions", "greatest memory of the process", memory(), "MB"
        )
        yield row
        return
    kept = Kept(options.cache / found.name, marks(*folders, options.model, ground))
    answers = ask(ground.bench(store, opened, variants), PARTS[0], asked, variants, kept)
    withheld: list[tuple[int, Question]] = []
    if not options.answerable:
        rest = ground.without(asked)
        if rest is None:
            _say(f"{found.title} does not tell what holds its answers: none of its questions is made unanswerable")
        else:
            left, withheld = rest
            _say(f"of {len(withheld)} of {len(asked)} questions, something that answers them is withheld")
            answers |= ask(ground.bench(left, opened, variants), PARTS[1], withheld, variants, kept)
    yield from rows_of(found, asked, withheld, answers, command)


if __name__ == "__main__":
    main()
