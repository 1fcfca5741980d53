"""torchvision as an oracle here too."""

from tests.oracles.conftest import tv

__all__ = ["tv"]
