"""The errors of learning a graph.

LearningError                     a kind of GraphError
├── NothingToLearnError           the graph holds no facts
├── NotLearnedError               there is no model, or it does not know what it is asked about
├── SettingError                  a training run was asked for with a setting that it cannot have
├── TooLargeError                 training would need more memory than there is
├── DivergedError                 the loss became infinite or no number before anything good was learned
├── LostProcessError              another of the processes that train together has ended
└── CheckpointError               a checkpoint cannot be read, or not be used as asked
    └── OtherGraphError           the checkpoint was learned from another graph

Each message is one line for a person: what happened, where, and what to do.
"""

from kg.errors import GraphError


class LearningError(GraphError):
    """A graph could not be learned."""


class NothingToLearnError(LearningError):
    """The graph holds no facts."""


class NotLearnedError(LearningError):
    """There is no model, or it does not know what it is asked about."""


class SettingError(LearningError, ValueError):
    """A training run was asked for with a setting that it cannot have."""


class TooLargeError(LearningError):
    """Training would need more memory than there is."""


class DivergedError(LearningError):
    """The loss became infinite or no number before anything good was learned."""


class LostProcessError(LearningError):
    """Another of the processes that train together has ended."""


class CheckpointError(LearningError):
    """A checkpoint cannot be read, or cannot be used as asked."""


class OtherGraphError(CheckpointError):
    """The checkpoint was learned from another graph."""
