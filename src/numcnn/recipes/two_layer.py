"""Two dense layers, 784-10-10, and gradient descent over all images at once: where many began.

Source: S. Zhang, "Simple MNIST NN from scratch (numpy, no TF/Keras)", Kaggle, 2020, which trains on
Kaggle's Digit Recognizer:
https://www.kaggle.com/code/wwsalmon/simple-mnist-nn-from-scratch-numpy-no-tf-keras

Kept are the network, pixels / 255, the rate of 0.1 and the 500 steps, each over the whole training
part. So an epoch is one step here. Changed are three things:

- The original sums the gradient of the biases over all units too, so that they all move alike.
  Here each has its own.
- It draws all parameters from -0.5 to 0.5. Here weights begin with He's spread and biases at zero.
- It sets 1,000 images of 42,000 aside to look at; here it is a tenth, as in all recipes, and it
  says which step's weights are kept.
"""

from numcnn.nn import SGD, Constant, Dense, Flatten, ReLU, Rescaling, Sequential, Shape
from numcnn.recipes.recipe import Recipe


def network(
    image_shape: Shape,  # noqa: ARG001 (any will do)
    classes: int,
    units: int = 10,
) -> Sequential:
    """Make the network, for images of any size.

    Args:
        image_shape: ``(height, width, channels)``.
        classes: How many outputs.
        units: The outputs of the first layer.
    """
    return Sequential([Rescaling(), Flatten(), Dense(units), ReLU(), Dense(classes)])


TWO_LAYER = Recipe(
    name="two-layer",
    summary="784-10-10 with ReLU; 500 steps of gradient descent over all images",
    network=network,
    epochs=500,
    batch_size=None,
    learning_rate=0.1,
    schedule=Constant,
    optimizer=SGD,
    smallest_side=1,
    reported="about 85%",
)
