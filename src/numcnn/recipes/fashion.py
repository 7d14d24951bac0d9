"""For Fashion-MNIST: the default network, wider, with mirrored clothes instead of turned ones.

Its settings were chosen on validation images taken from Fashion-MNIST's training part.

Source of the data: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
machine learning algorithms", 2017.
"""

from functools import partial

from numcnn.data import Compose, HorizontalFlip, RandomAffine
from numcnn.nn import Adam, OneCycle
from numcnn.recipes.convnet import network
from numcnn.recipes.recipe import Recipe

FASHION = Recipe(
    name="fashion",
    summary="convnet, wider, with mirrored images and small shifts and zooms",
    network=partial(network, width=24, dropout=0.4),
    epochs=14,
    batch_size=128,
    learning_rate=0.01,
    schedule=OneCycle,
    optimizer=partial(Adam, weight_decay=0.02),
    augmentation=Compose((HorizontalFlip(), RandomAffine(shift=0.05, zoom=0.05))),
    average=0.998,
)
