"""``labs``: list the labs, run one, check or record all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..spec import SpecError
from .terminal import err, out, refusals

if TYPE_CHECKING:
    from ..labs import Lab, Observation
    from ..labs.check import Checked


def labs(
    check: Annotated[
        bool, typer.Option("--check", help="Run them and see whether they show what they promise.")
    ] = False,
    record: Annotated[bool, typer.Option("--record", help="Run them and write the recordings of the package.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="One lab by its name; may be repeated.")] = None,
    seeds: Annotated[str | None, typer.Option(help="One repeat each, such as 1,2,3.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """List the labs, run one (--only), or check all: exit 1 where one shows its effect in too few of the seeds."""
    with refusals():
        from ..labs import find
        from ..labs import labs as all_labs
        from ..labs.check import check as run_all

        chosen = [find(name) for name in only] if only else list(all_labs())
        if not (check or record or only):
            return _list_labs(chosen)
        repeats = _seeds(seeds or ("0,1,2" if record else "1,2,3" if check else "0"))
        found = []
        with err.status("") as status:
            for one in run_all(chosen, repeats, device, status.update):
                found.append(one)
                _recorded(one.observation) if record else None
                if not check:
                    _observed(one.observation)
    _checked(found)
    if check and not all(one.good for one in found):
        raise typer.Exit(1)
    return None


def _seeds(text: str) -> tuple[int, ...]:
    """The seeds of "1,2,3". Raises ``SpecError``."""
    try:
        seeds = tuple(dict.fromkeys(int(word) for word in text.split(",")))
    except ValueError as error:
        raise SpecError(f"--seeds takes whole numbers such as 1,2,3, not {text[:40]!r}.") from error
    if not all(0 <= seed < 2**31 for seed in seeds) or len(seeds) > 100:
        raise SpecError("--seeds takes up to 100 whole numbers from 0 to 2147483647.")
    return seeds


def _list_labs(chosen: list[Lab]) -> None:
    table = Table("", "lab", "question", box=None, pad_edge=False)
    for lab in chosen:
        table.add_row(str(lab.number), lab.slug, lab.question)
    out.print(table)


def _observed(seen: Observation) -> None:
    from rich.markdown import Markdown

    rows = seen.table()
    table = Table(*(rows[0] if rows else ()), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row.values())
    out.print(table)
    out.print(Markdown(seen.explanation or "It did not come to its end, so there is nothing to explain."))


def _recorded(seen: Observation) -> None:
    from ..labs.recorded import save

    err.print(f"{save(seen)}", markup=False, highlight=False)


def _checked(found: list[Checked]) -> None:
    table = Table("lab", "seconds a repeat", "processor", "shows", "", box=None, pad_edge=False)
    for one in found:
        table.add_row(
            one.lab.slug,
            f"{one.seconds:.1f}",
            f"{one.processor:.1f}",
            one.words,
            "" if one.good else f"expected: {one.lab.expected}",
        )
    out.print(table)
    out.print(f"All labs, one repeat each: {sum(one.seconds for one in found):.0f} s, "
              f"{sum(one.processor for one in found):.0f} s of processor time.", highlight=False)  # fmt: skip
