"""``data add``, ``data list`` and ``data remove``: somebody's own images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..spec.datasets import OWN
from .terminal import out, refusals

if TYPE_CHECKING:
    from ..spec import OwnImages

data = typer.Typer(help="Your own images: take in an .npz, list what there is, forget it.", no_args_is_help=True)


@data.command("add")
def add_images(
    file: Annotated[Path, typer.Argument(help="An .npz with train_x, train_y, test_x, test_y (uint8 images).")],
    name: Annotated[str, typer.Option(help="Name to call them by: `train --dataset own:NAME`.")],
) -> None:
    """Take in images of your own, to train on with `train --dataset own:NAME` or in the app."""
    with refusals():
        from ..data.own_images import add

        _describe(add(file, name))


@data.command("list")
def list_images() -> None:
    """List your own images."""
    with refusals():
        from ..data.own_images import directory, known

        found = known()
        if not found:
            out.print(
                f"No images yet in {directory()}: `data add FILE.npz --name NAME`.", markup=False, highlight=False
            )
        for own in found:
            _describe(own)


@data.command("remove")
def remove_images(name: Annotated[str, typer.Argument(help="Their name, as `data list` shows it.")]) -> None:
    """Forget images of your own; runs that were trained on them stay."""
    with refusals():
        from ..data.own_images import remove

        remove(name.removeprefix(OWN))


def _describe(own: OwnImages) -> None:
    out.print(f"{own.info.name}  {own.channels} x {own.height} x {own.width}, {own.classes} classes, "
              f"{own.train:,} train and {own.test:,} test images, SHA-256 {own.sha256[:12]}",
              markup=False, highlight=False)  # fmt: skip
