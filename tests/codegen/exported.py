"""An exported network as its taker has it: written to a file, imported under a name of its own."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from resnet_viz import build
from resnet_viz.codegen import Style, to_source
from resnet_viz.nn.stochastic import Stochastic
from resnet_viz.spec import Network

_NUMBERS = itertools.count()


def imported(text: str, folder: Path) -> ModuleType:
    """The source as a module."""
    name = f"exported_{next(_NUMBERS)}"
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def images(network: Network, batch: int = 3) -> torch.Tensor:
    source = torch.Generator().manual_seed(1)
    shape = (batch, network.input.channels, network.input.height, network.input.width)
    return torch.randn(shape, generator=source, dtype=torch.float64)


def made(network: Network, style: Style, folder: Path) -> nn.Module:
    """The exported network with its own starting weights, in float64: the first public name, called bare."""
    text = to_source(network, style)
    assert "import resnet_viz" not in text
    module = imported(text, folder)
    model: nn.Module = getattr(module, module.__all__[0])().double()
    if style == "lazy":
        model.eval()(images(network))
        model.train()
        if hasattr(module, "init_weights"):
            model.apply(module.init_weights)
    return model


def assert_equal(network: Network, style: Style, folder: Path) -> None:
    """Same keys in the same order, the same weights start as zero, and with our weights the same outputs.

    In training outputs are compared only where no layer draws random numbers.
    """
    ours, theirs = build(network).double(), made(network, style, folder)
    weights = ours.state_dict()
    assert list(theirs.state_dict()) == list(weights)
    for key, value in theirs.state_dict().items():
        assert bool(value.any()) == bool(weights[key].any()), key
        if key.endswith("gate.conv.bias"):
            torch.testing.assert_close(value, weights[key])
    theirs.load_state_dict(weights, strict=True)
    x = images(network)
    drawn = any(isinstance(module, Stochastic) for module in ours.modules())
    with torch.no_grad():
        for training in (False,) if drawn else (False, True):
            expected, got = ours.train(training)(x), theirs.train(training)(x)
            torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9, equal_nan=True)


def unformatted(folder: Path) -> str:
    """What ruff, with its defaults, has against the files."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    assert ruff is not None, "ruff is needed: pip install -r requirements-dev.txt"
    said = ""
    for command in (["format", "--diff"], ["check"]):
        done = subprocess.run([ruff, *command, "--isolated", "--no-cache", folder], capture_output=True, text=True)
        said += done.stdout + done.stderr if done.returncode else ""
    return said
