"""Builds what commands and routes need, each part once and only when it is asked for.

`clew stats` opens the store and loads no model; `clew ask` loads the encoder and no parser. So every import of a
part that is slow to load stands in the method that builds it.
"""

from collections.abc import Callable
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING, TypeVar

from api.errors import RequestError
from api.files import written
from api.job import Job
from api.settings import Settings
from kg.errors import GraphError

if TYPE_CHECKING:
    from api.fusing import Fused
    from api.planning import PlannerOut
    from fusion.answerer import Answerer
    from fusion.errors import FusionError
    from fusion.fused import FusedReader
    from fusion.planned import PlannedReader
    from fusion.planner.model import Planner
    from fusion.reasoned import Reasoned
    from kg.embeddings.learned import LearnedGraph
    from kg.embeddings.placing import Placing
    from kg.facts import Document
    from kg.name_index import NameIndex
    from kg.ontology import Ontology
    from kg.store import GraphStore
    from nlp.embed import TokenEmbedder
    from nlp.ingest import Ingestor
    from nlp.weights import WeightsError

T = TypeVar("T")

READ_AT_ONCE = 5_000  # entities whose names are read anew for one question, which takes a quarter of a second
WITH_PLANNER = 1_000_000  # entities whose names are read with the graph that plans walk


def _silent(message: str) -> None:
    pass


class Services:
    """The parts of Clew over one store. Safe to use from several threads."""

    def __init__(
        self, settings: Settings, *, store: "GraphStore | None" = None, notify: Callable[[str], None] = _silent
    ) -> None:
        """Use ``store`` instead of opening the one that is set; tell ``notify``, in a line, of what takes a while."""
        self.settings = settings
        self._notify = notify
        self._parts: dict[str, object] = {} if store is None else {"store": store}
        self._lock = RLock()
        self._opening = Lock()  # a language model, which takes a while: others need not wait for it
        self._fused: tuple[object, Fused | FusionError | WeightsError] | None = None
        self.training: Job[PlannerOut] = Job()

    def _once(self, name: str, build: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._parts:
                self._parts[name] = build()
            part: T = self._parts[name]  # type: ignore[assignment]  # what was put there under this name
            return part

    @property
    def store(self) -> "GraphStore":
        """The graph.

        Raises:
            StoreError: it cannot be opened.
        """

        def build() -> "GraphStore":
            from kg.open_store import open_store

            settings = self.settings
            return open_store(
                settings.store,
                user=settings.store_user,
                password=settings.password(),
                heap=settings.store_heap,
                idle=settings.store_idle_seconds,
            )

        return self._once("store", build)

    @property
    def ontology(self) -> "Ontology":
        """The types and relations.

        Raises:
            InputError: the file that the settings name cannot be read.
        """

        def build() -> "Ontology":
            from kg import ontology

            path = self.settings.ontology
            return ontology.default() if path is None else ontology.load(path)

        return self._once("ontology", build)

    @property
    def embedder(self) -> "TokenEmbedder":
        """The sentence encoder; its weights are loaded when it first encodes."""

        def build() -> "TokenEmbedder":
            from nlp.embed import MiniLM

            return MiniLM(source=self.settings.embedder, notify=self._notify)

        return self._once("embedder", build)

    @property
    def answerer(self) -> "Answerer":
        """What answers questions."""

        def build() -> "Answerer":
            from fusion.answerer import Answerer

            return Answerer(
                self.store,
                embedder=self.embedder,
                ontology=self.ontology,
                planned=lambda: self.planned_reader,
                names=self.names,
                learned=lambda: self.learned_graph,
                fused=lambda: self.fused_reader,
                calibrated=lambda: self.fused_calibrated,
            )

        return self._once("answerer", build)

    @property
    def fused_reader(self) -> "FusedReader | None":
        """The language model with its adapter, as its files are now; None where none is to be asked.

        Nor is one whose adapter no longer fits the graph: that is told once, and the graph alone answers. What cannot
        be opened is not tried again until its files are others.

        Raises:
            WeightsError: its weights are missing or damaged.
            LanguageModelError: there is no such model, or no memory for it.
            AdapterError: the adapter is damaged, or is another model's.
            StoreError: the store failed.
        """
        from api.fusing import choose, made_from, open_fused
        from fusion.errors import FusionError, OtherGraphError
        from nlp.weights import WeightsError

        chosen = choose(self.settings.language_model, self.adapter_folder)
        if chosen is None:
            return None
        with self._opening:
            mark = made_from(chosen, self.store)
            if self._fused is None or self._fused[0] != mark:
                self._close_fused()  # before the next, so that there is never memory for two
                found: Fused | FusionError | WeightsError
                try:
                    found = open_fused(chosen, self.settings, self.store, self.embedder, notify=self._notify)
                except (FusionError, WeightsError) as error:
                    found = error
                    if isinstance(error, OtherGraphError):
                        self._notify(f"{error} Until then the graph alone answers.")
                self._fused = mark, found
            found = self._fused[1]
            if isinstance(found, OtherGraphError):
                return None
            if isinstance(found, (FusionError, WeightsError)):
                raise found.with_traceback(None)
            return found.reader

    @property
    def fused_calibrated(self) -> bool:
        """Whether what the language model says may have a probability, as its adapter tells; nothing is opened."""
        from api.fusing import calibrated, choose

        return calibrated(choose(self.settings.language_model, self.adapter_folder))

    def _close_fused(self) -> None:
        if self._fused is not None:
            found, self._fused = self._fused[1], None
            if not isinstance(found, GraphError):
                found.close()

    @property
    def ingestor(self) -> "Ingestor":
        """What reads documents into the graph; parsers are loaded when there is something to parse."""

        def build() -> "Ingestor":
            from nlp.ingest import Ingestor
            from nlp.link import NameLinker
            from nlp.reader import Reader
            from nlp.relations import RuleExtractor

            extractor = RuleExtractor(self.ontology)
            reader = Reader(
                extractors={"en": extractor, "zh": extractor},
                linker=NameLinker(self.ontology),
                ontology=self.ontology,
                embedder=self.embedder,
                processes=self.settings.processes,
            )
            return Ingestor(self.store, reader)

        return self._once("ingestor", build)

    @property
    def model_folder(self) -> Path:
        """Where the learned model of this graph is kept."""
        if self.settings.model is not None:
            return self.settings.model
        kind, _, path = self.settings.store.partition(":")
        if kind == "embedded":
            return Path(path).expanduser() / "model"
        from kg.facts import digest

        return Path(".clew") / f"model-{digest(self.settings.store)[:12]}"

    @property
    def planner_file(self) -> Path:
        """Where the planner trained by `clew learn --questions` is kept."""
        return self.model_folder / "planner.safetensors"

    @property
    def reasoner_file(self) -> Path:
        """Where the graph neural reasoner trained beside the planner is kept."""
        return self.model_folder / "reasoner.safetensors"

    @property
    def adapter_folder(self) -> Path:
        """Where the language model's adapter trained by `clew train` is kept."""
        from api.fusing import ADAPTER

        return self.model_folder / ADAPTER

    @property
    def mirror_file(self) -> Path | None:
        """Where the graph is kept as plans walk it; nowhere where the store is in memory itself."""
        memory = self.store.address.startswith("memory:")
        return None if memory else self.model_folder / "mirror.safetensors"

    def names(self, version: int) -> "NameIndex | GraphStore":
        """What finds entities by name in this version of the graph.

        Raises:
            StoreError: the store failed, or others kept writing to it while it was read.
        """
        from kg.names import GraphNames

        def build() -> GraphNames:
            kept = self.mirror_file
            path = None if kept is None else kept.with_name("names.safetensors")
            return GraphNames(self.store, kept=path, notify=self._notify)

        most = WITH_PLANNER if self.planner_file.exists() else READ_AT_ONCE
        return self._once("names", build).at(version, most=most)

    @property
    def planned_reader(self) -> "PlannedReader | None":
        """What reads questions with the trained planner, as its file is now; None where there is none.

        Raises:
            PlannerError: the planner or the reasoner is damaged, or was trained with another encoder.
        """
        mark = written(self.planner_file)
        if mark is None:
            return None
        from fusion.planned import PlannedReader
        from fusion.planner.model import load

        with self._lock:
            both = mark, written(self.reasoner_file)
            if self._parts.get("planner_written") != both:
                planner = load(self.planner_file)
                self._parts["planned_reader"] = PlannedReader(
                    self.store,
                    planner,
                    self.embedder,
                    reasoned=None if both[1] is None else self._reasoned(planner),
                    kept=self.mirror_file,
                    notify=self._notify,
                )
                self._parts["planner_written"] = both
            found = self._parts["planned_reader"]
            assert isinstance(found, PlannedReader)
            return found

    def _reasoned(self, planner: "Planner") -> "Reasoned":
        from fusion.reasoned import Reasoned
        from fusion.reasoner.model import load

        return Reasoned(planner, load(self.reasoner_file), self.embedder)

    @property
    def learned_graph(self) -> "LearnedGraph":
        """What the learned model says of the graph as it is now.

        Raises:
            LearningError: there is no model, or it cannot be read.
        """
        from kg.embeddings.learned import LearnedGraph

        with self._lock:
            kept = self._parts.get("learned_graph")
            if not isinstance(kept, LearnedGraph) or not kept.current():
                kept = self._parts["learned_graph"] = LearnedGraph(
                    self.store, self.model_folder, ontology=self.ontology
                )
            return kept

    @property
    def placing(self) -> "Placing":
        """Where names stand among the learned vectors of this graph.

        Raises:
            LearningError: it was never learned, cannot be read, or belongs to other vectors.
        """
        from kg.embeddings.errors import NotLearnedError
        from kg.embeddings.placing import PLACING, load_placing

        placing = load_placing(self.model_folder / PLACING)
        learned = self.store.learned()
        if learned is None or learned.model != placing.model:
            raise NotLearnedError("The names were learned with other vectors than the graph holds; run `clew learn`.")
        return placing

    def question(self, text: str) -> str:
        """A question or search text that may go on its way.

        Raises:
            RequestError: it is empty, too long, or not text.
        """
        limit = self.settings.max_question_characters
        if not text.strip():
            raise RequestError("the question is empty; ask something")
        if len(text) > limit:
            raise RequestError(
                f"the question has {len(text)} characters and {limit} are allowed; shorten it, or raise "
                "CLEW_MAX_QUESTION_CHARACTERS"
            )
        return _well_formed(text, "the question")

    def document(self, *, source: str, title: str, text: str) -> "Document":
        """A document made of a text that was handed over rather than read from a file.

        Raises:
            RequestError: it is empty, or not text.
        """
        from kg.facts import Document
        from nlp.script import detect

        if not text.strip():
            raise RequestError(f"{source}: the text is empty; nothing to read")
        for part in (source, title, text):
            _well_formed(part, source.encode("utf-8", "replace").decode())
        return Document(source=source, text=text, title=title, language=detect(text))

    def warm(self) -> None:
        """Load what answering a question needs."""
        self.answerer  # noqa: B018  # built by being asked for
        self.embedder.encode(["warm"])
        self.names(self.store.version())
        if (planned := self.planned_reader) is not None:
            planned.warm()
        self.fused_reader  # noqa: B018

    def close(self) -> None:
        """Let go of the store and of every model: FastAPI's caches keep an app, and so these services, for good."""
        try:
            self.training.stop()
        finally:  # a second Ctrl-C does not wait for it
            self._close_fused()
            with self._lock:
                if "store" in self._parts:
                    self.store.close()
                self._parts.clear()


def _well_formed(text: str, what: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RequestError(f"{what}: is not valid text (a lone surrogate at {error.start}); send UTF-8") from error
    return text
