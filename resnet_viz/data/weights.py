"""Pretrained weights of torchvision's ten ResNets: where they are, how they are checked, how a network gets them.

torchvision itself publishes pickles, which can run code; this package reads none. The same weights lie as safetensors
files, which hold numbers only, in timm's repositories on the Hugging Face hub ("tv_in1k": torchvision's first set of
weights, IMAGENET1K_V1, under torchvision's licence, BSD-3-Clause; Wightman, pytorch-image-models). timm has
torchvision's names for these networks, so they load strictly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..settings import settings
from ..spec import preset, presets
from .download import digest
from .source import Source

if TYPE_CHECKING:
    import torch

    from ..nn import ResidualNetwork

LICENCE = "BSD-3-Clause"
SLACK = 1_100_000
"""Bytes taken at most for each megabyte that the host names: it rounds."""


class WeightsError(ValueError):
    """Why weights cannot be used, as one sentence."""


@dataclass(frozen=True)
class Weights:
    """One file: ``megabytes`` as the host shows them; ``sha256`` as it shows it, None where we could not look it up.

    ``resize`` is the shorter side to which torchvision scales an image before it cuts out 224 x 224; ``accuracy`` its
    top-1 accuracy in per cent on ImageNet's validation set, one crop, as torchvision gives it.
    """

    preset: str
    megabytes: float
    accuracy: float
    sha256: str | None = None
    resize: int = 256

    @property
    def source(self) -> Source:
        """What to download, and to where."""
        url = f"{settings().weights_url.rstrip('/')}/timm/{self.preset}.tv_in1k/resolve/main/model.safetensors"
        return Source(url, self.path, int(self.megabytes * SLACK), self.sha256)

    @property
    def path(self) -> Path:
        """Where the file lies once it is here."""
        return settings().weights_directory / f"{self.preset}.tv_in1k.safetensors"


_ALL = (
    Weights("resnet18", 46.8, 69.758, "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81"),
    Weights("resnet34", 87.3, 73.314),
    Weights("resnet50", 102, 76.130, "5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888"),
    Weights("resnet101", 179, 77.374),
    Weights("resnet152", 241, 78.312, "15897077afdf4d6334dc0c3f8e6fb483afb3faa9298c139f3c6eb29bca6ae5b2"),
    Weights("resnext50_32x4d", 100, 77.618),
    Weights("resnext101_32x8d", 356, 79.312, "71c7427e233904ad828b768b9683876dc71f143876cbadaa26428bfea3560fc3"),
    Weights("resnext101_64x4d", 335, 83.246, "47528f24e5cd6844249c9e4ea11aed6619431b83a0596afe80efdfffdb369900", 232),
    Weights("wide_resnet50_2", 276, 78.468, "df6fb6c4824769769de18e14088475fd6ee94236849aa4e5d8022ba9d9a9a16c"),
    Weights("wide_resnet101_2", 508, 78.848),
)
WEIGHTS = {row.preset: row for row in _ALL}
"""By preset."""

HOSTED_MEGABYTES = 110
"""A hosted app offers no larger file than this: its memory is everybody's."""


def offered() -> tuple[Weights, ...]:
    """The networks that the page offers here."""
    known = set(presets())
    most = HOSTED_MEGABYTES if settings().hosted else float("inf")
    return tuple(row for row in WEIGHTS.values() if row.preset in known and row.megabytes <= most)


def load(row: Weights) -> ResidualNetwork:
    """The preset's network with the downloaded weights, in evaluation mode on the CPU.

    Raises :class:`WeightsError` for a file that is missing, damaged, not the expected one, or of another network.
    """
    from ..nn import build

    again = f"delete {row.path} and download it again"
    absent = f"are not here yet: download them, or {row.source.by_hand}"
    if settings().hosted:  # no path, no address
        again, absent = "whoever runs this server can replace it", "are not on this server"
    if not row.path.is_file():
        raise WeightsError(f"The weights of {row.preset} {absent}.")
    if row.sha256 is not None and digest(row.path) != row.sha256:
        raise WeightsError(f"{row.path.name} is not the expected file, its SHA-256 differs: {again}.")
    state = _read(row.path, again)
    model = build(preset(row.preset), "meta")
    wanted = model.state_dict()
    for key, value in wanted.items():
        # A counter of training steps, which old files lack; evaluation does not read it.
        if key.endswith("num_batches_tracked") and key not in state:
            state[key] = value.new_zeros((), device="cpu")
    odd = [key for key in wanted if key not in state or state[key].shape != wanted[key].shape]
    odd += [key for key in state if key not in wanted]
    if odd:
        raise WeightsError(
            f"{row.path.name} holds another network than {row.preset}, {odd[0]!r} does not fit: {again}."
        )
    model.load_state_dict({key: state[key].to(value.dtype) for key, value in wanted.items()}, strict=True, assign=True)
    return model.eval()


def _read(path: Path, again: str) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path.name} is damaged or no safetensors file: {again}.") from error
