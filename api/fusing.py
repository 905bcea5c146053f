"""Which language model answers beside the graph, and with which adapter: by the settings, and by what is there.

Choosing looks at names of files only, and telling whether a model has probabilities at its adapter's card. Opening a
server loads no torch, and a model in this process all that it needs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from api.files import written
from fusion.language.opening import GEMMA, HUB, SERVER

if TYPE_CHECKING:
    from api.settings import Settings
    from fusion.adapter import About
    from fusion.fused import FusedReader
    from kg.store import GraphStore
    from nlp.embed import Embedder

NONE = "none"  # in place of an address
ADAPTER, ABOUT = "adapter", "adapter.json"  # the folder beside a graph's learned model, and what it must hold
SHIPPED = Path(__file__).parents[1] / "models"  # of the repository alone: an installed package has none


@dataclass(frozen=True, slots=True)
class Chosen:
    """The address of a language model, None where it is the adapter's own, and the folder of the adapter, if any."""

    address: str | None
    adapter: Path | None = None


@dataclass(frozen=True, slots=True)
class Fused:
    """A language model that is open; ``close`` lets go of it."""

    reader: "FusedReader"
    about: "About | None" = None  # its adapter
    close: Callable[[], None] = lambda: None


class _Trained(BaseModel):
    calibration: object = None


class _Card(BaseModel):
    """The part of an adapter's card that tells whether it is worth opening; `fusion.adapter` reads all of it."""

    trained: _Trained


def choose(setting: str, own: Path, *, shipped: Path | None = None) -> Chosen | None:
    """What to open; None where no language model is to be asked.

    ``own`` is where an adapter of this graph is kept. Without a setting, an adapter decides: this graph's, else one
    that Clew's repository ships (``shipped``, else `SHIPPED`). A server takes none.
    """
    if setting == NONE:
        return None
    if setting.startswith(SERVER):
        return Chosen(setting)
    address = None if not setting else "" if setting == GEMMA else setting
    if (own / ABOUT).exists():
        return Chosen(address, own)
    found = next(iter(sorted(path.parent for path in (shipped or SHIPPED).glob(f"*/{ABOUT}"))), None)
    if found is not None and not address:  # it is Gemma's
        return Chosen("", found)
    return None if address is None else Chosen(address)


def calibrated(chosen: Chosen | None) -> bool:
    """Whether what a language model says may have a probability, by its adapter's card: none without an adapter.

    Of a card that cannot be read it may, so that opening the adapter tells what is wrong with it.
    """
    if chosen is None or chosen.adapter is None:
        return False
    try:
        card = _Card.model_validate_json((chosen.adapter / ABOUT).read_bytes())
    except (OSError, ValidationError):
        return True
    return card.trained.calibration is not None


def made_from(chosen: Chosen, store: "GraphStore") -> object:
    """What tells what would be opened from what was opened before: its files, and what was learned of the graph.

    Raises:
        StoreError: the store failed.
    """
    address = chosen.address or ""
    paths = [] if address.startswith((*SERVER, HUB)) or not address else sorted(Path(address).glob("*"))
    learned = None
    if chosen.adapter is not None:
        paths += [*sorted(chosen.adapter.glob("adapter*")), chosen.adapter / "graph.safetensors"]
        learned = store.learned()
    marks = tuple((path, written(path)) for path in paths)
    return chosen, marks, None if learned is None else (learned.model, learned.dimensions)


def open_fused(
    chosen: Chosen,
    settings: "Settings",
    store: "GraphStore",
    embedder: "Embedder",
    *,
    notify: Callable[[str], None],
) -> Fused:
    """Open a language model with its adapter.

    Raises:
        WeightsError: its weights are missing or damaged.
        LanguageModelError: there is no such model, or no memory for it.
        OtherGraphError: the adapter is another graph's.
        AdapterError: it is damaged, or another model's.
        StoreError: the store failed.
    """
    from fusion.fused import FusedReader
    from fusion.gathering import Gatherer
    from fusion.language import open_model
    from fusion.speaking import LocalSpeaker, RemoteSpeaker

    key = settings.language_model_key.get_secret_value()
    if chosen.address is not None and chosen.address.startswith(SERVER):
        from fusion.language.server import ServerModel

        server = ServerModel(chosen.address, model=settings.language_model_name, key=key)
        gatherer = Gatherer(store, embedder=embedder, viewed=False)
        return Fused(FusedReader(store, gatherer, RemoteSpeaker(server)), close=server.close)
    from fusion import adapter
    from fusion.language.causal import HuggingFaceModel

    about = None if chosen.adapter is None else adapter.read_about(chosen.adapter)
    address = chosen.address if about is None or chosen.address is not None else _address(about.base.name)
    learned = store.learned()
    width = 0 if learned is None else learned.dimensions
    if about is not None and chosen.adapter is not None:  # before the model, which takes a while to load
        adapter.check_graph(chosen.adapter, about, learned)
        adapter.check_views(chosen.adapter, about, encoder=embedder.name, vector_width=width)
    language = open_model(address or "", precision=settings.language_model_precision, notify=notify)
    assert isinstance(language, HuggingFaceModel)
    soft_tokens, calibration = None, None if about is None else about.trained.calibration
    if about is not None and chosen.adapter is not None:
        fused = adapter.load(
            chosen.adapter,
            language,
            encoder=embedder.name,
            vector_width=width,
            merge=settings.language_model_precision not in ("int8", "int4"),
        )
        soft_tokens = fused.soft_tokens if about.trained.soft_tokens else None
    gatherer = Gatherer(store, embedder=embedder, viewed=soft_tokens is not None)
    speaker = LocalSpeaker(language, soft_tokens=soft_tokens)
    reader = FusedReader(store, gatherer, speaker, calibration=calibration, waiting=settings.language_model_waiting)
    return Fused(reader, about)


def _address(name: str) -> str:
    """Where the language model is that an adapter was trained for, by the name that it gives."""
    from fusion.language.gemma import GEMMA as PACKAGED

    return "" if name == PACKAGED.name else name
