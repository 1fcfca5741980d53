"""One module's forward pass as plain data: a ``torch.fx`` trace, with shapes from a real forward on the meta device.

Tracing patches ``torch.nn.Module`` for the whole process while it lasts (that is how ``torch.fx`` works). So only
one thread at a time traces (:data:`TORCH`), and the tracer lets modules that other threads call meanwhile
run as if nothing were.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import fx, nn

from ..nn import Add, Pad, Unit
from ..nn.layers import ACTIVATIONS, NORM_TYPES, Multiply
from ..nn.shortcuts import Gated
from ..nn.stochastic import Stochastic
from ..nn.units import Concatenate, Sum
from .graph import Kind, ShortcutKind

TORCH = threading.RLock()
"""Held while torch.fx or torchinfo works: both change state that all threads share."""

INPUT = "input"
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Operation:
    """One operation of a traced module.

    ``id`` is unique in the module, ``path`` the dotted module path (one module may run several times).
    ``inputs`` are (id or :data:`INPUT`, kind of the shortcut that this edge belongs to, or None on the main path).
    ``shape`` is the output's without the batch. ``reach`` is how many pixels of the module's input beyond the first
    one output pixel sees along one side (the receptive field is 1 + reach), ``jump`` how many input pixels lie
    between two neighbours of the output. What attention's weights see, the whole map, is left out of the reach of the
    map that they weight, as receptive fields are usually given.
    """

    id: str
    path: str
    kind: Kind
    module: str
    inputs: tuple[tuple[str, ShortcutKind | None], ...]
    shape: Shape
    params: int
    macs: int
    attrs: tuple[tuple[str, int | float | str], ...]
    reach: int
    jump: int


_KINDS: tuple[tuple[tuple[type[nn.Module], ...], Kind], ...] = (
    ((nn.Conv2d,), "conv"),
    (NORM_TYPES, "norm"),
    ((nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d), "pool"),
    ((nn.Linear,), "linear"),
    ((Pad,), "pad"),
    ((Add,), "add"),
    ((Concatenate,), "concat"),
    ((Sum,), "sum"),
    ((Multiply, Gated), "multiply"),
    ((Stochastic,), "drop"),
    (tuple(type(make()) for make in ACTIVATIONS.values()), "activation"),
)


_LEAVES = (Add, Pad, Concatenate, Sum, Multiply, Gated, Stochastic)
_AROUND = frozenset({"downsample", "pad", "dropout", "gate", "carry"})
"""Names that units give to what lies beside their main path."""


def _kind(node: fx.Node, module: nn.Module | None) -> Kind:
    if module is None:
        if node.target is torch.flatten:
            return "flatten"
        raise TypeError(f"{node.target} has no kind of node: give it a module of its own, and a line in _KINDS")
    for types, kind in _KINDS:
        if isinstance(module, types):
            return kind
    raise TypeError(f"{type(module).__name__} has no kind of node: give it a line in _KINDS")


class _Tracer(fx.Tracer):
    """torch.fx's tracer with our own small layers as leaves, blind to what other threads do."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, _LEAVES) or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


class _Shapes(fx.Interpreter):
    """Runs a trace node by node and notes the shape that each node gives."""

    def __init__(self, module: nn.Module, graph: fx.Graph) -> None:
        super().__init__(module, garbage_collect_values=False, graph=graph)
        self.shapes: dict[fx.Node, Shape] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        self.shapes[n] = tuple(result.shape[1:])
        return result


def operations(module: nn.Module, shape: Shape) -> tuple[Operation, ...]:
    """The operations of a module on the meta device for one image of that shape, in forward order.

    The module is put into evaluation mode (a batch norm in training mode refuses a single value a channel).
    """
    module.eval()
    with TORCH, torch.no_grad():
        graph = _Tracer().trace(module)
        run = _Shapes(module, graph)
        run.run(torch.empty((2, *shape), device="meta"))  # a group norm refuses a single value a channel
    found: dict[fx.Node, Operation] = {}
    ids: dict[str, int] = {}
    for node in graph.nodes:
        if node.op in ("call_module", "call_function"):
            found[node] = _operation(module, node, run.shapes, found, ids)
    return tuple(found.values())


def _operation(
    root: nn.Module, node: fx.Node, shapes: dict[fx.Node, Shape], found: dict[fx.Node, Operation], ids: dict[str, int]
) -> Operation:
    module = root.get_submodule(str(node.target)) if node.op == "call_module" else None
    kind = _kind(node, module)
    path = kind if module is None else str(node.target)
    ids[path] = ids.get(path, 0) + 1
    sources = node.all_input_nodes
    enters = shapes[sources[0]]
    leaves = shapes[node]
    kernel, stride = _window(module, enters)
    seen = sources[:1] if isinstance(module, Multiply) else sources
    reach = max(found[source].reach if source in found else 0 for source in seen)
    jump = max(found[source].jump if source in found else 1 for source in seen)
    return Operation(
        id=path if ids[path] == 1 else f"{path}:{ids[path]}",
        path="" if module is None else path,
        kind=kind,
        module=kind if module is None else type(module).__name__,
        inputs=_inputs(node, kind, found, *_inside_unit(root, "" if module is None else path)),
        shape=leaves,
        params=0 if module is None else sum(p.numel() for p in module.parameters()),
        macs=_multiply_adds(module, leaves),
        attrs=_attributes(module),
        reach=reach + (kernel - 1) * jump,
        jump=jump * stride,
    )


def _inputs(
    node: fx.Node, kind: Kind, found: dict[fx.Node, Operation], path: str, mark: ShortcutKind | None
) -> tuple[tuple[str, ShortcutKind | None], ...]:
    names = [found[source].id if source in found else INPUT for source in node.all_input_nodes]
    if kind == "add":
        return (names[0], None), (names[-1], mark)
    if path == "transform":  # the branch, weighted by the gate
        return (names[0], None), (names[-1], mark)
    around = mark if path.partition(".")[0].partition(":")[0] in _AROUND else None
    return tuple((name, around) for name in names)


def _inside_unit(root: nn.Module, path: str) -> tuple[str, ShortcutKind | None]:
    """The path inside the unit that it lies in, and what that unit's shortcut is called."""
    names = path.split(".")
    for i in range(len(names)):
        module = root.get_submodule(".".join(names[:i]))
        if isinstance(module, Unit):
            return ".".join(names[i:]), module.shortcut_name
    return path, None


def _window(module: nn.Module | None, enters: Shape) -> tuple[int, int]:
    """Kernel and stride along one side. The global average pool sees the whole map."""
    match module:
        case nn.Conv2d():
            return module.kernel_size[0], module.stride[0]
        case nn.MaxPool2d() | nn.AvgPool2d():
            return int(module.kernel_size), int(module.stride)  # type: ignore[arg-type]
        case nn.AdaptiveAvgPool2d():
            return max(enters[1:]), 1
        case Pad():
            return 1, module.stride
    return 1, 1


def _multiply_adds(module: nn.Module | None, leaves: Shape) -> int:
    """Of convolutions and linear layers, for one image, bias not counted."""
    match module:
        case nn.Conv2d():
            return prod(leaves) * module.in_channels // module.groups * prod(module.kernel_size)
        case nn.Linear():
            return module.in_features * module.out_features
    return 0


def _attributes(module: nn.Module | None) -> tuple[tuple[str, int | float | str], ...]:
    match module:
        case nn.Conv2d():
            return (
                ("kernel", module.kernel_size[0]),
                ("stride", module.stride[0]),
                ("groups", module.groups),
                ("in_channels", module.in_channels),
                ("out_channels", module.out_channels),
            )
        case nn.MaxPool2d() | nn.AvgPool2d():
            return ("kernel", int(module.kernel_size)), ("stride", int(module.stride))  # type: ignore[arg-type]
        case nn.Linear():
            return ("in_channels", module.in_features), ("out_channels", module.out_features)
        case Pad():
            return ("stride", module.stride), ("extra", module.extra)
        case Add():
            return ("alpha", module.alpha), ("beta", module.beta)
        case nn.GroupNorm():
            return (("groups", module.num_groups),)
        case Stochastic():
            return (("survival", module.survival),)
    return ()
