"""What the environment says: variables that begin with ``RESNET_VIZ_``, read when they are asked for."""

from __future__ import annotations

from pathlib import Path

import platformdirs
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One field a variable: ``RESNET_VIZ_HOSTED`` is ``hosted``.

    ``hosted``: the app serves strangers, runs no code of theirs and keeps to limits. ``home``: the directory of runs
    and downloads. ``model``, ``model_input`` and ``model_path``: what ``app --model`` hands to the server (factory,
    input size, the directory in which it is looked for first). ``pretrained``: whether pretrained weights may be
    downloaded; without it they may where the app is not hosted. ``weights_url``: another host for them.
    """

    model_config = SettingsConfigDict(env_prefix="RESNET_VIZ_", env_ignore_empty=True)

    hosted: bool = False
    home: Path | None = None
    model: str | None = None
    model_input: str = "3x224x224"
    model_path: Path | None = None
    pretrained: bool | None = None
    weights_url: str = "https://huggingface.co"

    @property
    def downloads(self) -> bool:
        """Whether this server offers to download weights."""
        return not self.hosted if self.pretrained is None else self.pretrained

    @property
    def own_model(self) -> str | None:
        """The factory that the person at the command line named; a hosted app has none, whatever it is told."""
        return None if self.hosted else self.model

    @property
    def weights_directory(self) -> Path:
        """Where downloaded weights lie: ``weights`` in the home, else in the user's cache directory."""
        if self.home is not None:
            return self.home.expanduser().absolute() / "weights"
        return Path(platformdirs.user_cache_dir("resnet-viz", appauthor=False)) / "weights"

    @property
    def images_directory(self) -> Path:
        """Where a person's own images lie: ``images`` in the home, else in the user's data directory."""
        home = self.home or Path(platformdirs.user_data_dir("resnet-viz", appauthor=False))
        return home.expanduser().absolute() / "images"


def settings() -> Settings:
    """The settings as they are now."""
    return Settings()
