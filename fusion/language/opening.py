"""An address → the language model that it names."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fusion.errors import LanguageModelError

if TYPE_CHECKING:
    from fusion.language.causal import HuggingFaceModel
    from fusion.language.server import ServerModel

HUB = "hub:"
GEMMA = "gemma"
SERVER = ("http://", "https://")


def open_model(
    address: str = "",
    *,
    model: str = "",
    key: str = "",
    precision: str = "auto",
    device: str | None = None,
    cache: Path | None = None,
    notify: Callable[[str], None] = lambda message: None,
) -> "HuggingFaceModel | ServerModel":
    """Open the model at an address: a server's URL, ``hub:OWNER/NAME``, a folder; ``gemma``, or nothing: Gemma 3 270M.

    ``model`` and ``key`` are a server's, ``precision`` and ``device`` those of a model in this process.

    Raises:
        WeightsError: the weights are missing or damaged, or the cache cannot be written.
        LanguageModelError: there is no such model, or it cannot be loaded.
    """
    address = "" if address == GEMMA else address
    if address.startswith(SERVER):
        from fusion.language.server import ServerModel

        return ServerModel(address, model=model, key=key)
    if address and not address.startswith(HUB) and not Path(address).is_dir():
        raise LanguageModelError(
            f"{address}: is no folder; give the folder of a model, `{HUB}OWNER/NAME`, or the URL of a server."
        )
    from fusion.language import gemma
    from fusion.language.loading import hub_folder, load

    if address.startswith(HUB):
        folder = hub_folder(address.removeprefix(HUB))
    else:
        folder = Path(address) if address else gemma.prepare(cache=cache, notify=notify)
    return load(folder, name=address or gemma.GEMMA.name, precision=precision, device=device)
