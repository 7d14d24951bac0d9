"""What a training that is resumed must have in common with the one that was interrupted."""

from collections.abc import Mapping
from typing import Any

from numcnn.nn import Optimizer
from numcnn.nn.validation import is_whole
from numcnn.training.history import History


def require_same_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with other settings than a training began with.

    Raises:
        ValueError: A setting is another one; the message names each.
    """
    changed = [
        f"{name} was {before.get(name)!r} and is {now.get(name)!r}"
        for name in sorted({*now, *before})
        if now.get(name) != before.get(name)
    ]
    if changed:
        raise ValueError(
            f"this training has other settings: {'; '.join(changed)}; "
            "resume with the same ones, or start anew without resuming"
        )


def goes_on_longer(
    before: Mapping[str, Any], now: Mapping[str, Any], optimizer: Optimizer
) -> bool | None:
    """Whether more epochs than before change the learning rate; None if there are not more."""
    if not is_whole(before.get("epochs"), 1) or before["epochs"] >= now["epochs"]:
        return None
    schedule = optimizer.schedule
    moments = [before["epochs"] * part / 8 for part in range(8)]
    return any(
        schedule(moment, before["epochs"]) != schedule(moment, now["epochs"]) for moment in moments
    )


def with_shards(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings by today's names: shards were called lanes once."""
    return {"shards" if name == "lanes" else name: value for name, value in settings.items()}


def require_possible_history(history: History, settings: Mapping[str, Any]) -> None:
    """See that a training with these settings can have such a history, after an epoch at least."""
    if not 1 <= len(history) <= settings["epochs"]:
        raise ValueError(f"its history has {len(history)} of {settings['epochs']} epochs")
    is_validated = settings["validation_images"] is not None
    for number, record in enumerate(history.records, 1):
        has_accuracy = record.accuracy is not None and is_validated
        judged = (record.validation_loss is not None) == is_validated and (
            record.validation_accuracy is not None
        ) == has_accuracy
        if record.epoch != number or not judged:
            raise ValueError(f"its history has {record.as_dict()} as epoch {number}")
