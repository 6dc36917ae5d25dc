"""The errors a user can cause; each message says in one line what is wrong and what to do."""

from pipelines.redaction import redacted


class FrozenFeaturesError(Exception):
    """Root of every error this project raises on purpose; ends a command with `exit_status`."""

    exit_status = 1

    def __str__(self) -> str:
        """The message; URLs in it are without what is secret, wherever it is shown or kept."""
        return redacted(super().__str__())


class UsageError(FrozenFeaturesError):
    """The arguments are wrong: nothing was attempted."""

    exit_status = 2


class InputError(UsageError):
    """The input (folder or manifest) cannot be listed as images, labels and splits."""


class ContractMismatchError(UsageError):
    """Features of two contracts were about to be mixed or compared."""


class WeightsError(FrozenFeaturesError):
    """No source gave the weights that were asked for, or they are not what they claim to be."""


class BaseFileError(FrozenFeaturesError):
    """A file cannot be a base: it is damaged, takes no image, or holds somebody's own code."""


class TableError(FrozenFeaturesError):
    """The feature table is missing, damaged, or holds something other than features."""


class CommitRefusedError(FrozenFeaturesError):
    """The commit gate found a reason not to add the files; the table is as it was."""


class ImageError(FrozenFeaturesError):
    """One image cannot be used; it costs itself only and becomes a recorded failure."""


class ModelError(FrozenFeaturesError):
    """A model folder is missing, damaged, or was made for other features."""


class TrackingError(FrozenFeaturesError):
    """A store of runs, such as MLflow's, does not take one."""


class EngineError(FrozenFeaturesError):
    """An engine did not run."""


class UnsuitableEngineError(EngineError):
    """An engine cannot run a base, or gives other features than Keras; it would be so again."""
