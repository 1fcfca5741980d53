"""Networks side by side: what the compare page shows and a link to it holds."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .block import Frozen
from .network import Network, bounded

MAX_COMPARED = 6


class Comparison(Frozen):
    """Two to six networks in the order in which they are shown; the first is what the others are compared with."""

    version: Literal[1] = 1
    networks: Annotated[tuple[Network, ...], Field(min_length=2, max_length=MAX_COMPARED)]

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        bounded(self.networks)
        return self
