"""The class of the whole network as source: stem, stages, head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..spec.network import Network
from .blocks import Written
from .kinds import Style, Use
from .layers import convolution, norm
from .lines import Piece, behind
from .names import ACTIVATIONS, network_name
from .stages import call_layer, in_a_row, is_regular

Stages = Sequence[tuple[Sequence[Written], Sequence[Use]]]


def stem_names(network: Network) -> tuple[str, ...]:
    """The stem's layers in forward order: a stem that is not activated leaves norm and activation to the blocks.

    In front of blocks that begin with the activation alone it keeps its norm (He 2016b, appendix).
    """
    stem, first = network.stem, network.each[0]
    bare = not stem.activated and first.order != "relu_only_preactivation"
    names = ["conv1"]
    names += ["bn1"] if not bare and stem.norm != "none" else []
    names += ["relu"] if stem.activated else []
    names += ["maxpool"] if stem.pool == "max" else []
    return tuple(names)


def stem_bias(network: Network) -> bool:
    """Whether the first convolution has a bias: where no norm follows it, also in the first block."""
    stem, first, names = network.stem, network.each[0], stem_names(network)
    bare = not stem.activated and first.order != "relu_only_preactivation"
    normed = "bn1" in names or (bare and first.order == "preactivation" and first.norm != "none")
    return stem.bias or not normed


def head_names(network: Network) -> tuple[str, ...]:
    """The layers behind the last block: pre-activated blocks leave their last norm and activation to the head."""
    last = network.each[-1]
    names = ["norm"] if last.order == "preactivation" and last.norm != "none" else []
    return (*names, *(["act"] if last.preactivated else []), "avgpool", "fc")


def write_network(network: Network, stages: Stages, functions: Mapping[str, str], style: Style, init: bool) -> Piece:
    """The class; its constructor needs no argument."""
    piece = Piece()
    piece.add(f"class {network_name(network)}(nn.Module):")
    image = f"[N, {network.input.channels}, H, W]"
    piece.add(f'    """Scores of {image} images, before the softmax: [N, num_classes]."""')
    piece.add("")
    piece.add(f"    def __init__(self, num_classes: int = {network.head.classes}) -> None:")
    piece.add("        super().__init__()")
    _stem(piece, network, style)
    piece.add("")
    _stages(piece, network, stages, functions)
    piece.add("")
    _head(piece, network, style)
    if init and style == "explicit":
        piece.add("")
        piece.add("        self.apply(init_weights)")
    piece.add("")
    _forward(piece, network)
    for whole, names in (("stem", stem_names(network)), ("head", head_names(network))):
        piece.marks[whole] = (piece.marks[names[0]][0], piece.marks[names[-1]][1])
    piece.marks[""] = (0, len(piece.lines) - 1)
    return piece


def _stem(piece: Piece, network: Network, style: Style) -> None:
    stem = network.stem
    act = f"nn.{ACTIVATIONS[stem.activation]}()"
    for name in stem_names(network):
        if name == "conv1":
            conv = convolution(style, str(network.input.channels), str(stem.width), stem.kernel,
                               stride=str(stem.stride), bias=stem_bias(network))  # fmt: skip
            piece.add(behind("self.conv1 = ", conv), 8, name)
        elif name == "bn1":
            piece.add(f"self.bn1 = {norm(style, stem.norm, str(stem.width))}", 8, name)
        elif name == "relu":
            piece.add(f"self.{_stem_act(network)} = {act}", 8, name)
        else:
            piece.add("self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)", 8, name)


def _stem_act(network: Network) -> str:
    """The attribute of the stem's activation; ``act`` is the head's."""
    return "relu" if network.stem.activation == "relu" else "stem_act"


def _stages(piece: Piece, network: Network, stages: Stages, functions: Mapping[str, str]) -> None:
    drop = network.drop_path
    if any("survival" in one.arguments for written, _ in stages for one in written):
        count = network.blocks
        piece.add("# Linear decay: the deeper a block, the rarer its branch (Huang 2016, eq. 4).", 8)
        each = f"1 - n / {count} * (1 - {drop.survival!r})"
        piece.add(f"survivals = [{each} for n in range(1, {count + 1})]", 8)
    for s, (written, uses) in enumerate(stages, 1):
        function = functions.get(written[0].made.name)
        if function and is_regular(written, uses):
            made = call_layer(written[0], uses, function)
        else:
            made = in_a_row(written, uses)
        piece.add(behind(f"self.layer{s} = ", made), 8, f"layer{s}")


def _head(piece: Piece, network: Network, style: Style) -> None:
    last = network.each[-1]
    for name in head_names(network):
        if name == "norm":
            piece.add(f"self.norm = {norm(style, last.norm, str(last.out_width))}", 8, name)
        elif name == "act":
            piece.add(f"self.act = nn.{ACTIVATIONS[last.activation]}()", 8, name)
        elif name == "avgpool":
            piece.add("self.avgpool = nn.AdaptiveAvgPool2d(1)", 8, name)
        elif style == "lazy":
            piece.add("self.fc = nn.LazyLinear(num_classes)", 8, name)
        else:
            piece.add(f"self.fc = nn.Linear({last.out_width}, num_classes)", 8, name)


def _forward(piece: Piece, network: Network) -> None:
    piece.add("    def forward(self, x: Tensor) -> Tensor:")
    stem = "x"
    for name in stem_names(network):
        stem = f"self.{_stem_act(network) if name == 'relu' else name}({stem})"
    piece.add(f"x = {stem}", 8)
    for s in range(1, len(network.stages) + 1):
        piece.add(f"x = self.layer{s}(x)", 8)
    head = "x"
    for name in head_names(network)[:-1]:
        head = f"self.{name}({head})"
    piece.add(f"x = torch.flatten({head}, 1)", 8)
    piece.add("return self.fc(x)", 8)
