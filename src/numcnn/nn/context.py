"""The context of one forward and backward pass: mode, random generator, memory, gradients."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from numcnn.nn.arrays import Array


@final
class Context:
    """Belongs to one forward pass and the backward pass that may follow it.

    A layer keeps nothing of a call in itself, so one model can serve many threads, each with a
    context of its own. What `forward` leaves for `backward` waits here, and so do the gradients
    that `backward` finds, and the running statistics that training would change.

    Attributes:
        training: True while learning: dropout drops, batch normalization uses the batch's own
            statistics. False for inference.
        grads: For each layer with parameters, d loss / d parameter by the parameter's name, in
            the parameter's shape. Assigned by `backward`, never added up.
        new_state: For each layer that keeps running statistics, their values after this pass.
            `forward` does not write them into the layer; `Sequential.apply_state_updates` does.
    """

    def __init__(
        self,
        training: bool = False,
        rng: np.random.Generator | None = None,
        differentiable: bool | None = None,
    ) -> None:
        """Start a pass.

        Args:
            training: The mode.
            rng: Where dropout takes its random numbers from. Only needed by layers that draw.
            differentiable: Whether a backward pass may follow, so that `forward` has to remember.
                By default, as ``training`` says. A saliency map wants the gradient of
                inference: ``Context(training=False, differentiable=True)``.
        """
        self.training = training
        self.grads: dict[object, dict[str, Array]] = {}
        self.new_state: dict[object, dict[str, Array]] = {}
        self._rng = rng
        self._differentiable = training if differentiable is None else differentiable
        self._saved: dict[object, tuple[Any, ...]] = {}

    @property
    def rng(self) -> np.random.Generator:
        """The random generator of this pass.

        Raises:
            ValueError: None was given.
        """
        if self._rng is None:
            raise ValueError(
                "this pass draws random numbers but its Context has no generator; "
                "give one: Context(training=True, rng=numpy.random.default_rng(seed)). "
                'A layer that draws has acts_on = "batch"'
            )
        return self._rng

    def save(self, layer: object, *values: Any) -> None:
        """Keep what ``layer``'s backward pass needs; forgotten at once if none will follow."""
        if self._differentiable:
            self._saved[layer] = values

    def take(self, layer: object) -> tuple[Any, ...]:
        """Hand back what ``layer`` saved, and let go of it, so that memory shrinks on the way.

        Raises:
            ValueError: There is nothing: no differentiable forward pass came before.
        """
        try:
            return self._saved.pop(layer)
        except KeyError:
            raise ValueError(
                f"backward of {layer!r} found nothing from forward; run forward first with the "
                "same Context, made with training=True or differentiable=True, and backward once"
            ) from None
