"""From a spec to a torch module. Importing this package imports torch; pages that need no torch import it late."""

from __future__ import annotations

from operator import index

import torch

from ..spec.errors import SpecError
from ..spec.network import DropPath, Network, checked
from ..spec.shapes import refuse
from .forms import carry_forms
from .initialisers import generator, initialise
from .networks import ResidualNetwork
from .shortcuts import Add, Carry, Gate, Pad, Transform, open_gates
from .stochastic import draw_from, sources
from .units import Unit

__all__ = [
    "Add", "Carry", "Gate", "Pad", "ResidualNetwork", "Transform", "Unit", "build", "carry_forms", "draw_from",
    "open_gates", "reuse_memory", "survive",
]  # fmt: skip


DRAWS = "drop path and dropout"
"""What a network's generator is for: the seed and this text make it."""


def survive(model: torch.nn.Module, drop_path: DropPath, seed: int = 0) -> None:
    """Give the branches of a network those survival probabilities from now on, as if it had been built with them.

    Layers that are added draw from the network's own generator, or where it has none from the one that ``build`` makes
    of that seed.
    """
    units = [module for module in model.modules() if isinstance(module, Unit)]
    drawn = sources(model)
    added = [unit.survive(drop_path.of(number, len(units))) for number, unit in enumerate(units, 1)]
    if any(added):
        device = next(model.parameters()).device
        draw_from(model, drawn[0] if drawn else generator(seed, DRAWS, device))


def reuse_memory(model: torch.nn.Module, wanted: bool = True) -> None:
    """Let the ReLUs of blocks and stem write over their inputs where nothing else reads those: the same bits, sooner.

    For training alone: a hook that keeps what a layer gave, to look at it later, finds it overwritten. ``wanted``
    False puts everything back.
    """
    for name, module in model.named_modules():
        if isinstance(module, Unit):
            module.reuse_memory(wanted)
        elif name == "relu" and isinstance(module, torch.nn.ReLU):
            module.inplace = wanted  # the stem's: behind a norm or a convolution


def build(network: Network, device: str | torch.device = "cpu", seed: int = 0) -> ResidualNetwork:
    """The network as a module in training mode: [N, C, H, W] images -> [N, classes] scores.

    Names and order of the ``state_dict`` are torchvision's, so that its weights load strictly. The same seed
    gives layers of equal path and shape the same weights in any two networks and on any device. On the device
    "meta" nothing is drawn and no memory taken. Raises :class:`~resnet_viz.spec.SpecError` (pydantic's
    ``ValidationError`` for values out of bounds) with one sentence when the network cannot be built, when PyTorch
    has no such device here, or when the seed is no whole number from 0 to 2**63 - 1.

    A ``torch.fx`` trace keeps the mode in which it was taken: with drop path or shortcut dropout, one taken in training
    mode drops at random after ``model.eval()`` too. Call ``model.eval()`` first, then trace.
    """
    network, seed = checked(network), _seed(seed)
    refuse(network)
    model = ResidualNetwork(network)
    where = _device(device)
    if where.type != "meta":
        initialise(model, network.init, seed, where)
        draw_from(model, generator(seed, DRAWS, where))
    return model


def _device(device: str | torch.device) -> torch.device:
    try:
        where = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise SpecError(f"{device!r} is no device of PyTorch: use 'cpu', 'cuda' or 'meta'") from error
    if where.type == "cuda" and not torch.cuda.is_available():
        raise SpecError("there is no CUDA device here: use device='cpu'")
    if where.type == "cuda" and where.index is not None and where.index >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise SpecError(f"there is no CUDA device {where.index} here: use one from 0 to {count - 1}")
    if where.type != "meta":
        try:
            torch.empty(0, device=where)
            torch.Generator(where)
        except (RuntimeError, AssertionError, ImportError, AttributeError) as error:
            raise SpecError(f"PyTorch cannot use the device {str(where)!r} here: use device='cpu'") from error
    return where


def _seed(seed: int) -> int:
    try:
        number = -1 if isinstance(seed, bool) else index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**63:
        raise SpecError("seed must be a whole number from 0 to 2**63 - 1")
    return number
