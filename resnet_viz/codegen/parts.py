"""The small classes and functions that block classes call, each written only where one is called."""

from __future__ import annotations

from ..spec.block import Block
from .kinds import BlockClass, Style
from .layers import convolution, norm
from .lines import Node, Piece, behind, call
from .names import ACTIVATIONS
from .shapes import out_channels, shape_of


def _lines(text: str) -> Piece:
    return Piece(text.strip("\n").split("\n"))


def squeeze_excitation(style: Style) -> Piece:
    """Hu 2018, with 1x1 convolutions."""
    channels = "" if style == "lazy" else "channels, "
    back = "" if style == "lazy" else "inside, "
    conv = "nn.LazyConv2d" if style == "lazy" else "nn.Conv2d"
    piece = _lines(f'''
class SqueezeExcitation(nn.Module):
    """Weights each channel by what the whole map says (Hu 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inside = max(channels // 16, 4)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = {conv}({channels}inside, 1)
        self.relu = nn.ReLU()
        self.fc2 = {conv}({back}channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.fc2(self.relu(self.fc1(self.pool(x)))))
''')
    _mark(piece, {"se.pool": "self.pool =", "se.fc1": "self.fc1 =", "se.relu": "self.relu =", "se.fc2": "self.fc2 =",
                  "se.sigmoid": "return x *", "se.scale": "return x *"})  # fmt: skip
    return piece


def _mark(piece: Piece, where: dict[str, str]) -> None:
    for name, start in where.items():
        at = next(i for i, line in enumerate(piece.lines) if line.strip().startswith(start))
        piece.marks[name] = (at, at)


def drop_path() -> Piece:
    """Huang 2016."""
    return _lines('''
class DropPath(nn.Module):
    """Stochastic depth: a minibatch has the whole branch or none of it (Huang 2016)."""

    def __init__(self, survival: float) -> None:
        super().__init__()
        self.survival = survival

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return x * x.new_empty(()).bernoulli_(self.survival) / self.survival
''')


def zero_pad(strided: bool) -> Piece:
    """Option A."""
    step = "[:, :, ::stride, ::stride]" if strided else ""
    given = ", stride: int = 1" if strided else ""
    return _lines(f'''
def zero_pad(x: Tensor, channels: int{given}) -> Tensor:
    """The shortcut without weights: zeros in the new channels (He 2016a, option A)."""
    return F.pad(x{step}, (0, 0, 0, 0, 0, channels - x.shape[1]))
''')


def group_norm() -> Piece:
    """Wu and He 2018."""
    return _lines('''
def group_norm(channels: int) -> nn.GroupNorm:
    """32 groups, or as many as divide 32 and the channels (Wu and He 2018)."""
    return nn.GroupNorm(gcd(32, channels), channels)
''')


def gate(made: BlockClass, style: Style) -> Piece:
    """Srivastava 2015; kernel and stride are arguments only where the network's gates differ in them."""
    differ = made.gate_arguments
    kernel: int | str = "kernel" if "kernel" in differ else made.block.gate_kernel
    strided = "stride" in differ
    conv = convolution(style, "in_channels", "out_channels", kernel, stride="stride" if strided else "1", bias=True)
    words = [] if style == "lazy" else ["in_channels: int"]
    words += ["out_channels: int", *(f"{name}: int" for name in differ), "bias: float"]
    piece = Piece()
    piece.add("class Gate(nn.Module):")
    piece.add('    """How much passes, 0 to 1; the bias starts at ``bias`` (Srivastava 2015)."""')
    piece.add("")
    piece.add(call("def __init__", "self", *words, close=") -> None:"), 4)
    piece.add("        super().__init__()")
    piece.add("        self.bias = bias")
    piece.add(behind("self.conv = ", conv), 8, "gate.conv")
    piece.add("")
    piece.add("    def forward(self, x: Tensor) -> Tensor:")
    piece.add("        return torch.sigmoid(self.conv(x))", 0, "gate.sigmoid")
    return piece


def path(made: BlockClass, style: Style, name: str) -> Piece:
    """The function that makes one of a block's parallel paths."""
    return _lane(made, style, name) if made.block.branch == "paths" else _split(made, style, name)


def _split(made: BlockClass, style: Style, name: str) -> Piece:
    """A path of ResNeXt's split forms."""
    shape, block = shape_of(made), made.block
    bias = block.bias or block.norm == "none"
    words = [] if style == "lazy" else ["in_channels: int"]
    words += ["width: int"] + ([f"{out_channels(made)}: int"] if block.form == "split_sum" else [])
    words += ["stride: int"] if made.strided else []
    piece = _begin(name, words, "One of the paths beside each other.")
    acts = 0
    for layer in shape.lane:
        level = int(layer.lstrip("abcdefghijklmnopqrstuvwxyz") or 0)
        key = layer
        value: Node = norm(style, block.norm, shape.lane_norms.get(level, ""))
        if layer == "relu":
            acts += 1
            key, value = f"{_act(block)}{acts}", f"nn.{ACTIVATIONS[block.activation]}()"
        elif layer.startswith("conv"):
            c = shape.convs[level]
            value = convolution(style, c.channels, c.out, c.kernel, stride=c.stride, bias=bias)
        piece.add(behind(f'layers["{key}"] = ', value), 4, f"paths.0.{layer}")
    piece.add("    return nn.Sequential(layers)")
    return piece


def _begin(name: str, words: list[str], said: str) -> Piece:
    piece = Piece()
    piece.add(call(f"def {name}", *words, close=") -> nn.Sequential:"))
    piece.add(f'    """{said}"""')
    piece.add("    layers: OrderedDict[str, nn.Module] = OrderedDict()")
    return piece


def _act(block: Block) -> str:
    return "relu" if block.activation == "relu" else "act"


def _lane(made: BlockClass, style: Style, name: str) -> Piece:
    """A path of an Inception-like block, from its kernels and widths."""
    block = made.block
    explicit, strided = style == "explicit", made.strided
    words = [*(["in_channels: int"] if explicit else []), "lane: Lane", *(["stride: int"] if strided else [])]
    piece = _begin(name, words, "One of the paths beside each other: its convolutions as (kernel, width).")
    convs = "convs" if made.pooled else "lane"
    if made.pooled:
        _pools(piece, made.uses[0].block, {lane.pool for use in made.uses for lane in use.block.lanes}, strided)
    piece.add(f"    for i, (kernel, width) in enumerate({convs}, 1):")
    conv = convolution(style, "in_channels", "width", "kernel", stride="stride" if strided else "1",
                       bias=block.bias or block.norm == "none")  # fmt: skip
    piece.add(behind('layers[f"conv{i}"] = ', conv), 8, "paths.0.conv")
    _between(piece, block, style, convs)
    moves = [("in_channels", "width")] if explicit else []
    moves += [("stride", "1")] if strided else []
    if moves:
        piece.add(f"        {', '.join(a for a, _ in moves)} = {', '.join(b for _, b in moves)}")
    piece.add("    return nn.Sequential(layers)")
    return piece


def _pools(piece: Piece, block: Block, pools: set[str], strided: bool) -> None:
    stride = "stride" if strided else "1"
    piece.add("    pool, convs = lane")
    made: dict[str, str] = {
        "max": f"nn.MaxPool2d(3, {stride}, padding=1)",
        "average": f"nn.AvgPool2d(3, {stride}, padding=1, count_include_pad=False)",
    }
    word = "if"
    for kind in ("max", "average"):
        if kind in pools:
            piece.add(f'    {word} pool == "{kind}":')
            piece.add(f'        layers["pool"] = {made[kind]}', 0, "paths.0.pool")
            word = "elif"
    if strided:
        piece.add('    if pool != "none":')
        piece.add("        stride = 1")


def _between(piece: Piece, block: Block, style: Style, convs: str) -> None:
    """Norms and activations of a path, by the block's order."""
    act = f'layers[f"{_act(block)}{{i}}"] = nn.{ACTIVATIONS[block.activation]}()'
    always, between = [], [act]
    if block.order == "relu_before_addition":
        always, between = [act], []
    if block.norm != "none":
        made = norm(style, block.norm, "width")
        if block.order == "preactivation":
            between.insert(0, f'layers[f"bn{{i + 1}}"] = {made}')
        elif block.order == "bn_after_addition":
            between.insert(0, f'layers[f"bn{{i}}"] = {made}')
        else:
            always.insert(0, f'layers[f"bn{{i}}"] = {made}')
    for line in always:
        piece.add(line, 8, _lane_mark(line))
    if between:
        piece.add(f"        if i < len({convs}):")
        for line in between:
            piece.add(line, 12, _lane_mark(line))


def _lane_mark(line: str) -> str:
    return "paths.0.bn" if '[f"bn' in line else "paths.0.relu"
