"""Which quantities a run measures beside those of every step, and how often; and what each quantity is called.

The formulas stand in docs/telemetry.md, under the same keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self, get_args

from pydantic import Field

from .block import Frozen

Measured = Literal[
    "grad_rms", "grad_mean", "grad_std", "grad_cosine", "grad_snr", "weight_norm", "update_ratio",
    "branch_ratio", "dead_units", "gamma",
]  # fmt: skip
Period = Annotated[int, Field(ge=1, le=10_000)]


@dataclass(frozen=True)
class Quantity:
    """How pictures name a quantity: ``title`` begins a sentence, ``symbol`` is its formula in short.

    ``per`` says what has a value of its own. ``scale`` is "log" for what is never negative and spans decades;
    ``limits`` are the ends of a linear scale that are known beforehand.
    """

    key: str
    title: str
    symbol: str
    per: Literal["layer", "block"]
    scale: Literal["log", "linear"]
    limits: tuple[float, float] | None = None


QUANTITIES: dict[str, Quantity] = {
    row.key: row
    for row in (
        Quantity("grad_norm", "Gradient norm", "‖∂L/∂W‖", "layer", "log"),
        Quantity("grad_rms", "Gradient RMS", "‖∂L/∂W‖ / √n", "layer", "log"),
        Quantity("grad_mean", "Gradient mean", "mean of ∂L/∂W", "layer", "linear"),
        Quantity("grad_std", "Gradient standard deviation", "std of ∂L/∂W", "layer", "log"),
        Quantity("grad_cosine", "Cosine of successive gradients", "cos(g, g before)", "layer", "linear", (-1, 1)),
        Quantity("grad_snr", "Gradient signal-to-noise", "‖mean g‖ / std g", "layer", "log"),
        Quantity("weight_norm", "Weight norm", "‖W‖", "layer", "log"),
        Quantity("update_ratio", "Update-to-weight ratio", "‖ΔW‖ / ‖W‖", "layer", "log"),
        Quantity("input_grad", "Gradient of the block's input", "‖∂L/∂x‖", "block", "log"),
        Quantity("branch_ratio", "Branch-to-shortcut ratio", "‖βF(x)‖ / ‖αx‖", "block", "log"),
        Quantity("dead_units", "Share of dead units", "channels that are 0", "block", "linear", (0, 1)),
        Quantity("gamma", "Scale of the last norm", "mean |γ|", "block", "log"),
    )
}
"""All that is measured by layer or by block, the first one by default in every picture."""

DEFAULT = "grad_norm"


class ProbePlan(Frozen):
    """What is measured beside loss, error, learning rate, ``grad_norm`` and ``input_grad``, which every step has.

    ``periods`` has for each further quantity the steps from one measurement to the next: at a period of 10 the steps
    0, 10, 20, ... are measured, and the rows between are NaN. ``window`` is the number of measured steps over which
    ``grad_snr`` is taken, one value at the end of each window.
    """

    periods: dict[Measured, Period] = Field(default_factory=dict)
    window: Annotated[int, Field(ge=2, le=1000)] = 8

    @classmethod
    def full(cls, period: int = 1, window: int = 8) -> Self:
        """Every quantity at one period."""
        return cls.model_validate({"periods": dict.fromkeys(get_args(Measured), period), "window": window})

    def __str__(self) -> str:
        """In a few words: "default", "everything every 10 steps", "gamma every 3 steps"."""
        if not self.periods:
            return "default"
        every = {period: [key for key, other in self.periods.items() if other == period] for period in
                 sorted(set(self.periods.values()))}  # fmt: skip
        words = [
            f"{'everything' if len(keys) == len(get_args(Measured)) else ', '.join(keys)} every "
            + ("step" if period == 1 else f"{period} steps")
            for period, keys in every.items()
        ]
        return "; ".join(words) + (f"; window {self.window}" if "grad_snr" in self.periods else "")
