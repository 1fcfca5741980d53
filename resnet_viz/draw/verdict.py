"""One sentence on what a run shows, computed from its telemetry at any step; the thresholds stand beside it.

The gradient ratio of a network is the L2 norm of the weight gradient of the *first* convolution of its blocks
over that of the *last* one, 3x3 with 3x3: the stem, the projections and the linear layer are left out, and of a
bottleneck block (1x1, 3x3, 1x1) its middle convolution counts. Above ``EXPLODING`` it is called exploding, below
``VANISHING`` vanishing, between them healthy, at initialisation (row 0) and at the step in question. A ratio alone
misleads when the whole signal is dead, so a net that has not learned and whose largest such norm is under
``DEAD_GRADIENT`` is called dead (a recorded loop is not: nobody tells us its error).

Who learns is read from the train error on the whole set at the last evaluation that all contestants have; a run
without evaluations is read from its minibatches. Nothing here knows what a plain or a residual network "should" do.
This module needs neither torch nor the store.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from resnet_viz.spec import DATASETS

from .sentences import at_start, breakdown, learning, ratios
from .thresholds import DEAD_GRADIENT, EXPLANATION, EXPLODING, LEARNED, MINIBATCHES, THRESHOLDS, VANISHING

__all__ = ["EXPLANATION", "THRESHOLDS", "Telemetry", "Verdict", "judge", "label", "ratio_layers", "verdict", "verdicts"]

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from resnet_viz.runs import RunData


@dataclass(frozen=True)
class Verdict:
    """``bold``: what is seen; ``rest``: the gradients behind it; ``facts``: the numbers of both, JSON-ready."""

    bold: str
    rest: str
    facts: dict[str, Any] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=lambda: dict(THRESHOLDS))


@dataclass(frozen=True)
class Telemetry:
    """What a verdict reads of one contestant; row i of each array is step i.

    ``loss`` and ``train_error`` [steps]; ``gradients`` [steps, k] the norms of the layers at ``paths``, in forward
    order; ``blocks`` says that these are the 3x3 convolutions of blocks; ``evals`` (step, train error) in order,
    where step counts the updates done. ``gaps``: a norm that is NaN was not measured, as in a recorded training loop
    where a layer took no part.
    """

    name: str
    paths: tuple[str, ...]
    blocks: bool
    loss: NDArray[np.float32]
    train_error: NDArray[np.float32] | None
    gradients: NDArray[np.float32]
    evals: tuple[tuple[int, float], ...]
    gaps: bool = False


def verdict(data: RunData, step: int | None = None) -> Verdict:
    """What the run shows after ``step`` updates (None: everything so far).

    Rows of steps up to ``step`` and evaluations after at most ``step`` updates count, so 0 is the
    initialisation and ``header["steps"]`` the end with its last evaluation.
    """
    return verdicts(data, [step])[0]


def verdicts(data: RunData, steps: Iterable[int | None]) -> list[Verdict]:
    """:func:`verdict` at each of several steps, reading the run once."""
    telemetry = [_telemetry(data, row) for row in data.header.get("contestants", ())]
    chance = chance_error(data.header)
    return [judge(telemetry, step, chance=chance) for step in steps]


def chance_error(header: Mapping[str, Any]) -> float:
    """The error of guessing on the run's data set, as a fraction; ten classes where the header does not say."""
    info, classes = DATASETS.get(str(header.get("dataset", ""))), header.get("classes")
    if info is not None:
        classes = info.classes
    return 1 - 1 / classes if isinstance(classes, int) and classes > 1 else 0.9


def ratio_layers(layers: Sequence[Mapping[str, Any]]) -> tuple[list[str], bool]:
    """Paths of the layers that carry the gradient ratio, in forward order, and whether they belong to blocks.

    The blocks' main-path convolutions, of a bottleneck block only the middle one. A model that is not ours
    has no blocks: then all its convolutions, or if there are fewer than two, all its layers.
    """
    main = [row for row in layers if not row.get("projection")]
    convs = [row for row in main if row.get("kind") == "conv"]
    blocks: dict[tuple[int, int], list[str]] = {}
    for row in convs:
        if row.get("stage"):
            blocks.setdefault((int(row["stage"]), int(row["block"])), []).append(str(row["path"]))
    inside = [path for paths in blocks.values() for path in (paths[1:2] if len(paths) == 3 else paths)]
    if len(inside) >= 2:
        return inside, True
    return [str(row["path"]) for row in (convs if len(convs) >= 2 else main)], False


def label(ratio: float | None) -> str:
    """The name of a gradient ratio: exploding, vanishing, healthy; "unknown" where there is none."""
    if ratio is None or math.isnan(ratio):
        return "unknown"
    return "exploding" if ratio > EXPLODING else "vanishing" if ratio < VANISHING else "healthy"


def judge(contestants: Sequence[Telemetry], step: int | None = None, *, chance: float = 0.9) -> Verdict:
    """The verdict on contestants' telemetry after ``step`` updates; ``chance`` is the error of a blind guess."""
    rows = [_gradients(c, step) for c in contestants]
    started = [r for r in rows if r["rows"]]
    if not started:
        return Verdict("Nothing is measured yet.", "The first step gives every layer's gradient.", {"step": step})
    errors, source, at = _errors(contestants, step)
    for r in started:
        error = errors.get(r["name"])
        r["error"] = error
        small = r["evaluated"] and r["largest"] is not None and r["largest"] < DEAD_GRADIENT
        if small and (error is None or error > LEARNED):
            r["now_label"] = "dead"
    facts = {"step": step, "error_source": source, "error_step": at, "chance": chance, "contestants": started}
    broken = [r for r in started if r["not_finite"] is not None]
    if broken:
        bold = breakdown(broken)
    elif not errors or source == "initialisation":
        bold = at_start(started)
    else:
        bold = learning(errors, source, chance)
    return Verdict(bold, ratios(started), facts)


# -- reading ----------------------------------------------------------------------------------------------


def _telemetry(data: RunData, contestant: Mapping[str, Any]) -> Telemetry:
    import numpy as np

    name = str(contestant["name"])
    signals = data.signals(name)
    wanted, blocks = ratio_layers(contestant.get("layers", ()))
    paths = [path for path in wanted if f"grad_norm/{path}" in signals]
    loss = signals.get("loss", np.empty(0, np.float32))
    columns = [signals[f"grad_norm/{path}"] for path in paths]
    gradients = np.stack(columns, axis=1) if columns else np.empty((len(loss), 0), np.float32)
    evals = tuple((row.step, row.train_error) for row in data.evals(name))
    gaps = contestant.get("gaps") is True
    return Telemetry(name, tuple(paths), blocks, loss, signals.get("train_error"), gradients, evals, gaps)


def _gradients(c: Telemetry, step: int | None) -> dict[str, Any]:
    """Ratios and labels of one contestant, at initialisation and now, and the first step that is not finite."""
    import numpy as np

    rows = len(c.loss) if step is None else min(len(c.loss), step + 1)
    seen = np.isinf if c.gaps else lambda norms: ~np.isfinite(norms)
    finite = np.isfinite(c.loss[:rows]) & ~seen(c.gradients[:rows]).any(axis=1)
    bad = int(np.argmin(finite)) if rows and not finite.all() else None
    init = _ratio(c.gradients[0]) if rows else None
    now = _ratio(c.gradients[rows - 1]) if rows else None
    what = None if bad is None else "loss" if not np.isfinite(c.loss[bad]) else "gradient"
    last = c.gradients[rows - 1] if rows else c.gradients[:0]
    first_layer, last_layer = (c.paths[0], c.paths[-1]) if c.paths else (None, None)
    return {
        "name": c.name, "rows": rows, "first_layer": first_layer, "last_layer": last_layer, "blocks": c.blocks,
        "init": init, "now": now, "init_label": label(init), "now_label": label(now),
        "largest": float(last.max()) if last.size and np.isfinite(last).all() else None,
        "not_finite": bad, "what": what, "evaluated": bool(c.evals) or not c.gaps,
    }  # fmt: skip


def _ratio(norms: NDArray[np.float32]) -> float | None:
    """First over last; None where it cannot be said (fewer than two layers, a value that is not finite, 0 over 0)."""
    if len(norms) < 2 or not (math.isfinite(norms[0]) and math.isfinite(norms[-1])):
        return None
    first, last = float(norms[0]), float(norms[-1])
    if last == 0:
        return None
    return first / last


def _errors(contestants: Sequence[Telemetry], step: int | None) -> tuple[dict[str, float], str, int | None]:
    """Train errors at one common moment: (name -> fraction, where they are from, after how many updates)."""
    import numpy as np

    limit = math.inf if step is None else step
    seen = [{at: error for at, error in c.evals if at <= limit and math.isfinite(error)} for c in contestants]
    common = set.intersection(*(set(s) for s in seen))
    if common:
        at = max(common)
        source = "evaluation" if at else "initialisation"
        return {c.name: s[at] for c, s in zip(contestants, seen, strict=True)}, source, at
    if any(c.evals for c in contestants) or any(c.train_error is None for c in contestants):
        return {}, "none", None
    rows = min(min(len(c.loss) for c in contestants), int(min(limit, 2**31)) + 1)
    if rows < MINIBATCHES:
        return {}, "none", None
    errors = {}
    for c in contestants:
        if c.train_error is not None:
            errors[c.name] = float(np.mean(c.train_error[rows - MINIBATCHES : rows]))
    finite = all(math.isfinite(e) for e in errors.values())
    return (errors, "minibatch", rows - 1) if finite else ({}, "none", None)
