"""The steps of any module's forward pass: from a ``torch.fx`` trace, or from hooks where there can be none."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import fx, nn

from .counting import norm_text
from .foreign import INPUT, Step
from .graph import Kind
from .operations import _KINDS, _LEAVES, TORCH, _Tracer
from .specimen import example, untouched

Shape = tuple[int, ...]

_CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm, nn.RMSNorm)
_FILES: dict[str, Kind] = {
    "pooling": "pool", "activation": "activation", "dropout": "drop", "padding": "pad", "flatten": "flatten",
    "batchnorm": "norm", "instancenorm": "norm",
}  # fmt: skip
"""The files of torch.nn whose modules are all of one kind."""
_FUNCTIONS: dict[str, Kind] = {
    **dict.fromkeys(("add", "add_", "iadd"), "add"),
    **dict.fromkeys(("cat", "concat", "concatenate"), "concat"),
    **dict.fromkeys(("flatten", "reshape", "view"), "flatten"),
    **dict.fromkeys(("mul", "mul_", "imul"), "multiply"),
    **dict.fromkeys(("dropout", "dropout2d", "stochastic_depth"), "drop"),
    **dict.fromkeys(("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "normalize"), "norm"),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), "conv"),
    **dict.fromkeys(
        ("relu", "relu_", "relu6", "gelu", "silu", "sigmoid", "tanh", "leaky_relu", "elu", "selu", "mish", "hardswish",
         "hardsigmoid", "softmax", "log_softmax", "softplus", "prelu"), "activation"),
    "linear": "linear", "pad": "pad",
}  # fmt: skip
_POOLS = ("max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool", "boolean_dispatch")
_QUIET = frozenset({"getattr", "getitem", "size", "dim", "contiguous", "detach", "clone", "_assert"})
"""Functions that hand a tensor on as it is, or ask for its size: no step of their own."""


def traced(model: nn.Module, shape: Shape, device: str) -> tuple[tuple[Step, ...], Shape]:
    """(steps, shape of the output) by a symbolic trace; raises whatever tracing or running raises."""
    with TORCH, untouched():
        graph = _Tracer().trace(model)
        inputs = [node for node in graph.nodes if node.op == "placeholder"]
        run = _Values(model, graph)
        run.run(example(model, shape, device), *(node.args[0] for node in inputs[1:]))
    return _Reader(model, run.shapes).read(graph)


class _Values(fx.Interpreter):
    """Runs a trace node by node and notes the shape of each tensor, or of the first one in a tuple."""

    def __init__(self, module: nn.Module, graph: fx.Graph) -> None:
        super().__init__(module, garbage_collect_values=True, graph=graph)
        self.shapes: dict[fx.Node, Shape] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        shape = _shape_of(result)
        if shape is not None:
            self.shapes[n] = shape
        return result


def _shape_of(value: Any) -> Shape | None:
    if isinstance(value, torch.Tensor):
        return tuple(value.shape[1:])
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        return next((shape for shape in map(_shape_of, value) if shape is not None), None)
    return None


class _Reader:
    """Turns the nodes of one trace into steps."""

    def __init__(self, model: nn.Module, shapes: dict[fx.Node, Shape]) -> None:
        self.model = model
        self.shapes = shapes
        self.ids: dict[str, int] = {}
        self.origin: dict[fx.Node, str | None] = {}
        self.held: dict[fx.Node, list[nn.Parameter]] = {}  # weights that came through functions of weights alone
        self.counted: set[int] = set()

    def read(self, graph: fx.Graph) -> tuple[tuple[Step, ...], Shape]:
        """All steps that lead from the input to the output."""
        steps: list[Step] = []
        ends: tuple[str, ...] = ()
        output: Shape = ()
        for node in graph.nodes:
            if node.op == "placeholder":
                self.origin[node] = INPUT if INPUT not in self.origin.values() else None
            elif node.op == "output":
                ends, output = self._sources(node), self.shapes.get(node, ())
            elif node.op != "get_attr":
                step = self._step(node)
                steps += [step] if step else []
        return _used(steps, ends), output

    def _sources(self, node: fx.Node) -> tuple[str, ...]:
        found = (self.origin.get(source) for source in node.all_input_nodes)
        return tuple(name for name in found if name is not None)

    def _step(self, node: fx.Node) -> Step | None:
        sources = tuple(dict.fromkeys(self._sources(node)))
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
        module = self.model.get_submodule(str(node.target)) if node.op == "call_module" else None
        quiet = isinstance(module, nn.Identity) if module is not None else name in _QUIET
        if node not in self.shapes or not sources or quiet:
            self.origin[node] = sources[0] if sources and node in self.shapes else None
            self.held[node] = self._weights(node)
            return None
        path = str(node.target) if module is not None else ""
        owner = _owner(node)
        weights = self._weights(node)
        kind = kind_of(module) if module is not None else _function_kind(name)
        if kind == "add" and len(sources) == 1:
            kind = "other"  # a constant or a weight is added: nothing comes together
        leaves = self.shapes[node]
        made = Step(
            id=self.id_for(path or ".".join(filter(None, (owner, name.strip("_"))))), path=path, owner=owner, kind=kind,
            label=label_of(module, kind) if module is not None else name.strip("_"), inputs=sources, shape=leaves,
            params=self.fresh([*weights, *(module.parameters() if module is not None else ())]),
            macs=multiply_adds(module, leaves) if module is not None else _function_macs(kind, weights, leaves),
            attrs=attributes(module),
        )  # fmt: skip
        self.origin[node] = made.id
        return made

    def id_for(self, path: str) -> str:
        """A name that no other step has: a module may run several times."""
        self.ids[path] = self.ids.get(path, 0) + 1
        return path if self.ids[path] == 1 else f"{path}:{self.ids[path]}"

    def _weights(self, node: fx.Node) -> list[nn.Parameter]:
        found: list[nn.Parameter] = []
        for source in node.all_input_nodes:
            if source.op == "get_attr":
                value = _fetch(self.model, str(source.target))
                found += [value] if isinstance(value, nn.Parameter) else []
            elif self.origin.get(source) is None:
                found += self.held.get(source, [])
        return found

    def fresh(self, parameters: Any) -> int:
        """How many values of those parameters no earlier step has counted."""
        fresh = [p for p in parameters if id(p) not in self.counted]
        self.counted |= {id(p) for p in fresh}
        return sum(p.numel() for p in fresh)


def _fetch(model: nn.Module, path: str) -> Any:
    found: Any = model
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _owner(node: fx.Node) -> str:
    """The path of the module whose forward pass called this."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    if node.op == "call_module":
        return str(node.target).rpartition(".")[0]
    return str(stack[-1][0]) if stack else ""


def _used(steps: list[Step], ends: tuple[str, ...]) -> tuple[Step, ...]:
    """Steps on some way to the output; a size that was asked for, or a head for training, leads nowhere."""
    by_id = {step.id: step for step in steps}
    seen: set[str] = set()
    waiting = [name for name in ends if name in by_id]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [source for source in by_id[name].inputs if source in by_id]
    return tuple(step for step in steps if step.id in seen)


def hooked(model: nn.Module, shape: Shape, device: str) -> tuple[tuple[Step, ...], Shape]:
    """(steps, shape of the output) from the calls of modules without children, each taken to follow the last one.

    Functions between modules, additions among them, are not seen. Raises whatever the forward pass raises.
    """
    calls: list[tuple[str, nn.Module, Shape]] = []

    def note(path: str) -> Any:
        return lambda module, _, result: calls.append((path, module, _shape_of(result) or ()))

    leaves = {path: module for path, module in model.named_modules() if path and _is_leaf(module, path)}
    inside = {path for path in leaves if any(path.startswith(f"{other}.") for other in leaves)}
    handles = [module.register_forward_hook(note(path)) for path, module in leaves.items() if path not in inside]
    try:
        with TORCH, untouched():
            output = _shape_of(model(example(model, shape, device))) or ()
    finally:
        for handle in handles:
            handle.remove()
    reader = _Reader(model, {})
    steps: list[Step] = []
    for path, module, leaves_shape in calls:
        kind = kind_of(module)
        steps.append(
            Step(
                reader.id_for(path), path, path.rpartition(".")[0], kind, label_of(module, kind),
                (steps[-1].id if steps else INPUT,), leaves_shape, reader.fresh(module.parameters()),
                multiply_adds(module, leaves_shape), attributes(module),
            )
        )  # fmt: skip
    return tuple(steps), output


def _is_leaf(module: nn.Module, path: str) -> bool:
    return not any(True for _ in module.children()) or _Tracer().is_leaf_module(module, path)


def kind_of(module: nn.Module) -> Kind:
    """The kind of node that a module without children of interest is drawn as."""
    if isinstance(module, _LEAVES):
        return next(kind for types, kind in _KINDS if isinstance(module, types))
    if isinstance(module, _CONVS):
        return "conv"
    if isinstance(module, nn.Linear):
        return "linear"
    if isinstance(module, _NORMS):
        return "norm"
    if isinstance(module, nn.MultiheadAttention):
        return "other"
    for kind_type in type(module).__mro__:
        package, _, name = kind_type.__module__.rpartition(".")
        if package == "torch.nn.modules" and name in _FILES:
            return _FILES[name]
    return "other"


def _function_kind(name: str) -> Kind:
    if name.startswith(_POOLS):
        return "pool"
    return _FUNCTIONS.get(name.strip("_"), _FUNCTIONS.get(name, "other"))


def label_of(module: nn.Module, kind: Kind) -> str:
    """A few words: "3 × 3 convolution, 64 → 128, stride 2", "linear, 512 → 1000", else the class's name."""
    if isinstance(module, _CONVS):
        kernel = " × ".join(map(str, module.kernel_size))
        noun = "transposed convolution" if module.transposed else "convolution"
        words = [f"{kernel} {noun}, {module.in_channels} → {module.out_channels}"]
        words += [f"stride {module.stride[0]}"] if max(module.stride) > 1 else []
        words += [f"{module.groups} groups"] if module.groups > 1 else []
        return ", ".join(words)
    if isinstance(module, nn.Linear):
        return f"linear, {module.in_features} → {module.out_features}"
    if isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)):
        return norm_text(type(module).__name__, getattr(module, "num_groups", None))
    return type(module).__name__


def attributes(module: nn.Module | None) -> dict[str, int | float | str]:
    """What the graph needs of a convolution or pool."""
    if isinstance(module, _CONVS):
        sizes = module.kernel_size
        same = len(sizes) == 2 and sizes[0] == sizes[1]
        text = {} if same else {"text": "×".join(map(str, sizes))}
        return {
            "kernel": sizes[0], "stride": module.stride[0], "groups": module.groups,
            "in_channels": module.in_channels, "out_channels": module.out_channels, **text,
        }  # fmt: skip
    return {}


def multiply_adds(module: nn.Module, leaves: Shape) -> int:
    """Of convolutions and linear layers (those inside multi-head attention too), bias and attention not counted."""
    if isinstance(module, _CONVS):
        once = prod(leaves) * module.in_channels // module.groups * prod(module.kernel_size)
        # Transposed, each input value meets the kernel once, not each output value.
        return once // prod(module.stride) if module.transposed else once
    if isinstance(module, nn.Linear):
        return prod(leaves) * module.in_features
    if isinstance(module, nn.MultiheadAttention):
        return prod(leaves[:-1]) * 4 * int(module.embed_dim) ** 2
    return 0


def _function_macs(kind: Kind, weights: list[nn.Parameter], leaves: Shape) -> int:
    matrix = next((w for w in weights if w.dim() > 1), None)
    if matrix is None or kind not in ("conv", "linear"):
        return 0
    return prod(leaves) * prod(matrix.shape[1:])
