"""``presets``, ``summary`` and ``code``: networks listed, counted, written as source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ..spec import Experiment, SpecError, preset, preset_groups, preset_info
from .arguments import read
from .terminal import err, out, refusals


def list_presets() -> None:
    """List the networks of the literature with their published figures."""
    out.print("preset              depth  parameters  published error", style="bold")
    for family, names in preset_groups().items():
        out.print(family, style="dim")
        for name in names:
            info = preset_info(name)
            count = f"{info.parameters:,}" if info.parameters else "-"
            error = f"{info.published_error:g} % {info.protocol}" if info.published_error else "-"
            line = f"  {name:18}{preset(name).depth:5}{count:>12}  {error}"
            out.print(line, highlight=False, markup=False, soft_wrap=True)


def summary(
    network: Annotated[str, typer.Argument(help="A preset, a share text, or a .json file.")],
    batch: Annotated[int, typer.Option(min=1, help="Batch for the memory of a training step.")] = 1,
) -> None:
    """Count a network: layers, shapes, parameters, multiply-adds, receptive field."""
    with refusals():
        net = read(network)
        if isinstance(net, Experiment):
            raise SpecError("This file holds an experiment: `summary` takes one network.")
        from ..inspect import summarize

        counted = summarize(net, batch=batch)
    table = Table(box=None, pad_edge=False)
    for column in ("layer", "operation"):
        table.add_column(column, no_wrap=True)
    for column in ("output", "parameters", "mult-adds", "field"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in counted.rows:
        shape = " x ".join(map(str, row.shape))
        table.add_row(row.path, row.operation, shape, f"{row.params:,}", f"{row.macs:,}", str(row.receptive_field))
    out.print(table)
    out.print(f"[bold]{counted.params:,}[/] parameters (torchinfo {counted.params_torchinfo:,}), "
              f"[bold]{counted.macs:,}[/] multiply-adds of convolutions and linear layers "
              f"(torchinfo's own total {counted.macs_torchinfo:,}), {counted.depth} layers deep, "
              f"receptive field {counted.receptive_field} with stride {counted.field_stride}, "
              f"{counted.memory / 2**20:.1f} MiB for a training step and {counted.forward_memory / 2**20:.1f} MiB for "
              f"a forward pass at batch {batch}, {counted.intensity(batch):.1f} operations a byte.")  # fmt: skip
    paths = counted.paths
    if paths.shares:
        out.print(f"Gradient paths: {paths.shortest} to {paths.longest} layers, "
                  f"through {paths.fewest} to {paths.most} blocks, mean {paths.mean:.1f}, "
                  f"standard deviation {paths.deviation:.1f}.")  # fmt: skip
    else:
        out.print("Gradient paths: none, a block multiplies both its ways by zero.")


def code(
    network: Annotated[str, typer.Argument(help="A preset, a share text, or a .json file.")],
    style: Annotated[str, typer.Option(help="explicit, or lazy (LazyConv2d and its kin).")] = "explicit",
    output: Annotated[Path | None, typer.Option(help="File to write; without it the terminal.")] = None,
) -> None:
    """Write a network as PyTorch source that needs nothing but torch."""
    with refusals():
        net = read(network)
        if isinstance(net, Experiment):
            raise SpecError("This file holds an experiment: `code` takes one network.")
        from ..codegen import to_source

        text = to_source(net, style)  # type: ignore[arg-type]  # an unknown style is refused there
        if output is not None:
            output.write_text(text, encoding="utf-8")
            err.print(f"{output}: {text.count(chr(10))} lines", markup=False, highlight=False)
    if output is None:
        typer.echo(text, nl=False)
