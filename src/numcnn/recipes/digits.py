"""For the 8 x 8 digits that come with numcnn: seconds to train, and no download.

There are only 1,438 images to learn from, so they are gone through often and varied much. Its
settings were chosen on validation images taken from these.
"""

from functools import partial

from numcnn.augmentation import RandomAffine
from numcnn.nn import Adam, OneCycle
from numcnn.recipes.convnet import network
from numcnn.recipes.recipe import Recipe

DIGITS = Recipe(
    name="digits",
    summary="convnet for 8 x 8 pixels, many short epochs",
    network=partial(network, width=24),
    epochs=40,
    batch_size=64,
    learning_rate=0.01,
    schedule=OneCycle,
    optimizer=Adam,
    augmentation=RandomAffine(rotation=10, shift=0.1, zoom=0.1, shear=5),
    average=0.99,
)
