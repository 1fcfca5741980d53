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
    """The lines that let a branch give zero: its last norm, or its last convolution where a norm would not do."""
    made, shape = written.made, written.shape
    block = made.block
    sigmoid = block.activation == "sigmoid"
    names = [name for name in shape.branch if name != "relu"]
    inside = (
        shape.lane
        if block.branch != "paths"
        else (("bn1",) if block.norm != "none" and _lane_has_norm(written) else ())
    )
    normed = any(name.startswith("bn") for name in (*names, *inside))
    # sigmoid(0) is not 0: then a zero norm in front of the last convolution would not do.
    normed = normed and not (sigmoid and _acts(written)) and block.attention == "none"
    lines: list[str] = []
    for name in reversed(names):
        if name == "paths":
            return lines + _path_zeros(written, biases)
        if name.startswith("bn") or not normed:
            return [*lines, f"nn.init.zeros_(module.{name}.weight)", *_bias(written, f"module.{name}", name, biases)]
        lines += _bias(written, f"module.{name}", name, biases)
    return lines


def _bias(written: Written, where: str, name: str, biases: bool) -> list[str]:
    """A convolution's bias has to go too where it does not start at zero anyway."""
    block = written.made.block
    has = biases and name.startswith("conv") and (block.bias or block.norm == "none")
    return [f"nn.init.zeros_({where}.bias)"] if has else []


def _acts(written: Written) -> bool:
    return "relu" in (*written.shape.branch, *written.shape.lane)


def _lane_has_norm(written: Written) -> bool:
    order, deep = written.made.block.order, any(use.block.depth > 1 for use in written.made.uses)
    return written.made.block.norm != "none" and (deep or order not in ("preactivation", "bn_after_addition"))


def _path_zeros(written: Written, biases: bool) -> list[str]:
    """The same for each of parallel paths."""
    block = written.made.block
    kind = "nn.BatchNorm2d" if block.norm == "batch" else "nn.GroupNorm"
    lines = ["for path in module.paths:"]
    if block.norm != "none" and block.activation == "sigmoid" and _acts(written):
        lines.append(f"    kinds = (nn.Conv2d, {kind})")
        lines.append("    last = [m for m in path.children() if isinstance(m, kinds)][-1]")
    elif block.norm != "none":
        lines.append("    convs = [m for m in path.children() if isinstance(m, nn.Conv2d)]")
        lines.append(f"    norms = [m for m in path.children() if isinstance(m, {kind})]")
        lines.append("    last = (norms or convs)[-1]")
    else:
        lines.append("    last = [m for m in path.children() if isinstance(m, nn.Conv2d)][-1]")
    lines.append("    nn.init.zeros_(last.weight)")
    return lines + _path_bias(written, biases)


def _path_bias(written: Written, biases: bool) -> list[str]:
    """The bias of a path's last convolution, where it does not start at zero and no norm takes it away."""
    block, lane = written.made.block, [name for name in written.shape.lane if name != "relu"]
    listed = block.norm == "none" or block.order in ("preactivation", "bn_after_addition")
    last = listed if block.branch == "paths" else lane[-1].startswith("conv")
    if not (biases and last and (block.bias or block.norm == "none")):
        return []
    if block.norm == "none":
        return ["    if last.bias is not None:", "        nn.init.zeros_(last.bias)"]
    return [
        "    conv = [m for m in path.children() if isinstance(m, nn.Conv2d)][-1]",
        "    if conv.bias is not None:",
        "        nn.init.zeros_(conv.bias)",
    ]
