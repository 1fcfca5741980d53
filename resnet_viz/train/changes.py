"""What a person changes in a running race: each change holds from one step on, the same for all whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal["lr", "alpha", "shortcut", "drop_path", "weight_decay"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_STEP = 1_000_000
LIMITS: dict[Kind, tuple[float, float, str]] = {
    "lr": (0.0, 100.0, "learning rate"),
    "alpha": (-4.0, 4.0, "shortcut strength"),
    "shortcut": (0.0, 1.0, "shortcut"),
    "drop_path": (0.0, 1.0, "survival"),
    "weight_decay": (0.0, 1.0, "weight decay"),
}
"""Least and greatest value of each kind, as the recipe and the blocks have them, and what it is called."""
ABOVE_ZERO = ("lr", "drop_path")


class Change(BaseModel):
    """From the row of ``step`` on a value is another one.

    "lr": the learning rate, whose warm-up is then over. "alpha": the strength of every shortcut that is not cut.
    "shortcut": 0 cuts the one of ``block`` ("layer1.0") of ``contestant``, 1 restores it. "drop_path": the survival
    probability (Huang 2016, eq. 4), spread over the blocks as the network says. "weight_decay": that of all weights.
    Raises ``ValueError`` for a value out of bounds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: Annotated[int, Field(ge=0, le=MAX_STEP)]
    kind: Kind
    value: Annotated[float, Field(allow_inf_nan=False)]
    contestant: str | None = None
    block: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        low, high, name = LIMITS[self.kind]
        if not low <= self.value <= high or (self.kind in ABOVE_ZERO and self.value == 0):
            bounds = f"above {low:g} and at most {high:g}" if self.kind in ABOVE_ZERO else f"from {low:g} to {high:g}"
            raise ValueError(f"the {name} is {self.value:g}: it must be {bounds}")
        if self.kind == "shortcut" and (self.value not in (0, 1) or not self.contestant or not self.block):
            raise ValueError("a shortcut is cut with 0 and restored with 1, and has a contestant and a block")
        return self

    def concerns(self, contestant: str) -> bool:
        """Whether it is for that contestant, or for that seed of one ("plain/seed 4"; no name has a stroke in it)."""
        return self.contestant in (None, contestant.partition("/")[0])


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """By step; those of one step in the order in which they were made."""
    return tuple(sorted(changes, key=lambda change: change.step))
