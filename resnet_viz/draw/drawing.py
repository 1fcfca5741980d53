"""What a drawn graph consists of: boxes, lines, shortcuts and texts with their places, as plain data.

Lengths are in pixels at scale 1, x to the right, y downwards. Nothing here knows of SVG, colours or torch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from resnet_viz.inspect.graph import ShortcutKind

Shape = Literal["box", "solid_bar", "hollow_bar", "plus", "times", "join", "pill", "notch"]
Tone = Literal["quiet", "filled", "projection", "sign"]
Style = Literal["inside", "lane", "caption", "name", "shortcut", "factor", "frame", "problem"]
WireKind = Literal["lane", "gate", "attention"]
Anchor = Literal["start", "middle", "end"]

FONT: dict[Style, float] = {
    "inside": 13.0, "lane": 10.5, "caption": 11.5, "name": 12.5, "shortcut": 12.0, "factor": 11.5, "frame": 12.0,
    "problem": 12.5,
}  # fmt: skip
"""Font size of each kind of text."""


def text_width(text: str, style: Style) -> float:
    """Width of a text as it will be drawn, a little generous: fonts differ, and texts must not touch."""
    return len(text) * FONT[style] * (0.6 if style in ("inside", "lane", "frame") else 0.56)


@dataclass(frozen=True)
class Mark:
    """One node: a box, a thin bar, a circle with its sign, a pill for what is dropped, or the notch of added zeros.

    The sign is + for sums, × for products and ‖ for a concatenation; ``tone`` "sign" marks those of a shortcut.
    ``node`` is the graph's node id, ``path`` its module path (joins the table's rows), ``title`` its accessible
    name, ``detail`` what hovering reads. ``lanes`` of a grouped convolution are drawn inside. ``stage`` and
    ``block`` say what a click opens (0: nothing more to open at that level).
    """

    node: str
    shape: Shape
    x: float
    y: float
    width: float
    height: float
    title: str
    detail: str
    path: str
    tone: Tone = "filled"
    lanes: int = 0
    stage: int = 0
    block: int = 0
    problem: bool = False

    @property
    def right(self) -> float:
        """The x of the right edge."""
        return self.x + self.width

    @property
    def centre(self) -> float:
        """The x of the middle."""
        return self.x + self.width / 2


@dataclass(frozen=True)
class Label:
    """A text; ``y`` is its baseline, ``x`` the place that ``anchor`` names. ``node`` is what it belongs to."""

    text: str
    x: float
    y: float
    style: Style
    anchor: Anchor = "middle"
    node: str = ""

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of the text."""
        width = text_width(self.text, self.style)
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return left, self.y - FONT[self.style] * 0.8, left + width, self.y + FONT[self.style] * 0.22


@dataclass(frozen=True)
class Arc:
    """One shortcut: from (``x0``, ``y0``) up to ``top`` and down to (``x1``, ``y1``).

    A ``small`` one belongs to a folded box and is a curve on its top edge; others turn at right angles.
    ``node`` is the addition, or the box that it is folded into.
    """

    kind: ShortcutKind
    node: str
    x0: float
    y0: float
    x1: float
    y1: float
    top: float
    small: bool


@dataclass(frozen=True)
class Wire:
    """A line with right angles through ``points``: a parallel path, a gate's way, or around to attention."""

    kind: WireKind
    node: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Line:
    """A piece of the main path at height ``y``; ``reached`` is False behind a block that cannot be built."""

    x0: float
    x1: float
    y: float
    reached: bool = True


@dataclass(frozen=True)
class Frame:
    """The dashed frame around the opened stage; its name is a label."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """The whole picture, in drawing order: frame, lines, wires, arcs, marks, labels."""

    width: float
    height: float
    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]
    arcs: tuple[Arc, ...]
    labels: tuple[Label, ...]
    frame: Frame | None = None
    wires: tuple[Wire, ...] = ()

    def data(self) -> dict[str, Any]:
        """The same as plain dicts and lists, numbers rounded to a tenth of a pixel, for the graph view."""
        rounded: dict[str, Any] = _rounded(asdict(self))
        return rounded


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 1)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value
