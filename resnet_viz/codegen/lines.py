"""Python text in black's and ruff's layout: brackets that open when a line gets too long, and marked lines."""

from __future__ import annotations

from dataclasses import dataclass, field

WIDTH = 88
"""Most characters in a line of code: what formatters have as their default."""


@dataclass(frozen=True)
class Group:
    """Brackets with items. A call first tries all items on one line of their own, a display never does.

    A comprehension's parts ("x", "for x in y") have no commas between them.
    """

    open: str
    items: tuple[str | Group, ...]
    close: str = ")"
    kind: str = "call"

    def __str__(self) -> str:
        return self.open + (" " if self.kind == "comprehension" else ", ").join(map(str, self.items)) + self.close


Node = str | Group


def call(name: str, *arguments: Node, close: str = ")") -> Group:
    """``name(arguments)``."""
    return Group(f"{name}(", arguments, close)


def behind(start: str, node: Node) -> Node:
    """A statement: ``start`` in front of an expression."""
    if isinstance(node, str):
        return start + node
    return Group(start + node.open, node.items, node.close, node.kind)


def display(*items: Node) -> Group:
    """A list."""
    return Group("[", items, "]", "display")


def rendered(node: Node, indent: int, suffix: str = "") -> list[str]:
    """The lines of an expression or statement; ``suffix`` is what follows its last bracket."""
    pad = " " * indent
    line = f"{pad}{node}{suffix}"
    if isinstance(node, str) or len(line) <= WIDTH:
        return [line]
    comma = "" if node.kind == "comprehension" else ","
    body = f"{pad}    {(' ' if not comma else ', ').join(map(str, node.items))}"
    if node.kind != "display" and len(body) <= WIDTH:
        inside = [body]
    else:
        inside = [line for item in node.items for line in rendered(item, indent + 4, comma)]
    return [pad + node.open, *inside, pad + node.close + suffix]


@dataclass
class Piece:
    """Lines of source, and which of them (first, last; from 0) belong to what name."""

    lines: list[str] = field(default_factory=list)
    marks: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, node: Node, indent: int = 0, mark: str = "") -> None:
        """Append a statement, marked with that name."""
        start = len(self.lines)
        self.lines += rendered(node, indent) if node else [""]
        if mark:
            self.marks[mark] = (start, len(self.lines) - 1)

    def include(self, other: Piece, prefix: str = "") -> None:
        """Append another piece's lines; its marks get the prefix."""
        start = len(self.lines)
        self.lines += other.lines
        self.marks |= {f"{prefix}{name}": (a + start, b + start) for name, (a, b) in other.marks.items()}

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)
