"""What a probe plan asks for beside the norms of every step: each quantity at its own period, exact, on the device.

The formulas stand in docs/telemetry.md under the names of the functions' quantities. Between two measurements a
value is NaN. What spans several steps (the gradient before, the window of the signal-to-noise ratio) is part of
:meth:`Measures.state`, so that a resumed run measures the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from ..nn.layers import NORM_TYPES
from ..spec import Network, ProbePlan
from ..spec.shapes import block_shapes
from .norms import SAFE, Norms, widest

PER_LAYER = ("grad_rms", "grad_mean", "grad_std", "grad_cosine", "grad_snr", "weight_norm", "update_ratio")
PER_BLOCK = ("branch_ratio", "dead_units", "gamma")
BEFORE, WINDOW, COUNT, SPREAD = "before/", "window/", "window count", "window spread"
BESIDE = ("downsample", "gate", "se")
"""Children of a block that are not its main path."""


def measure_names(network: Network, layers: Sequence[str], plan: ProbePlan) -> tuple[str, ...]:
    """The signals that the plan adds for this network: "weight_norm/layer1.0.conv1", "branch_ratio/layer1.0", ...

    A block has a branch ratio when it has an addition, and a gamma when it has norms.
    """
    names = [f"{key}/{path}" for key in PER_LAYER if key in plan.periods for path in layers]
    for key in (key for key in PER_BLOCK if key in plan.periods):
        for row in block_shapes(network):
            block = network.stages[row.stage - 1].block_at(row.block)
            there = {"branch_ratio": block.merge != "none", "gamma": block.norm != "none"}.get(key, True)
            names += [f"{key}/layer{row.stage}.{row.block - 1}"] if there else []
    return tuple(names)


class Measures:
    """The further quantities of one model; ``names`` as :func:`measure_names` gives them.

    ``layers`` are the paths whose gradients a probe measures, in its order. The model's optimizer is SGD with
    momentum: its state says what the coming update will be.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        layers: Sequence[str],
        names: Sequence[str],
        plan: ProbePlan,
        device: torch.device,
    ) -> None:
        self.names = tuple(names)
        self._plan, self._norms, self._optimizer = plan, Norms(device), optimizer
        self._wide, self._wide_always = widest(device), device.type != "cpu"
        self._weights: list[torch.Tensor] = [model.get_parameter(f"{path}.weight") for path in layers]
        self._none = torch.full((len(layers),), torch.nan, device=device)
        self._roots = torch.tensor([weight.numel() ** 0.5 for weight in self._weights], device=device)
        self._before: list[torch.Tensor] = []
        self._mean: list[torch.Tensor] = []
        self._spread = torch.zeros(len(layers), dtype=self._wide, device=device)
        self._count = 0
        self._step = 0
        self._watched = _Watched(model, self.names, self._norms)
        self._keys = tuple(dict.fromkeys(name.partition("/")[0] for name in self.names))
        self.begin(0)

    def begin(self, step: int) -> None:
        """The row of ``step`` comes next."""
        self._step = step
        self._watched.begin({key for key in PER_BLOCK if self._due(key)})

    def _due(self, key: str, step: int | None = None) -> bool:
        period = self._plan.periods.get(key)  # type: ignore[call-overload]
        return period is not None and (self._step if step is None else step) % period == 0

    @torch.no_grad()
    def row(self, norms: Sequence[torch.Tensor], rate: float) -> torch.Tensor:
        """The values of this step in the order of ``names``, from the gradients as they stand.

        ``norms`` are those of the layers' gradients, ``rate`` is the learning rate of the update that comes.
        """
        gradients = [weight.grad for weight in self._weights if weight.grad is not None]
        norm = torch.stack(tuple(norms))
        measured: dict[str, Callable[[], torch.Tensor]] = {
            "grad_rms": lambda: norm / self._roots,
            "grad_cosine": lambda: self._cosine(gradients, norm),
            "grad_snr": lambda: self._noise(gradients),
            "weight_norm": lambda: torch.stack(self._norms.of(self._weights)),
            "update_ratio": lambda: self._update(gradients, rate),
        }
        moments = self._moments(gradients, norm) if self._due("grad_mean") or self._due("grad_std") else None
        parts = []
        for key in self._keys:
            if key in PER_BLOCK:
                parts.append(self._watched.values(key))
            elif not self._due(key):
                parts.append(self._none)
            elif key in measured:
                parts.append(measured[key]())
            elif moments is not None:
                parts.append(moments[key == "grad_mean"])
        kept = self._due("grad_cosine", self._step + 1)
        self._before = [gradient.clone() for gradient in gradients] if kept else []
        return torch.cat([part.to(norm.device, torch.float32) for part in parts])

    def _moments(self, gradients: list[torch.Tensor], norm: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(standard deviation, mean) of each layer's gradient over all of its n values, the former with 1 / n."""
        wide = self._wide_always
        if not wide:
            least, most = norm.aminmax()
            wide = not (SAFE[0] < least.item() and most.item() < SAFE[1])
        found = [torch.std_mean(g.to(self._wide) if wide else g, correction=0) for g in gradients]
        return torch.stack([std for std, _ in found]), torch.stack([mean for _, mean in found])

    def _cosine(self, gradients: list[torch.Tensor], norm: torch.Tensor) -> torch.Tensor:
        """g · h / (‖g‖ ‖h‖) with the gradient h of the step before; none at step 0."""
        if not self._before:
            return self._none
        units = torch._foreach_div(gradients, list(norm.to(gradients[0].dtype).unbind()))
        products = torch._foreach_mul(units, self._before)
        return torch.stack([product.sum() for product in products]) / torch.stack(self._norms.of(self._before))

    def _noise(self, gradients: list[torch.Tensor]) -> torch.Tensor:
        """‖mean g‖ over the root of the sum of squared distances from it by W - 1; Welford's way, one pass."""
        self._count += 1
        if self._count == 1:
            self._mean = [gradient.clone() for gradient in gradients]
            self._spread.zero_()
        else:
            away = torch._foreach_sub(gradients, self._mean)
            torch._foreach_add_(self._mean, away, alpha=1 / self._count)
            self._spread += torch.stack(self._norms.of(away)).to(self._wide).square() * (1 - 1 / self._count)
        if self._count < self._plan.window:
            return self._none
        self._count = 0
        return torch.stack(self._norms.of(self._mean)) / (self._spread / (self._plan.window - 1)).sqrt()

    def _update(self, gradients: list[torch.Tensor], rate: float) -> torch.Tensor:
        """‖ΔW‖ / ‖W‖ of the update that comes: ΔW = -rate (momentum v + g + decay W)."""
        group = self._optimizer.param_groups[0]
        steps = torch._foreach_add(gradients, self._weights, alpha=group["weight_decay"])
        buffers = [self._optimizer.state.get(weight, {}).get("momentum_buffer") for weight in self._weights]
        if group["momentum"] and all(buffer is not None for buffer in buffers):
            torch._foreach_add_(steps, buffers, alpha=group["momentum"])
        return rate * torch.stack(self._norms.of(steps)) / torch.stack(self._norms.of(self._weights))

    # -- what spans steps ---------------------------------------------------------------------------------

    def state(self) -> dict[str, torch.Tensor]:
        """What the rows to come need of those before."""
        found = {f"{BEFORE}{i:05}": value for i, value in enumerate(self._before)}
        if self._count:
            found |= {f"{WINDOW}{i:05}": value for i, value in enumerate(self._mean)}
            found |= {COUNT: torch.tensor(self._count), SPREAD: self._spread}
        return found

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put back what :meth:`state` gave. Raises ``ValueError`` for that of another network."""
        self._before, self._mean = (self._like_weights(tensors, prefix) for prefix in (BEFORE, WINDOW))
        self._count = int(tensors[COUNT].item()) if COUNT in tensors else 0
        if self._count:
            self._spread.copy_(tensors[SPREAD])

    def _like_weights(self, tensors: Mapping[str, torch.Tensor], prefix: str) -> list[torch.Tensor]:
        """Tensors that lie in memory as the gradients do, so that sums over them are added in the same order."""
        found = [value for name, value in sorted(tensors.items()) if name.startswith(prefix)]
        if not found:
            return []
        return [torch.empty_like(w).copy_(value).detach() for w, value in zip(self._weights, found, strict=True)]


class _Watched:
    """What is read while a block runs forward: its addition, its activations; and its norms' scales."""

    def __init__(self, model: nn.Module, names: Sequence[str], norms: Norms) -> None:
        self._norms = norms
        self._due: set[str] = set()
        self._paths = {key: [name.partition("/")[2] for name in names if name.startswith(key + "/")]
                       for key in PER_BLOCK}  # fmt: skip
        self._device = next(model.parameters()).device
        self._ratios: dict[str, torch.Tensor] = {}
        self._dead: dict[str, list[torch.Tensor]] = {}
        self._scales = [_last_norm(model.get_submodule(path)) for path in self._paths["gamma"]]
        for path in self._paths["branch_ratio"]:
            add = model.get_submodule(f"{path}.add")
            add.register_forward_pre_hook(self._addition(path))
        for path in self._paths["dead_units"]:
            for name, layer in model.get_submodule(path).named_modules():
                if name.split(".")[0] not in BESIDE and name.split(".")[-1].startswith("relu"):
                    layer.register_forward_hook(self._activation(path))

    def begin(self, due: set[str]) -> None:
        """These quantities are measured in the next forward pass."""
        self._due = due
        self._dead = {path: [] for path in self._paths["dead_units"]}
        self._ratios.clear()

    def values(self, key: str) -> torch.Tensor:
        """One value a block; NaN where nothing was measured."""
        paths = self._paths[key]
        none = torch.full((), torch.nan, device=self._device)
        if key not in self._due:
            return none.expand(len(paths))
        if key == "gamma":
            return torch.stack([scale.abs().mean() for scale in self._scales])
        if key == "branch_ratio":
            return torch.stack([self._ratios.get(path, none) for path in paths])
        seen = (self._dead[path] for path in paths)
        return torch.stack([torch.cat(flags).float().mean() if flags else none for flags in seen])

    def _addition(self, path: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def before(add: Any, args: tuple[Any, ...]) -> None:
            if "branch_ratio" in self._due and torch.is_grad_enabled():
                branch, shortcut = (self._norms.one(value.detach()) for value in args[:2])
                self._ratios[path] = abs(add.beta) * branch / (abs(add.alpha) * shortcut)

        return before

    def _activation(self, path: str) -> Callable[[nn.Module, tuple[Any, ...], torch.Tensor], None]:
        def after(layer: nn.Module, args: tuple[Any, ...], output: torch.Tensor) -> None:
            if "dead_units" in self._due and torch.is_grad_enabled():
                # A sum of sizes is zero only where all are, and is the fastest way to tell.
                self._dead[path].append(output.detach().abs().sum((0, *range(2, output.ndim))) == 0)

        return after


def _last_norm(block: nn.Module) -> nn.Parameter:
    """The scale of the last norm on a block's main path."""
    scales = [
        layer.weight
        for name, layer in block.named_modules()
        if isinstance(layer, NORM_TYPES) and name.split(".")[0] not in BESIDE
    ]
    scale = scales[-1]
    if not isinstance(scale, nn.Parameter):
        raise TypeError("the last norm of a block has no scale")
    return scale
