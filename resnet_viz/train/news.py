"""What an engine tells of itself while it trains: that its steps are computed another way from now on, and why."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 400
"""Characters of a sentence; what torch says of an error may have thousands."""


@dataclass(frozen=True)
class News:
    """``way`` is "graph", "eager" or "compiled"; ``what`` goes on after the contestant's name, ``why`` is a sentence.

    ``seconds`` is what it took, where that says something.
    """

    way: str
    what: str
    why: str
    seconds: float | None = None

    def said(self, contestant: str, step: int) -> str:
        """In words: "From step 4 on plain is trained eagerly, without its CUDA graphs. The step could not ..."."""
        text = f"From step {step} on {contestant} {self.what}. {self.why}"
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
