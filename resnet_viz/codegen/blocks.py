"""A class of blocks as source: constructor and forward pass."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..spec.orders import Steps
from .kinds import ARGUMENTS, BlockClass, Style
from .layers import convolution, norm
from .lines import WIDTH, Group, Node, Piece, behind, call
from .names import ACTIVATIONS
from .shapes import Conv, Shape, out_channels, shape_of
from .words import described


@dataclass(frozen=True)
class PathFunction:
    """The function that makes one of a block's parallel paths."""

    name: str
    piece: Piece


@dataclass(frozen=True)
class Written:
    """A block class's text, which helpers it calls, and the arguments that it takes."""

    made: BlockClass
    piece: Piece
    shape: Shape
    arguments: tuple[str, ...]
    path: PathFunction | None


def act_name(made: BlockClass) -> str:
    """The attribute that holds the activation."""
    return "relu" if made.block.activation == "relu" else "act"


def write_block(made: BlockClass, style: Style, path: PathFunction | None) -> Written:
    """The class; ``path`` makes its parallel paths."""
    shape = shape_of(made)
    layers, forward = Piece(), Piece()
    _constructor(layers, made, shape, style, path.name if path else "")
    _forward(forward, made, shape)
    body = "\n".join([*layers.lines, *forward.lines])
    out = _output(made, style, body)
    arguments = tuple(a.name for a in ARGUMENTS if _takes(made, a.name, f"{body}\n{out}"))
    piece = Piece()
    piece.add(f"class {made.name}(nn.Module):")
    piece.add(f'    """{described(made)}"""')
    piece.add("")
    if "self.expansion" in out:
        piece.add(f"    expansion = {made.expansion}")
        piece.add("")
    piece.add(call("def __init__", "self", *(signature(made, name) for name in arguments), close=") -> None:"), 4)
    piece.add("        super().__init__()")
    if out:
        piece.add(out, 8)
    piece.include(layers)
    piece.add("")
    piece.add("    def forward(self, x: Tensor) -> Tensor:")
    piece.include(forward)
    piece.marks[""] = (0, len(piece.lines) - 1)
    return Written(made, piece, shape, arguments, path)


def signature(made: BlockClass, name: str, default: bool = True) -> str:
    """An argument with its type, and its neutral value as default."""
    argument = next(a for a in ARGUMENTS if a.name == name)
    given = default and argument.neutral is not None and name not in ("survival",)
    return f"{name}: {argument.type}" + (f" = {argument.neutral!r}" if given else "")


def _output(made: BlockClass, style: Style, body: str) -> str:
    """The statement that computes the output channels, where no argument says them."""
    if not _mentions(body, "out_channels"):
        return ""
    if made.block.branch == "paths":
        pairs = "convs[-1][1] for _, convs in lanes" if made.pooled else "lane[-1][1] for lane in lanes"
        return f"out_channels = sum({pairs})"
    return "out_channels = width * self.expansion" if made.expansion else ""


def _takes(made: BlockClass, name: str, body: str) -> bool:
    if name == "out_channels" and (made.block.branch == "paths" or made.expansion):
        return False
    return _mentions(body, name)


def _mentions(body: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){name}\b(?!=[^=])", body) is not None


def _add_conv(piece: Piece, name: str, conv: Conv, made: BlockClass, style: Style) -> None:
    bias = made.block.bias or made.block.norm == "none"
    made_of = convolution(
        style, conv.channels, conv.out, conv.kernel, stride=conv.stride, groups=conv.groups, bias=bias
    )
    piece.add(behind(f"self.{name} = ", made_of), 8, name)


def _constructor(piece: Piece, made: BlockClass, shape: Shape, style: Style, lane: str) -> None:
    block, out = made.block, out_channels(made)
    for name in dict.fromkeys((*shape.entry, *shape.branch, *shape.after)):
        level = int(name.lstrip("abcdefghijklmnopqrstuvwxyz") or 0)
        if name == "relu":
            piece.add(f"self.{act_name(made)} = nn.{ACTIVATIONS[block.activation]}()", 8, "relu")
        elif name == "paths":
            piece.add(_paths(made, shape, style, lane), 8, "paths")
        elif name.startswith("conv"):
            _add_conv(piece, name, shape.convs[level], made, style)
        else:
            piece.add(f"self.{name} = {norm(style, block.norm, shape.norms[level])}", 8, name)
    if block.attention == "squeeze_excitation":
        piece.add(f"self.se = SqueezeExcitation({out})", 8, "se")
    if _drops(made):
        piece.add(f"self.drop_path = DropPath({made.number('survival')})", 8, "drop_path")
    _shortcut(piece, made, style, out)
    if block.gated:
        words = [out] if style == "lazy" else ["in_channels", out]
        words += [f"kernel={block.gate_kernel}"] if "kernel" in made.gate_arguments else []
        words += [f"stride={'stride' if made.strided else 1}"] if "stride" in made.gate_arguments else []
        words += [f"bias={made.number('gate_bias')}"]
        piece.add(call("self.gate = Gate", *words), 8, "gate")
    for name in ("alpha", "beta"):
        if block.merge != "none" and made.number(name) == name:
            piece.add(f"self.{name} = {name}", 8)


def _drops(made: BlockClass) -> bool:
    return made.values("survival") != {1.0}


def _paths(made: BlockClass, shape: Shape, style: Style, lane: str) -> Node:
    """The list of parallel paths."""
    stride = ["stride"] if made.strided else []
    entering = [] if style == "lazy" else ["in_channels"]
    words: tuple[str, ...]
    if made.block.branch == "paths":
        words = (f"{lane}({', '.join([*entering, 'lane', *stride])})", "for lane in lanes")
    else:
        groups = made.number("cardinality")
        out = [out_channels(made)] if made.block.form == "split_sum" else []
        words = (f"{lane}({', '.join([*entering, _share(groups), *out, *stride])})", f"for _ in range({groups})")
    return Group("self.paths = nn.ModuleList(", words, ")", "comprehension")


def _share(groups: str) -> str:
    """The channels of one group."""
    return "width" if groups == "1" else f"width // {groups}"


def _shortcut(piece: Piece, made: BlockClass, style: Style, out: str) -> None:
    block = made.block
    if made.around == "padded" and made.strided:
        piece.add("self.stride = stride", 8)
    if made.around.startswith("projected"):
        bias = block.bias or block.norm == "none"
        conv = convolution(style, "in_channels", out, 1, stride="stride" if made.strided else "1", bias=bias)
        steps = [conv, norm(style, block.norm, out)] if made.projection_norm else [conv]
        value = behind("self.downsample = ", call("nn.Sequential", *steps))
        if made.around == "projected":
            piece.add(value, 8, "downsample")
        else:
            start = len(piece.lines)
            if block.preactivated:
                piece.add("self.downsample: nn.Module | None = None", 8)
            else:
                piece.add("self.downsample: nn.Module = nn.Identity()", 8)
            changes = ["stride != 1"] if made.strided else []
            changes += [f"in_channels != {out}"]
            piece.add(f"if {'project' if style == 'lazy' else ' or '.join(changes)}:", 8)
            piece.add(value, 12)
            piece.marks["downsample"] = (start, len(piece.lines) - 1)
        _mark_steps(piece)
    if made.around != "none" and made.values("dropout") != {0.0}:
        piece.add(f"self.dropout = nn.Dropout({made.number('dropout')})", 8, "dropout")


def _mark_steps(piece: Piece) -> None:
    """The projection's own layers, where each has a line of its own."""
    first, last = piece.marks["downsample"]
    for i in range(first, last + 1):
        line = piece.lines[i].strip()
        if line.startswith(("nn.Conv2d(", "nn.LazyConv2d(")) or ".Sequential(nn." in line:
            piece.marks["downsample.0"] = (i, i)
        if line.startswith(("nn.BatchNorm", "nn.LazyBatch", "nn.GroupNorm", "group_norm")):
            piece.marks["downsample.1"] = (i, i)


def _chunks(names: Steps, begins: str) -> list[Steps]:
    """The layers line by line: each line has one convolution, and what the order puts with it."""
    found: list[list[str]] = []
    held: list[str] = []
    for name in names:
        if begins == "after" and name.startswith("conv") and held:
            found, held = [*found, held], []
        if begins == "before" and held and held[-1].startswith("conv"):
            found, held = [*found, held], []
        if begins == "act" and name == "relu" and held:
            found, held = [*found, held], []
        held.append(name)
    return [tuple(chunk) for chunk in ([*found, held] if held else found)]


def _nested(names: Steps, inner: str, act: str) -> str:
    for name in names:
        inner = f"self.{act if name == 'relu' else name}({inner})"
    return inner


def _forward(piece: Piece, made: BlockClass, shape: Shape) -> None:
    block, act = made.block, act_name(made)
    pre = "x"
    if shape.entry:
        pre = "pre" if made.around != "none" else "out"
        piece.add(f"{pre} = {_nested(shape.entry, 'x', act)}", 8)
    begins = {"preactivation": "before", "relu_only_preactivation": "act"}.get(block.order, "after")
    now = pre
    branch = shape.branch
    if branch[0] == "paths":
        each = f"path({now}) for path in self.paths"
        joined = f"sum({each})" if block.form == "split_sum" else f"torch.cat([{each}], 1)"
        piece.add(f"out = {joined}", 8, "paths.join")
        now, branch = "out", branch[1:]
    for chunk in _chunks(branch, begins):
        piece.add(f"out = {_nested(chunk, now, act)}", 8)
        now = "out"
    for name, there in (("se", block.attention != "none"), ("drop_path", _drops(made))):
        if there:
            piece.add(f"out = self.{name}(out)", 8)
    if made.around == "none":
        piece.add(f"return {_nested(shape.after, 'out', act)}", 8)
        return
    _merge(piece, made, shape, pre, act)


def _merge(piece: Piece, made: BlockClass, shape: Shape, pre: str, act: str) -> None:
    block = made.block
    shortcut = "x"
    if made.around == "padded":
        shortcut = f"zero_pad(x, out.shape[1]{', self.stride' if made.strided else ''})"
    elif made.around == "projected":
        shortcut = f"self.downsample({pre})"
    elif made.around.startswith("projected"):
        conditional = f"x if self.downsample is None else self.downsample({pre})"
        shortcut = conditional if block.preactivated else "self.downsample(x)"
    if made.values("dropout") != {0.0}:
        shortcut = f"self.dropout({shortcut})"
    alpha, beta = (made.number(name) for name in ("alpha", "beta"))
    plain = alpha == beta == "1.0"
    if shortcut != "x" and (block.gated or not plain or " if " in shortcut or "dropout" in shortcut):
        piece.add(f"shortcut = {shortcut}", 8, "pad" if made.around == "padded" else "")
        shortcut = "shortcut"
    out = "out"
    if block.gated:
        out, shortcut = _gate(piece, made, shortcut, plain)
    total = f"{_scaled(beta, 'beta', out)} + {_scaled(alpha, 'alpha', shortcut)}".replace("+ -", "- ")
    if len(f"{'':8}return {_nested(shape.after, total, act)}") > WIDTH:
        piece.add(f"out = {total}", 8, "add")
        total = "out"
    piece.add(f"return {_nested(shape.after, total, act)}", 8)
    last = (len(piece.lines) - 1,) * 2
    for name in ("add", *(("pad",) if made.around == "padded" else ()), *_gate_marks(made)):
        piece.marks.setdefault(name, last)


def _gate_marks(made: BlockClass) -> tuple[str, ...]:
    return {"highway": ("transform", "carry"), "shortcut_gate": ("carry",)}.get(made.block.merge, ())


def _gate(piece: Piece, made: BlockClass, shortcut: str, plain: bool) -> tuple[str, str]:
    """The gate's lines; gives back what is added: the weighted branch and the weighted shortcut."""
    piece.add("gate = self.gate(x)", 8)
    out = "gate * out" if made.block.merge == "highway" else "out"
    if plain:
        return out, f"(1 - gate) * {shortcut}"
    if out != "out":
        piece.add(f"out = {out}", 8, "transform")
    piece.add(f"shortcut = (1 - gate) * {shortcut}", 8, "carry")
    return "out", "shortcut"


def _scaled(strength: str, name: str, value: str) -> str:
    if strength == "1.0":
        return value
    return f"{'self.' + name if strength == name else strength} * {value}"
