"""Estimators after scikit-learn's conventions, over the same training as everywhere else.

::

    from numcnn.estimator import ImageClassifier

    classifier = ImageClassifier("four-conv", image_shape=(28, 28), epochs=3)
    cross_val_score(classifier, X, y)

All parameters are plain values, so that `sklearn.base.clone`, ``GridSearchCV`` and pipelines work
with them. Needs scikit-learn: ``pip install 'numcnn[estimator]'``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from numcnn import recipes, training
from numcnn.augmentation import augmentation_from_config
from numcnn.nn import (
    Dense,
    Flatten,
    Layer,
    Loss,
    MeanSquaredError,
    Normalization,
    Optimizer,
    ReLU,
    Schedule,
    Sequential,
    Shape,
    SoftmaxCrossEntropy,
)
from numcnn.nn.layers import as_layer
from numcnn.training.by_name import as_optimizer
from numcnn.training.targets import as_inputs

try:
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        RegressorMixin,
        TransformerMixin,
    )
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "numcnn.estimator needs scikit-learn 1.6 or newer: pip install 'numcnn[estimator]'"
    ) from error

Parts = str | Sequence[Layer | str] | Callable[[], Sequence[Layer | str]] | None

_HIDDEN = 64
"""Units of the network that is trained where none is given."""


class _NetworkEstimator(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """What both estimators share: the parameters, and the training."""

    def __init__(
        self,
        network: Parts = None,
        *,
        image_shape: Sequence[int] | None = None,
        epochs: int = 20,
        batch_size: int = 32,
        optimizer: Optimizer | str | None = None,
        learning_rate: float | Schedule | None = None,
        augmentation: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 5,
        average: float | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.network = network
        self.image_shape = image_shape
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.augmentation = augmentation
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.average = average
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def transform(self, X: Any) -> NDArray[Any]:
        """Compute the features that the last layer decides by: the output of the one before it.

        Args:
            X: As `fit` takes it.

        Returns:
            ``(count, features)``, float64 if ``X`` is, or else float32.
        """
        inputs = self._validated(X)
        found = self._headless().outputs(inputs).reshape(len(inputs), -1)
        return found.astype(np.float64) if inputs.dtype == np.float64 else found

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """The names of what `transform` gives, as ``set_output`` needs them."""
        check_is_fitted(self)
        count = int(np.prod(self._headless().output_shape))
        name = type(self).__name__.lower()
        return np.array([f"{name}{place}" for place in range(count)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _train(self, X: Any, y: Any, sample_weight: Any, outputs: int, epochs: int) -> Self:
        """Go on from `model_` if there is one, or begin."""
        inputs = self._as_images(X)
        seed = int(check_random_state(self.random_state).randint(2**31))
        if not hasattr(self, "model_"):
            self.model_ = Sequential(self._layers(outputs, inputs.shape[1:]))
            self._optimizer = self._new_optimizer()
            self.n_iter_ = 0
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float32)
        share = self.validation_fraction if self.early_stopping else 0.0
        history = training.fit(
            self.model_,
            inputs,
            y,
            epochs=epochs,
            batch_size=self._batch_size(len(inputs), share),
            optimizer=self._optimizer,
            loss=self._loss(),
            sample_weight=sample_weight,
            augmentation=self._augmentation(),
            average=self.average,
            validation_split=share,
            seed=seed,
            callbacks=[training.EarlyStopping(self.patience)] if self.early_stopping else [],
            progress="auto" if self.verbose else "none",
            threads=None if self.n_jobs in (None, -1) else max(1, int(self.n_jobs)),
        )
        self.history_ = history
        self.loss_curve_ = history.values("loss")
        self.n_iter_ += len(history)
        if self.early_stopping and len(history) == epochs and epochs > self.patience:
            warnings.warn(
                f"the training was still getting better after {epochs} epochs; give more epochs",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def _loss(self) -> Loss:
        raise NotImplementedError

    def _batch_size(self, count: int, share: float) -> int:
        """The batch size; with one more example in each batch where one would be left over."""
        trained = count - round(count * share)
        size = min(int(self.batch_size), max(trained, 1))
        while size > 1 and trained % size == 1:
            size += 1
        return size

    def _layers(self, outputs: int, shape: Shape) -> list[Layer]:
        network = self.network
        if isinstance(network, str):
            if len(shape) != 3:
                raise ValueError(
                    f"network is {network!r}, which takes images, and X has {shape} numbers an "
                    "example; give image_shape"
                )
            return list(recipes.find(network, "").new_network(shape, outputs).layers)
        if network is None:
            return [Normalization(), Flatten(), Dense(_HIDDEN), ReLU(), Dense(outputs)]
        layers = [as_layer(each) for each in (network() if callable(network) else network)]
        # The parameter stays as it was given: what is trained is a copy.
        return [deepcopy(layer) for layer in layers]

    def _new_optimizer(self) -> Optimizer:
        if self.optimizer is None and isinstance(self.network, str):
            recipe = recipes.find(self.network, "")
            return replace(recipe, **self._rate()).new_optimizer()
        optimizer = deepcopy(as_optimizer(self.optimizer))
        if self.learning_rate is not None:
            optimizer.learning_rate = self.learning_rate
            optimizer.__post_init__()
        return optimizer

    def _rate(self) -> dict[str, Any]:
        return {} if self.learning_rate is None else {"learning_rate": self.learning_rate}

    def _augmentation(self) -> Any:
        if isinstance(self.augmentation, Mapping):
            return augmentation_from_config(dict(self.augmentation))
        return self.augmentation

    def _as_images(self, X: Any) -> NDArray[Any]:
        if self.image_shape is None:
            return as_inputs(X)
        inputs = np.asarray(X)
        shape = tuple(self.image_shape)
        size = int(np.prod(shape))
        if int(np.prod(inputs.shape[1:])) != size:
            raise ValueError(
                f"image_shape is {shape}, and X has {int(np.prod(inputs.shape[1:]))} numbers an "
                f"example; give {size} numbers, or another image_shape"
            )
        return inputs.reshape(len(inputs), *(shape if len(shape) == 3 else (*shape, 1)))

    def _validated(self, X: Any) -> NDArray[Any]:
        check_is_fitted(self, "model_")
        return self._as_images(validate_data(self, X, reset=False, **_AS_GIVEN))

    def _headless(self) -> Sequential:
        """The trained network without its last layer."""
        body = Sequential(self.model_.layers[:-1])
        body.build(self.model_.input_shape)
        return body


_AS_GIVEN = {"dtype": "numeric", "allow_nd": True, "ensure_all_finite": True}
"""Images keep their axes and their type: uint8 needs a quarter of the memory of float32."""


@final
class ImageClassifier(ClassifierMixin, _NetworkEstimator):  # type: ignore[misc]
    """A network that tells classes apart, as a classifier of scikit-learn.

    ``X`` is a table ``(count, features)``, or images ``(count, height, width)`` or ``(count,
    height, width, channels)``, flat or not. ``y`` are classes of any kind.

    Args:
        network: The name of a recipe (see `numcnn.recipes`), a list of layers that ends with
            ``Dense(classes)``, or a function that makes one; a layer of 64 hidden units if None.
        image_shape: ``(height, width)`` or ``(height, width, channels)``, to make images of flat
            rows; None if ``X`` has its shape already.
        epochs: How many times to go through the training data.
        batch_size: Examples a step.
        optimizer: The name of an optimizer, or one; if None the recipe's, or Adam.
        learning_rate: The optimizer's, or the highest of the recipe's schedule; as they have it if
            None.
        augmentation: One of `numcnn.augmentation` or its ``config()``, or a function; None for
            none.
        early_stopping: Whether to set a part of the data aside, keep the epoch that is best on it,
            and stop when nothing gets better.
        validation_fraction: How large that part is, from 0 to below 1.
        patience: After how many epochs without a better one to stop.
        average: The decay of a moving average of the weights; None for none.
        warm_start: Whether `fit` goes on from the network of the last call.
        random_state: A seed, a generator of NumPy's older kind, or None for chance.
        n_jobs: Threads; all cores if None or -1. It changes no bit of the result.
        verbose: Whether to show the training.
        class_weight: A weight for each class, as ``{class: weight}``, "balanced", or None.

    Attributes:
        classes_: The classes, sorted.
        model_: The trained `numcnn.nn.Sequential`.
        history_: What happened in each epoch of the last call, a `numcnn.training.History`.
        loss_curve_: The training loss of each of these epochs.
        n_iter_: How many epochs were trained in all.
        n_features_in_: The second axis of ``X``.
        feature_names_in_: The names of its columns, if it had any.
    """

    def __init__(
        self,
        network: Parts = None,
        *,
        image_shape: Sequence[int] | None = None,
        epochs: int = 20,
        batch_size: int = 32,
        optimizer: Optimizer | str | None = None,
        learning_rate: float | Schedule | None = None,
        augmentation: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 5,
        average: float | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool | int = False,
        class_weight: Mapping[Any, float] | str | None = None,
    ) -> None:
        super().__init__(
            network,
            image_shape=image_shape,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            learning_rate=learning_rate,
            augmentation=augmentation,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            patience=patience,
            average=average,
            warm_start=warm_start,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train.

        Args:
            X: The inputs.
            y: A class for each, ``(count,)``.
            sample_weight: How much each example counts, ``(count,)``.

        Raises:
            ValueError: The data or a parameter are not what they should be.
        """
        X, y = validate_data(self, X, y, **_AS_GIVEN)
        check_classification_targets(y)
        classes = np.unique(y)
        if not (self.warm_start and hasattr(self, "model_")):
            self.__dict__.pop("model_", None)
            self.classes_ = classes
        elif not np.isin(classes, self.classes_).all():
            raise ValueError(
                f"y has classes that the network of the last fit does not know: {classes}; give "
                f"{self.classes_}, or set warm_start to False"
            )
        numbers = np.searchsorted(self.classes_, y)
        return self._train(X, numbers, sample_weight, len(self.classes_), self.epochs)

    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: Any = None,
        sample_weight: Any = None,
    ) -> Self:
        """Train one epoch more on these data.

        Args:
            X: The inputs.
            y: A class for each.
            classes: All classes that there will be; needed in the first call.
            sample_weight: How much each example counts.

        Raises:
            ValueError: The data are not what they should be, or ``y`` has other classes.
        """
        is_first = not hasattr(self, "model_")
        X, y = validate_data(self, X, y, reset=is_first, **_AS_GIVEN)
        check_classification_targets(y)
        if is_first:
            self.classes_ = np.unique(y if classes is None else classes)
        if classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes is {classes}, and was {self.classes_}; give the same")
        if not np.isin(y, self.classes_).all():
            raise ValueError(
                f"y has classes that are not in {self.classes_}; give all in the first call: "
                "partial_fit(X, y, classes=...)"
            )
        numbers = np.searchsorted(self.classes_, y)
        return self._train(X, numbers, sample_weight, len(self.classes_), 1)

    def predict(self, X: Any) -> NDArray[Any]:
        """Say each example's class.

        Returns:
            ``(count,)``, of `classes_`.
        """
        found = self.predict_proba(X).argmax(axis=1)
        return self.classes_[found]

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Compute the probability of each class.

        Returns:
            float32 ``(count, classes)``, in the order of `classes_`.
        """
        inputs = self._validated(X)
        found: NDArray[np.float32] = self.model_.predict_proba(inputs)
        return found

    def _loss(self) -> Loss:
        weights = self.class_weight
        if weights is None or isinstance(weights, str):
            return SoftmaxCrossEntropy()
        return SoftmaxCrossEntropy(
            class_weights=[float(weights.get(name, 1.0)) for name in self.classes_.tolist()]
        )

    def _train(self, X: Any, y: Any, sample_weight: Any, outputs: int, epochs: int) -> Self:
        weights = self.class_weight
        if isinstance(weights, str):
            if weights != "balanced":
                raise ValueError(
                    f'class_weight is {weights!r}; give "balanced" or {{class: weight}}'
                )
            counts = np.bincount(y, minlength=outputs)
            balanced = len(y) / (outputs * np.maximum(counts, 1))
            given = 1.0 if sample_weight is None else np.asarray(sample_weight)
            sample_weight = balanced[y] * given
        return super()._train(X, y, sample_weight, outputs, epochs)


@final
class Regressor(RegressorMixin, _NetworkEstimator):  # type: ignore[misc]
    """A network that predicts values, as a regressor of scikit-learn; the loss is squared error.

    ``X`` as `ImageClassifier` takes it; ``y`` values ``(count,)`` or ``(count, outputs)``, which
    are standardized for the training and brought back by `predict`. The parameters are those of
    `ImageClassifier`, but for the classes' weights; a network that is given ends with
    ``Dense(outputs)``.

    Attributes:
        model_: The trained `numcnn.nn.Sequential`, of standardized values.
        mean_: What was taken off the values, ``(outputs,)``.
        scale_: What they were divided by, ``(outputs,)``.
        history_: What happened in each epoch of the last call, a `numcnn.training.History`.
        loss_curve_: The training loss of each of these epochs.
        n_iter_: How many epochs were trained in all.
        n_features_in_: The second axis of ``X``.
        feature_names_in_: The names of its columns, if it had any.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train; see `ImageClassifier.fit`. ``y`` are values."""
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, **_AS_GIVEN)
        if not (self.warm_start and hasattr(self, "model_")):
            self.__dict__.pop("model_", None)
            self._standardize(y)
        return self._train_values(X, y, sample_weight, self.epochs)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one epoch more on these data; the first call fixes the values' mean and scale."""
        is_first = not hasattr(self, "model_")
        X, y = validate_data(
            self, X, y, reset=is_first, multi_output=True, y_numeric=True, **_AS_GIVEN
        )
        if is_first:
            self._standardize(y)
        return self._train_values(X, y, sample_weight, 1)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Say each example's values; in float64 where ``X`` is, or else in float32, and faster.

        Returns:
            float64 ``(count,)`` or ``(count, outputs)``, as ``y`` was.
        """
        inputs = self._validated(X)
        model = self.model_.astype(np.float64) if inputs.dtype == np.float64 else self.model_
        values = model.outputs(inputs).astype(np.float64) * self.scale_ + self.mean_
        return values[:, 0] if self._is_flat else values

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _standardize(self, y: NDArray[Any]) -> None:
        rows = y.reshape(len(y), -1).astype(np.float64)
        self._is_flat = y.ndim == 1
        self.mean_, self.scale_ = rows.mean(axis=0), rows.std(axis=0)
        self.scale_[self.scale_ == 0] = 1

    def _train_values(self, X: Any, y: Any, sample_weight: Any, epochs: int) -> Self:
        rows = (y.reshape(len(y), -1).astype(np.float64) - self.mean_) / self.scale_
        return self._train(X, rows, sample_weight, rows.shape[1], epochs)

    def _loss(self) -> Loss:
        return MeanSquaredError()
