"""Make the shipped recordings again on this machine: ``python -m resnet_viz.ui.recordings`` (some ten seconds)."""

from __future__ import annotations

from resnet_viz.ui.race_state import default_experiment

from . import FIRST_RACE, make_recording


def main() -> None:
    """Make each recording and say where it is and how large."""
    path = make_recording(FIRST_RACE, default_experiment())
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
