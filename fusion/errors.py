"""The errors of question answering.

FusionError                       a kind of GraphError
├── PlannerError                  a planner cannot be trained, written, or read
│   └── NothingLearnedError       the questions or the graph give nothing to learn from
├── AdapterError                  what was trained of a fused model cannot be written, read, or used
│   └── OtherModelError           it was trained with another language model, sentence encoder, or width
│       └── OtherGraphError       this graph's vectors are not those that it was trained on
├── TuningError                   a fused model cannot be trained
│   ├── ExamplesError             a file of examples cannot be read, or one of its lines is malformed
│   └── TuningMemoryError         there is no memory for even one example at a time
└── LanguageModelError            a language model cannot be loaded, or cannot do what it is asked for
    ├── PromptTooLongError        the prompt does not fit into what the model reads at once
    ├── BusyModelError            too many questions wait for the model
    ├── LanguageModelMemoryError  there is no memory for the model, or for what it is asked to read
    └── LanguageServerError       a model's server does not answer, or refuses
        ├── MalformedReplyError   it answered with something that is no answer
        └── TransientServerError  it is busy, cannot be reached, or broke off: it may be well a moment later
"""

from kg.errors import GraphError


class FusionError(GraphError):
    """A question could not be worked on."""


class PlannerError(FusionError):
    """A planner cannot be trained, written, or read."""


class NothingLearnedError(PlannerError):
    """The questions or the graph give nothing to learn from."""


class AdapterError(FusionError):
    """What was trained of a fused model cannot be written, read, or used."""


class OtherModelError(AdapterError):
    """It was trained with another language model, sentence encoder, or width."""


class OtherGraphError(OtherModelError):
    """It was trained on other vectors than those of this graph: the model may well be the right one."""


class TuningError(FusionError):
    """A fused model cannot be trained."""


class ExamplesError(TuningError):
    """A file of examples cannot be read, or one of its lines is malformed."""


class TuningMemoryError(TuningError):
    """There is no memory for even one example at a time."""


class LanguageModelError(FusionError):
    """A language model cannot be loaded, or cannot do what it is asked for."""


class PromptTooLongError(LanguageModelError):
    """The prompt does not fit into what the model reads at once."""


class LanguageModelMemoryError(LanguageModelError):
    """There is no memory for the model, or for what it is asked to read."""


class BusyModelError(LanguageModelError):
    """Too many questions wait for the model; one may ask again after so many seconds."""

    def __init__(self, message: str, *, after: float) -> None:
        super().__init__(message)
        self.after = after


class LanguageServerError(LanguageModelError):
    """A model's server does not answer, or refuses."""


class MalformedReplyError(LanguageServerError):
    """A model's server answered with something that is no answer."""


class TransientServerError(LanguageServerError):
    """A model's server is busy, cannot be reached, or broke off; it may be well after so many seconds."""

    def __init__(self, message: str, *, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after
