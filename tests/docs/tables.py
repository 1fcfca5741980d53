"""The tables of presets in docs/catalogue.md. ``python -m tests.docs.tables`` writes them; a test compares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from resnet_viz.inspect import summarize
from resnet_viz.spec import PresetInfo, preset, preset_groups, preset_info

PAGE = Path(__file__).parents[2] / "docs" / "catalogue.md"
BEGIN, END = "<!-- presets: begin -->\n", "<!-- presets: end -->"


def _printed(info: PresetInfo) -> str:
    words = []
    if info.published_parameters is not None:
        words.append(f"{info.published_parameters:g} M")
    if info.published_macs is not None:
        words.append(f"{info.published_macs:g} G")
    return ", ".join(words) + f" ({info.counts_from})" if words else "-"


def _errors(info: PresetInfo) -> str:
    found = [] if info.published_error is None else [(info.published_error, info.protocol)]
    found += [(figure.error, figure.protocol) for figure in info.figures]
    return "; ".join(f"{error:.2f}: {protocol}" for error, protocol in found) or "-"


def row(name: str) -> str:
    """One line of a table, with what is counted now."""
    info, summary = preset_info(name), summarize(preset(name))
    exact = ", exact" if info.parameters is not None else ""
    macs = f"{summary.macs / 1e9:.2f} G" if summary.macs >= 1e9 else f"{summary.macs / 1e6:.2f} M"
    return (
        f"| `{name}` | {summary.depth} | {summary.params:,}{exact} | {macs} | {_printed(info)} | {_errors(info)} | "
        f"{info.source}. {info.note}".rstrip()
        + " |"
    )


def tables() -> str:
    """All families, each with its heading."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    for family, names in preset_groups().items():
        yield f"\n### {family}\n"
        yield "| preset | layers | parameters, counted | multiply-adds, counted | printed | error | source and remark |"
        yield "|---|---|---|---|---|---|---|"
        yield from map(row, names)
    yield "\n"


def written(text: str) -> str:
    """The page with the tables of now."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + tables() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
