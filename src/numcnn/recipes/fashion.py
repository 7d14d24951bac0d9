"""For Fashion-MNIST: the default network, wider, with mirrored clothes instead of turned ones.

Clothes lie all in the same place and size, so there is no use in moving them; what helps is a
larger network, and less dropout.

Its settings were chosen on validation images taken from Fashion-MNIST's training part.

Source of the data: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
machine learning algorithms", 2017.
"""

from functools import partial

from numcnn.augmentation import HorizontalFlip
from numcnn.nn import Adam, OneCycle
from numcnn.recipes.convnet import network
from numcnn.recipes.recipe import Recipe

FASHION = Recipe(
    name="fashion",
    summary="convnet, wider, with mirrored images",
    network=partial(network, width=24, units=256, dropout=0.2),
    epochs=10,
    batch_size=128,
    learning_rate=0.01,
    schedule=OneCycle,
    optimizer=partial(Adam, weight_decay=0.02),
    augmentation=HorizontalFlip(),
    average=0.998,
)
