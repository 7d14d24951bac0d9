"""Random networks of numcnn's own layers."""

from typing import Any

from hypothesis import strategies as st

from numcnn.nn import Sequential
from numcnn.nn.layers import LAYERS
from tests.engine.networks import Network, fill, networks


def own_networks() -> st.SearchStrategy[Network]:
    """As those that the engine is tested with, but layers of somebody else are left out."""
    return networks().map(_without_foreign_layers)


def _without_foreign_layers(network: Network) -> Network:
    def replaced(config: dict[str, Any]) -> dict[str, Any]:
        if config["layer"] not in LAYERS:
            return {"layer": "ReLU"}
        ways = {
            name: [replaced(inner) for inner in value]
            for name, value in config.items()
            if isinstance(value, list) and value and isinstance(value[0], dict)
        }
        return config | ways

    model = Sequential.from_config([replaced(layer) for layer in network.model.config()])
    model.build(network.model.input_shape, network.seed)
    fill(model, network.seed)
    return Network(model, network.batch, network.seed)
