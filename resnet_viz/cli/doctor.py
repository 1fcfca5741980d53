"""``doctor``: what trains on this machine."""

from __future__ import annotations

from .terminal import out, refusals


def doctor() -> None:
    """Say what trains here: torch, the devices, and how fast one step is on each, so that one can choose."""
    with refusals():
        from ..train.timing import report

        for line in report():
            out.print(line, markup=False, highlight=False)
