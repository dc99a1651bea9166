"""What ships for the page Information: readings of every estimator, and a trained LeNet5."""

import gzip
import json
import zlib
from functools import cache
from typing import Any

from torch import nn

from mipp_core.errors import DataError
from mipp_core.experiments.networks import initial_network
from mipp_core.reports.archive import SHIPPED
from mipp_core.runs.spec import NetworkSpec
from mipp_core.store.files import read_tensors
from mipp_core.training import RECIPES

PACKED = SHIPPED / "information.gz"
"""As JSON: ``pairs``, a document per pair of variables, and ``dense``, how the network was made."""

WEIGHTS = SHIPPED / "information.safetensors"
"""Of the dense network, in half precision."""

DENSE = NetworkSpec("lenet5", "mnist-sample", seed=0, recipe=RECIPES["live"])
"""The network whose layers are rebuilt."""


@cache
def shipped_information() -> dict[str, Any]:
    """Return the document; not to be changed.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        found: dict[str, Any] = json.loads(gzip.decompress(PACKED.read_bytes()))
    except (OSError, ValueError, EOFError, zlib.error) as problem:
        raise DataError(f"The shipped readings in {PACKED} are damaged ({problem}); install it again.") from problem
    return found


def shipped_network() -> nn.Module:
    """Return the trained network, in single precision.

    Raises:
        DataError: its file is missing or damaged.
    """
    tensors = read_tensors(WEIGHTS)
    if tensors is None:
        raise DataError(f"The shipped network in {WEIGHTS} is missing or damaged; install the package again.")
    network = initial_network(DENSE)
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return network
