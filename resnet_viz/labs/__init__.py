"""The labs: the readers' questions, each answered by an experiment. Importing this package does not import torch."""

from __future__ import annotations

from .catalogue import find, labs
from .lab import (
    VERDICTS,
    Effect,
    Evidence,
    Finding,
    Findings,
    Guess,
    Lab,
    Large,
    Numbers,
    Source,
    Verdict,
    collect,
    seeds_of,
)
from .numbers import STYLES, Number, written
from .observation import Observation
from .recorded import recording
from .running import run_lab
from .stored import observe, queue

__all__ = [
    "STYLES", "VERDICTS", "Effect", "Evidence", "Finding", "Findings", "Guess", "Lab", "Large", "Number", "Numbers",
    "Observation", "Source", "Verdict", "collect", "find", "labs", "observe", "queue", "recording", "run_lab",
    "seeds_of", "written",
]  # fmt: skip
