"""Trains several networks on however many ranks there are, and prints what came out."""

import hashlib
import sys

import numpy as np

from numcnn import nn
from numcnn.augmentation import RandomAffine
from numcnn.distributed import Ranks, is_first, ranks
from numcnn.training import Callback, fit


def networks():
    yield (
        "keras",
        [
            *(
                nn.Conv2D(16, 3),
                nn.ReLU(),
                nn.Conv2D(16, 3),
                nn.ReLU(),
                nn.MaxPool2D(2),
                nn.Dropout(0.25),
                nn.Flatten(),
            ),
            *(nn.Dense(64), nn.ReLU(), nn.Dropout(0.5), nn.Dense(4)),
        ],
    )
    yield (
        "bn",
        [
            *(
                nn.Conv2D(16, 3),
                nn.BatchNorm(),
                nn.ReLU(),
                nn.Conv2D(16, 3),
                nn.ReLU(),
                nn.MaxPool2D(4),
                nn.Flatten(),
            ),
            *(nn.Dense(32), nn.BatchNorm(), nn.ReLU(), nn.Dense(4)),
        ],
    )
    block = [nn.Conv2D(12, 3, padding="same"), nn.BatchNorm(), nn.ReLU()]
    yield (
        "residual",
        [
            *(nn.Conv2D(12, 3, padding="same"), nn.BatchNorm(), nn.ReLU(), nn.Residual(block)),
            *(nn.LayerNorm(), nn.GlobalAveragePool2D(), nn.Dense(4)),
        ],
    )


def local_rows(self, rows):
    """Instead of `Ranks.gather`: each rank's own rows, as if they were everybody's."""
    return np.concatenate([rows] * self.size)


class Drifts(Callback):
    """Other weights on the last rank."""

    def batch_end(self, moment):
        if ranks() is not None and ranks().rank == ranks().size - 1:
            moment.model.parameters[0] += 1


class Fails(Callback):
    """An error on the last rank, in the middle of an epoch."""

    def batch_end(self, moment):
        if ranks() is not None and ranks().rank == ranks().size - 1:
            raise OSError("no more disk")


def main(folder):
    fault = sys.argv[3] if len(sys.argv) > 3 else ""
    if fault == "local":
        Ranks.gather = local_rows
    # Large enough that every batch but the ragged last one is worth four shards.
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (403, 28, 28, 1)).astype(np.uint8)
    y = rng.integers(0, 4, 403)
    for name, layers in networks():
        for engine in ("auto", "layers") if name == "bn" else ("auto",):
            model = nn.Sequential([nn.Rescaling(), *layers])
            checkpoint = f"{folder}/{name}-{engine}.safetensors"
            history = fit(
                model,
                x,
                y,
                (x[:50], y[:50]),
                epochs=int(sys.argv[2]),
                batch_size=200,
                optimizer=nn.SGD(learning_rate=0.05, momentum=0.9),
                augmentation=RandomAffine(rotation=10),
                seed=3,
                engine=engine,
                checkpoint=checkpoint,
                resume=True,
                progress="none",
                callbacks=[{"error": Fails, "drift": Drifts}[fault]()]
                if fault in ("error", "drift")
                else (),
            )
            arrays = [model.parameters, model.statistics]
            digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
            digests = [digest]
            if (world := ranks()) is not None:
                digests = world.all(digest)
            assert len(set(digests)) == 1, f"{name}: the ranks' weights differ: {digests}"
            if is_first():
                sys.stdout.write(f"{name} {engine} {digest} {history.records[-1].loss}\n")


if __name__ == "__main__":
    main(sys.argv[1])
