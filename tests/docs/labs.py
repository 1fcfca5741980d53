"""The table of docs/labs.md, from the recordings of the package. ``python -m tests.docs.labs`` writes it."""

from __future__ import annotations

from pathlib import Path

from resnet_viz.labs import Lab, labs, recording
from resnet_viz.labs.check import Checked

PAGE = Path(__file__).parents[2] / "docs" / "labs.md"
BEGIN, END = "<!-- labs: begin -->\n", "<!-- labs: end -->"


def row(lab: Lab) -> str:
    """One line: number, name, question, seconds of the slowest repeat, what it showed, where it was recorded."""
    known = recording(lab.slug)
    if known is None:
        return f"| {lab.number} | `{lab.slug}` | {lab.question} | - | - | not recorded | - |"
    checked = Checked(known)
    origin = known.origin.removeprefix("Recording: ")
    taken = (
        f"{checked.seconds:.1f} | {checked.processor:.1f}"
        if checked.processor
        else f"{checked.seconds:.1f} | not taken"
    )
    return f"| {lab.number} | `{lab.slug}` | {lab.question} | {taken} | {checked.words} | {origin} |"


def table() -> str:
    """All labs, and what they take together."""
    head = "| | lab | question | seconds a repeat | processor | shows | recorded |\n|---|---|---|---|---|---|---|\n"
    found = [Checked(known) for lab in labs() if (known := recording(lab.slug)) is not None]
    seconds, processor = sum(one.seconds for one in found), sum(one.processor for one in found)
    rows = "".join(f"{row(lab)}\n" for lab in labs())
    timed = sum(one.processor > 0 for one in found)
    which = "" if timed == len(found) else f" for the {timed} that have it"
    total = f"All of them, one repeat each: {seconds / 60:.1f} minutes, {processor / 60:.1f} of processor time{which}."
    return f"{head}{rows}\n{total}\n"


def written(text: str) -> str:
    """The page with the table of now."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
