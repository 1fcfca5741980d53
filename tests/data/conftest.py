"""torchvision as an oracle here too."""

from __future__ import annotations

from tests.oracles.conftest import tv

__all__ = ["tv"]
