"""LeNet-5, trained to 99% on MNIST in a few seconds.

The network is `numcnn.recipes.lenet5`'s. One cycle goes up to a high rate and down to nothing
within a few epochs, decoupled weight decay holds the weights back meanwhile, and there is no
augmentation, which pays only in longer trainings.

Rate, weight decay, batch size and the number of epochs were chosen with a twelfth of MNIST's
training images held out. The recipe learns from all of them and keeps the last epoch, since the
rate ends at nothing.

Source of the schedule: Smith and Topin, "Super-convergence: very fast training of neural networks
using large learning rates", 2019; of the weight decay: Loshchilov and Hutter, "Decoupled weight
decay regularization", 2019.
"""

from functools import partial

from numcnn.nn import Adam, OneCycle
from numcnn.recipes.lenet5 import network
from numcnn.recipes.recipe import Recipe

LENET5_FAST = Recipe(
    name="lenet5-fast",
    summary="LeNet-5 to 99% on MNIST in seconds",
    network=network,
    epochs=3,
    batch_size=128,
    learning_rate=0.015,
    schedule=partial(OneCycle, warm_up=0.2),
    optimizer=partial(Adam, weight_decay=0.1),
    validation_split=0.0,
)
