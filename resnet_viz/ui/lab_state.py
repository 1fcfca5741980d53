"""A lab of one browser session as the address has it: which lab, the run on the screen, what the reader predicted.

``?lab=degradation&run=<id>&guess=rises&sketch=0.10.40.90``: ``run`` is a run's id or "recording", ``guess`` the
choices in the lab's order and ``sketch`` the curve drawn beforehand in per cent, both joined by dots. Everything from
an address is checked against what there is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

from resnet_viz.labs import Lab, Observation, find, labs, observe, recording
from resnet_viz.runs import Store

RECORDING = "recording"
PARAMETERS = ("lab", "run", "guess", "sketch")
MAX_TEXT = 400


@dataclass(frozen=True)
class LabAddress:
    """What the page shows. ``guesses``: the reader's choices by guess; ``sketch``: per cent at each x, or nothing."""

    lab: Lab
    run: str | None = None
    guesses: Mapping[str, str] = field(default_factory=dict)
    sketch: tuple[int, ...] = ()

    @property
    def predicted(self) -> bool:
        """True when every guess is made."""
        return set(self.guesses) == set(self.lab.guesses)

    def query(self) -> dict[str, str]:
        """The address's parameters."""
        said = ".".join(self.guesses.get(name, "") for name in self.lab.guesses)
        found = {
            "lab": self.lab.slug, "run": self.run or "", "guess": said if self.guesses else "",
            "sketch": ".".join(map(str, self.sketch)),
        }  # fmt: skip
        return {key: value for key, value in found.items() if value}


def read_address(params: Mapping[str, str]) -> LabAddress:
    """What an address asks for; the first lab where it names none that there is."""
    try:
        lab = find(params.get("lab", ""))
    except KeyError:
        lab = labs()[0]
    said = params.get("guess", "")[:MAX_TEXT].split(".")
    guesses = {
        name: choice for name, choice in zip(lab.guesses, said, strict=False) if choice in lab.guesses[name].choices
    }
    return LabAddress(lab, params.get("run", "")[:MAX_TEXT] or None, guesses, _sketch(lab, params.get("sketch", "")))


def _sketch(lab: Lab, text: str) -> tuple[int, ...]:
    """The curve that the text has, nothing where it has none of this lab's."""
    parts = text[:MAX_TEXT].split(".")
    if lab.sketch is None or len(parts) != len(lab.sketch.xs) or not all(re.fullmatch(r"\d{1,3}", p) for p in parts):
        return ()
    values = tuple(map(int, parts))
    return values if max(values) <= 100 else ()


def open_address() -> LabAddress:
    """The page's address."""
    return read_address({key: st.query_params[key] for key in PARAMETERS if key in st.query_params})


def write_address(address: LabAddress) -> None:
    """Put what the page shows into the address bar."""
    wanted, shown = address.query(), {k: st.query_params[k] for k in PARAMETERS if k in st.query_params}
    if wanted != shown:
        st.query_params.from_dict({k: v for k, v in st.query_params.to_dict().items() if k not in shown} | wanted)


def seen(store: Store, address: LabAddress) -> Observation | None:
    """What the page shows of a run, None before there is one or where it is gone or another lab's."""
    if address.run is None:
        return None
    if address.run == RECORDING:
        return recording(address.lab.slug)
    try:
        found = observe(store, address.run)
    except KeyError:
        return None
    return found if found.lab.slug == address.lab.slug else None
