"""The command line: ``python -m resnet_viz presets | summary | code | train | resume | replay | labs | app``.

The same library calls as the pages make, printed with Rich. A refusal is one sentence on standard error and
exit status 2; a run that failed or was interrupted exits with 1. Each module holds the commands of one concern.
"""

from __future__ import annotations

import typer

from . import app, doctor, images, labs, networks, training

cli = typer.Typer(help="Assemble residual networks, count them, train them, watch every layer's gradient.",
                  no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)  # fmt: skip
cli.command("presets")(networks.list_presets)
for command in (
    networks.summary,
    networks.code,
    training.train,
    training.resume,
    doctor.doctor,
    training.replay,
    labs.labs,
    app.app,
):
    cli.command()(command)
cli.command(hidden=True)(app.check_model)
cli.add_typer(images.data, name="data")


def main() -> None:
    """Run the command line."""
    cli()
