"""One block of any kind: a list of named layers on the main path, and what leads around them."""

from __future__ import annotations

import torch
from torch import nn

from ..spec.block import Block
from ..spec.orders import ORDERS, Steps, behind
from ..spec.plans import Convolution, Parallel, Path, Plan, plan_of
from .layers import ACTIVATIONS, ATTENTIONS, NORM_TYPES, NORMS, POOLS, convolution
from .shortcuts import MERGES, SHORTCUTS, Add, Carry, Gate, Kind, Transform, shortcut_kind, shortcut_name
from .stochastic import Dropout, DropPath


class Series(nn.Module):
    """Named layers in a row, some of them several times: [N, C, H, W] -> the last one's output."""

    def __init__(self, layers: dict[str, nn.Module], steps: Steps) -> None:
        super().__init__()
        for name in dict.fromkeys(steps):
            self.add_module(name, layers[name])
        self.steps = steps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Layer by layer."""
        for name in self.steps:
            x = getattr(self, name)(x)
        return x


class Concatenate(nn.Module):
    """Joins maps along their channels: n times [N, C_i, H, W] -> [N, sum of C_i, H, W]."""

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """One map."""
        return torch.cat(maps, 1)


class Sum(nn.Module):
    """Adds maps of one shape (Xie 2017, eq. 2)."""

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Their sum, from the first to the last."""
        total = maps[0]
        for one in maps[1:]:
            total = total + one
        return total


class Paths(nn.Module):
    """Parallel paths "0", "1", ... and their ``join``: [N, C, H, W] -> [N, C', H', W']."""

    def __init__(self, paths: list[Series], join: nn.Module) -> None:
        super().__init__()
        for i, path in enumerate(paths):
            self.add_module(str(i), path)
        self.join = join
        self._count = len(paths)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """All paths from the same input, then the join."""
        joined: torch.Tensor = self.join([getattr(self, str(i))(x) for i in range(self._count)])
        return joined


def _layers(
    block: Block, convs: dict[int, Convolution], widths: dict[int, tuple[int, int]], names: Steps
) -> tuple[dict[str, nn.Module], Steps]:
    """The modules with those names, and the names of those that there are: where the norm is "none" it is left out.

    ``convs`` has the convolutions by level, ``widths`` the channels that enter and leave each level: the norm of a
    level stands in front of its convolution in full pre-activation, else behind it.
    """
    made: dict[str, nn.Module] = {}
    for name in dict.fromkeys(names):
        kind, level = name.rstrip("0123456789"), int(name.lstrip("abcdefghijklmnopqrstuvwxyz") or 0)
        if kind == "relu":
            made[name] = ACTIVATIONS[block.activation]()
        elif kind == "conv":
            made[name] = convolution(convs[level], bias=block.bias or block.norm == "none")
        else:
            norm = NORMS[block.norm](widths[level][0 if block.order == "preactivation" else 1])
            if norm is not None:
                made[name] = norm
    return made, tuple(name for name in names if name in made)


def _path(block: Block, path: Path, join: str, following: int) -> Series:
    """One of parallel paths; ``following`` is how many convolutions follow the join."""
    count = len(path.convs)
    _, branch, _ = ORDERS[block.order](count + following)
    steps = branch[: len(branch) - len(behind(branch, count, join))]
    widths = {i: (conv.in_channels, conv.out_channels) for i, conv in enumerate(path.convs, 1)}
    widths[count + 1] = (path.convs[-1].out_channels, 0)
    made, there = _layers(block, dict(enumerate(path.convs, 1)), widths, steps)
    pool = POOLS[path.pool](path.pool_stride)
    if pool is not None:
        made["pool"], there = pool, ("pool", *there)
    return Series(made, there)


def _joined(parallel: Parallel) -> int:
    """Channels behind the join."""
    ends = [path.convs[-1].out_channels for path in parallel.paths]
    return sum(ends) if parallel.join == "concatenate" else ends[0]


class Unit(nn.Module):
    """y = exit(beta branch(entry(x)) + alpha shortcut(x)): [N, C, H, W] -> [N, block.out_width, H', W'].

    H' = ceil(H / stride), W' likewise. Layers have torchvision's names: ``conv1``, ``bn1``, ..., ``relu`` (whatever
    the activation; ``bn`` whatever the norm), and ``downsample`` for a projection; parallel paths stand in ``paths``,
    attention in ``se``. Besides ``pad`` for a padded shortcut, ``dropout`` on the shortcut, ``drop_path`` on the
    branch, ``gate``, ``transform`` and ``carry`` where there is a gate, and ``add`` for the addition.
    ``shortcut`` says how the shortcut's shape is matched and ``shortcut_name`` what to call it, None in a plain
    block. ``survival`` below 1 drops the branch in training (Huang 2016). Weights are on the meta device and have no
    values: :func:`resnet_viz.nn.build` gives them. Raises ``ValueError`` where the sizes do not fit.
    """

    add: Add
    gate: Gate
    transform: Transform
    carry: Carry

    def __init__(self, block: Block, channels: int, stride: int = 1, survival: float = 1.0) -> None:
        super().__init__()
        self._entry: Steps = ()
        self._branch: Steps = ()
        self._exit: Steps = ()
        self._main_path(block, plan_of(block, channels, stride))
        attention = ATTENTIONS[block.attention](block.out_width)
        if attention is not None:
            self.add_module("se", attention)
            self._branch = (*self._branch, "se")
        self.shortcut: Kind | None = shortcut_kind(block, channels, stride)
        around: dict[str, nn.Module] = {}
        if self.shortcut is not None:
            around |= SHORTCUTS[self.shortcut](block, channels, stride)
            around |= {"dropout": Dropout(1 - block.shortcut_dropout)} if block.shortcut_dropout else {}
            if survival < 1:
                self.add_module("drop_path", DropPath(survival))
                self._branch = (*self._branch, "drop_path")
        self._around = tuple(around)
        merge = MERGES[block.merge](block, channels, stride)
        for name, layer in (around | merge).items():
            self.add_module(name, layer)
        self.shortcut_name = shortcut_name(block, channels, stride)
        self._gated = "gate" in merge
        self._transforms = "transform" in merge

    def _main_path(self, block: Block, plan: Plan) -> None:
        """The layers of entry, branch and exit, and in which order they run."""
        parallel = plan[0] if isinstance(plan[0], Parallel) else None
        begin = 0 if parallel is None else parallel.depth
        convs = {begin + i: conv for i, conv in enumerate((c for c in plan if isinstance(c, Convolution)), 1)}
        widths = {level: (conv.in_channels, conv.out_channels) for level, conv in convs.items()}
        entry, branch, after = ORDERS[block.order](begin + len(convs))
        paths: dict[str, nn.Module] = {}
        if parallel is not None:
            outer = (parallel.paths[0].convs[0].in_channels, _joined(parallel))
            widths |= dict.fromkeys(range(1, begin + 1), outer)
            branch = behind(branch, begin, parallel.join)
            join = Concatenate() if parallel.join == "concatenate" else Sum()
            paths["paths"] = Paths([_path(block, path, parallel.join, len(convs)) for path in parallel.paths], join)
        made, there = _layers(block, convs, widths, (*entry, *branch, *after))
        self._entry, self._branch, self._exit = (
            tuple(name for name in names if name in there) for names in (entry, branch, after)
        )
        self._branch = (*paths, *self._branch)
        for name in dict.fromkeys((*self._entry, *self._branch, *self._exit)):
            self.add_module(name, (made | paths)[name])

    def _run(self, names: Steps, x: torch.Tensor) -> torch.Tensor:
        for name in names:
            x = getattr(self, name)(x)
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output; control flow depends on the spec only, so ``torch.fx`` traces it."""
        entered = self._run(self._entry, x)
        y = self._run(self._branch, entered)
        if self.shortcut is not None:
            around = self._run(self._around, entered if self.shortcut == "projection" else x)
            if self._gated:
                gate = self.gate(x)
                y = self.transform(y, gate) if self._transforms else y
                around = self.carry(around, gate)
            y = self.add(y, around)
        return self._run(self._exit, y)

    def survive(self, survival: float) -> bool:
        """From now on the branch is there in training with that probability (Huang 2016); True where that is new.

        A block without shortcut is left alone. A layer that is added draws from a generator of its own:
        :func:`~resnet_viz.nn.survive` gives it the network's.
        """
        if self.shortcut is None:
            return False
        if "drop_path" in self._branch:
            layer = self.get_submodule("drop_path")
            assert isinstance(layer, DropPath)  # noqa: S101  (it has that name)
            layer.survival = survival
            return False
        self.add_module("drop_path", DropPath(survival).train(self.training))
        self._branch = (*self._branch, "drop_path")
        return True

    def reuse_memory(self, wanted: bool = True) -> None:
        """Let each ReLU and the addition write over their inputs (or no longer), where nothing else reads those.

        A ReLU that begins the block, its branch or a path is left alone: the shortcut or another path reads what it
        reads. So is an addition to anything but a norm or a convolution: the backward pass of others may need it.
        """
        _in_place(self, {*self._entry, *self._branch, *self._exit} - {*self._entry[:1], *self._branch[:1]}, wanted)
        if self.shortcut is not None:
            last = getattr(self, self._branch[-1])
            self.add.over_branch = wanted and not self._gated and isinstance(last, (*NORM_TYPES, nn.Conv2d))

    def start_as_zero(self) -> None:
        """Let the branch give zero: its last layer with weights, a norm's scale or else a convolution, starts at zero.

        An earlier norm would not do: behind its zeros a ReLU passes no gradient, and the branch stays zero for ever.
        """
        _end_in_zero(self, self._branch)


def _in_place(series: nn.Module, names: set[str], wanted: bool) -> None:
    for name in names:
        layer = getattr(series, name)
        if isinstance(layer, nn.ReLU):
            layer.inplace = wanted
    for path in series.modules():
        if isinstance(path, Series) and path is not series:
            _in_place(path, {*path.steps} - {*path.steps[:1]}, wanted)


def _end_in_zero(series: nn.Module, steps: Steps) -> None:
    for name in reversed(steps):
        layer = getattr(series, name)
        if isinstance(layer, Paths):
            for path in layer.children():
                if isinstance(path, Series):
                    _end_in_zero(path, path.steps)
            return
        if isinstance(layer, (*NORM_TYPES, nn.Conv2d)):
            nn.init.zeros_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
            return
