"""From a spec to a torch module. Importing this package imports torch; pages that need no torch import it late."""

from __future__ import annotations

import torch

from ..spec.errors import SpecError
from ..spec.network import Network, checked
from ..spec.shapes import refuse
from .forms import carry_forms
from .initialisers import generator, initialise
from .networks import ResidualNetwork
from .shortcuts import Add, Carry, Gate, Pad, Transform, open_gates
from .stochastic import draw_from
from .units import Unit

__all__ = [
    "Add", "Carry", "Gate", "Pad", "ResidualNetwork", "Transform", "Unit", "build", "carry_forms", "draw_from",
    "open_gates",
]  # fmt: skip


def build(network: Network, device: str | torch.device = "cpu", seed: int = 0) -> ResidualNetwork:
    """The network as a module in training mode: [N, C, H, W] images -> [N, classes] scores.

    Names and order of the ``state_dict`` are torchvision's, so that its weights load strictly. The same seed
    gives layers of equal path and shape the same weights in any two networks and on any device. On the device
    "meta" nothing is drawn and no memory taken. Raises :class:`~resnet_viz.spec.SpecError` (pydantic's
    ``ValidationError`` for values out of bounds) with one sentence when the network cannot be built.
    """
    network = checked(network)
    refuse(network)
    model = ResidualNetwork(network)
    where = _device(device)
    if where.type != "meta":
        initialise(model, network.init, seed, where)
        draw_from(model, generator(seed, "drop path and dropout", where))
    return model


def _device(device: str | torch.device) -> torch.device:
    try:
        where = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise SpecError(f"{device!r} is no device of PyTorch: use 'cpu', 'cuda' or 'meta'") from error
    if where.type == "cuda" and not torch.cuda.is_available():
        raise SpecError("there is no CUDA device here: use device='cpu'")
    return where
