"""The names of ImageNet's 1,000 classes, from torchvision, which carries them with its weights."""

from __future__ import annotations

from functools import cache

MISSING = (
    "The names of the classes come from torchvision, which does not load here ({why}): classes are shown by number; "
    "installing the torchvision that belongs to this PyTorch brings the names."
)


@cache
def class_names() -> tuple[tuple[str, ...], str]:
    """(the names by class, a sentence when there are none). Imports torchvision, and only here."""
    try:
        from torchvision.models import ResNet50_Weights

        return tuple(ResNet50_Weights.IMAGENET1K_V1.meta["categories"]), ""
    except Exception as error:  # a torchvision built for another torch raises RuntimeError
        return (), MISSING.format(why=type(error).__name__)
