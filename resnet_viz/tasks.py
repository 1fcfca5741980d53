"""What a worker can do besides experiments, by kind: composition only. The worker imports this module by its name."""

from __future__ import annotations

from .labs.execution import execute as _lab
from .labs.stored import KIND as _LAB

EXECUTORS = {_LAB: _lab}
