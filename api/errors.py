"""Errors as users see them: exit codes for the command line, problem+json (RFC 9457) for HTTP.

GraphError                  (kg.errors)
├── SettingsError           an environment variable has a value that it cannot have
└── RequestError            a request or a command asks for what cannot be done
    ├── BusyError           asked for while the same is under way
    ├── InterruptedTrainingError  stopped by Ctrl-C, and can be gone on with
    └── UnknownEntityError  asked for an entity that the graph does not hold
"""

from enum import IntEnum

from fusion.errors import AdapterError, LanguageModelError, PromptTooLongError, TuningError
from kg.embeddings.errors import SettingError
from kg.errors import GraphError, InputError, StoreAddressError, StoreError, UnknownDocumentError
from nlp.weights import WeightsError


class SettingsError(GraphError):
    """An environment variable has a value that it cannot have."""


class RequestError(GraphError):
    """A request or a command asks for what cannot be done."""


class BusyError(RequestError):
    """It is under way already."""


class InterruptedTrainingError(RequestError):
    """It was stopped by Ctrl-C, and another command goes on with it."""


class UnknownEntityError(RequestError):
    """The graph holds no such entity."""


class Exit(IntEnum):
    """What the exit code of `clew` says."""

    DONE = 0
    INCOMPLETE = 1  # something could not be read or found; everything else was done
    USAGE = 2  # the command line, a setting or an address is wrong; nothing was done
    STORE = 3  # the store is down, full, or refuses access
    SETUP = 4  # something that Clew needs is not installed, or a language model or its adapter cannot be used
    BUG = 70  # an error in Clew itself
    INTERRUPTED = 130  # Ctrl-C
    PIPE = 141  # whoever read the output went away


_CODES: tuple[tuple[type[GraphError], Exit], ...] = (
    (SettingsError, Exit.USAGE),
    (SettingError, Exit.USAGE),
    (StoreAddressError, Exit.USAGE),
    (StoreError, Exit.STORE),
    (WeightsError, Exit.SETUP),
    (PromptTooLongError, Exit.USAGE),
    (LanguageModelError, Exit.SETUP),
    (AdapterError, Exit.SETUP),
    (TuningError, Exit.USAGE),
    (UnknownDocumentError, Exit.INCOMPLETE),
    (InputError, Exit.INCOMPLETE),
    (UnknownEntityError, Exit.INCOMPLETE),
    (InterruptedTrainingError, Exit.INTERRUPTED),
    (RequestError, Exit.USAGE),
)


def exit_code(error: GraphError) -> Exit:
    """The exit code that tells a script what kind of error it was."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.INCOMPLETE)
