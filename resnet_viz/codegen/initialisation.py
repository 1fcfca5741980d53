"""How the exported network's weights start, as one function that ``Module.apply`` calls on every module."""

from __future__ import annotations

from collections.abc import Sequence

from ..spec.network import Init
from .blocks import Written
from .lines import Group, Piece
from .words import SCHEMES

Rule = tuple[tuple[str, ...], list[str]]
"""Classes, and what is done with a module of one of them."""

_KAIMING = 'nn.init.kaiming_normal_(module.weight, mode="{}", nonlinearity="relu")'


def init_weights(init: Init, written: Sequence[Written], *, conv_bias: bool) -> Piece | None:
    """The function, or None where torch's defaults are what is asked for."""
    rules: list[Rule] = []
    if init.scheme in ("kaiming_fan_out", "kaiming_fan_in"):
        zero = ["if module.bias is not None:", "    nn.init.zeros_(module.bias)"] if conv_bias else []
        rules.append((("nn.Conv2d",), [_KAIMING.format(init.scheme.removeprefix("kaiming_")), *zero]))
        rules.append((("nn.Linear",), ["nn.init.zeros_(module.bias)"]))
    elif init.scheme == "xavier":
        fill = ["nn.init.xavier_normal_(module.weight)", "if module.bias is not None:",
                "    nn.init.zeros_(module.bias)"]  # fmt: skip
        rules.append((("nn.Conv2d", "nn.Linear"), fill))
    elif init.scheme == "orthogonal":
        fill = ["gain = 2**0.5 if isinstance(module, nn.Conv2d) else 1.0",
                "nn.init.orthogonal_(module.weight, gain)", "if module.bias is not None:",
                "    nn.init.zeros_(module.bias)"]  # fmt: skip
        rules.append((("nn.Conv2d", "nn.Linear"), fill))
    if any(one.made.block.gated for one in written):
        rules.append((("Gate",), ["nn.init.constant_(module.conv.bias, module.bias)"]))
    if init.zero_last:
        rules += _zero_rules(written, init.scheme == "pytorch")
    if not rules:
        return None
    piece = Piece()
    piece.add("def init_weights(module: nn.Module) -> None:")
    said = f"Starting weights: {SCHEMES[init.scheme]}"
    said += "; branches are zero (Goyal 2017)" if init.zero_last else ""
    piece.add(f'    """{said}."""')
    for i, (kind, lines) in enumerate(rules):
        kinds = kind[0] if len(kind) == 1 else Group("(", kind, ")", "display")
        # A type checker does not know that the gate's convolution has a bias.
        more = " and module.conv.bias is not None" if kind == ("Gate",) else ""
        piece.add(Group(f"{'elif' if i else 'if'} isinstance(", ("module", kinds), f"){more}:"), 4)
        for line in lines:
            piece.add(f"        {line}")
    return piece


def _zero_rules(written: Sequence[Written], biases: bool) -> list[Rule]:
    """What makes each class of branches start as zero; classes with the same lines share a rule."""
    found: dict[tuple[str, ...], list[str]] = {}
    for one in written:
        found.setdefault(tuple(_zeros(one, biases)), []).append(one.made.name)
    return [(tuple(names), list(lines)) for lines, names in found.items() if lines]


def _zeros(written: Written, biases: bool) -> list[str]:
    """The lines that let a branch give zero: its last layer with weights starts at zero."""
    for name in reversed(written.shape.branch):
        if name == "paths":
            return _path_zeros(written, biases)
        if name.startswith(("bn", "conv")):
            return [f"nn.init.zeros_(module.{name}.weight)", *_bias(written, f"module.{name}", name, biases)]
    return []


def _bias(written: Written, where: str, name: str, biases: bool) -> list[str]:
    """A convolution's bias has to go too where it does not start at zero anyway."""
    block = written.made.block
    has = biases and name.startswith("conv") and (block.bias or block.norm == "none")
    return [f"nn.init.zeros_({where}.bias)"] if has else []


def _path_zeros(written: Written, biases: bool) -> list[str]:
    """The same for each of parallel paths."""
    block = written.made.block
    if block.norm == "none" or block.order in ("preactivation", "bn_after_addition"):
        kinds = "nn.Conv2d"
    else:
        kinds = "nn.BatchNorm2d" if block.norm == "batch" else "nn.GroupNorm"
    lines = [
        "for path in module.paths:",
        f"    last = [m for m in path.children() if isinstance(m, {kinds})][-1]",
        "    nn.init.zeros_(last.weight)",
    ]
    if kinds == "nn.Conv2d" and biases and (block.bias or block.norm == "none"):
        lines += ["    if last.bias is not None:", "        nn.init.zeros_(last.bias)"]
    return lines
