"""Training: the loop, what it measures and writes down, and how it stops and goes on."""

from numcnn.training.callbacks import Callback, EarlyStopping, Moment
from numcnn.training.checkpoint import ReproducibilityWarning
from numcnn.training.fit import fit
from numcnn.training.history import EpochRecord, History
from numcnn.training.metrics import (
    METRICS,
    Evaluation,
    accuracy,
    confusion_matrix,
    evaluate,
    evaluate_probabilities,
)
from numcnn.training.progress import epoch_line
from numcnn.training.stepper import EpochProgress, Step, Stepper, TrainingDiverged

__all__ = [
    "METRICS",
    "Callback",
    "EarlyStopping",
    "EpochProgress",
    "EpochRecord",
    "Evaluation",
    "History",
    "Moment",
    "ReproducibilityWarning",
    "Step",
    "Stepper",
    "TrainingDiverged",
    "accuracy",
    "confusion_matrix",
    "epoch_line",
    "evaluate",
    "evaluate_probabilities",
    "fit",
]
