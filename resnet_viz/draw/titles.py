"""The words of a node: what stands in its box, under it, in its accessible name, and what hovering reads."""

from __future__ import annotations

from collections import Counter

from resnet_viz.inspect.graph import Node

KIND_WORDS = {"norm": "norm", "activation": "activation", "add": "addition", "pad": "added zeros"}


def size_text(shape: tuple[int, ...]) -> str:
    """A feature map as the graph writes it: "256 · 56²", "64 · 8×6", "1000"."""
    if len(shape) != 3:
        return " · ".join(map(str, shape))
    channels, height, width = shape
    return f"{channels} · {height}²" if height == width else f"{channels} · {height}×{width}"


def amount(value: int) -> str:
    """A count in three digits with its unit: "0", "864", "18.4 k", "14.5 M", "1.08 G"."""
    if value < 1000:
        return str(value)
    scaled = float(value)
    for unit in ("k", "M", "G", "T"):
        scaled /= 1000
        if scaled < 999.5 or unit == "T":
            break
    decimals = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:,.{decimals}f} {unit}"


def inside(node: Node) -> str:
    """What stands in the box: the words that the node brings, or those of its kind."""
    if "text" in node.attrs:
        return str(node.attrs["text"])
    match node.kind:
        case "conv":
            return "×".join([str(node.attrs.get("kernel", "?"))] * 2)
        case "stage":
            return f"×{node.attrs.get('blocks', len(node.shortcuts) or 1)}"
        case "block":
            return f"×{node.attrs['blocks']}" if "blocks" in node.attrs else str(node.block)
        case "stem" | "head" | "input" | "output" | "linear":
            return str(node.kind)
        case "pool":
            return "pool"
        case "flatten":
            return "flat"
    return ""


def caption(node: Node) -> tuple[str, ...]:
    """What stands under the box, up to two lines."""
    shape = size_text(node.shape)
    if "caption" in node.attrs:
        return str(node.attrs["caption"]), shape
    match node.kind:
        case "stage":
            return f"stage {node.stage}", shape
        case "block":
            return _block_caption(node)
        case "conv":
            stride = int(node.attrs.get("stride", 1))
            return (shape, f"÷{stride}") if stride > 1 else (shape,)
        case "stem" | "head" | "input" | "output" | "linear" | "pool":
            return (shape,) if shape else ()
    return ()


def _block_caption(node: Node) -> tuple[str, ...]:
    count = int(node.attrs.get("blocks", 1))
    if count > 1:
        last = node.block + count - 1
        return (f"blocks {node.block}{', ' if count == 2 else '–'}{last}",)
    stride = int(node.attrs.get("stride", 1))
    words = {"projection": "projection", "padded": "zeros", "identity": "", "gated": "gate", "scaled": "scaled"}
    told = [f"÷{stride}"] if stride > 1 else []
    told += [words[kind] for kind in node.shortcuts if words[kind]]
    return tuple(told)


def title(node: Node) -> str:
    """The accessible name: what it is and where, in words."""
    where = f"stage {node.stage}" + (f", block {node.block}" if node.block else "") if node.stage else ""
    match node.kind:
        case _ if "title" in node.attrs:
            name = str(node.attrs["title"])
        case "stage":
            name = f"stage {node.stage}, {_counted(int(node.attrs.get('blocks', 1)), 'block')}"
        case "block" if "blocks" in node.attrs:
            last = node.block + int(node.attrs["blocks"]) - 1
            name = f"stage {node.stage}, blocks {node.block} to {last}, all equal"
        case "block":
            name = where
        case "conv":
            groups = int(node.attrs.get("groups", 1))
            lanes = f", {groups} groups" if groups > 1 else ""
            name = f"{inside(node)} convolution{lanes}" + (f", {where}" if where else "")
        case "stem" | "head" | "input" | "output":
            name = str(node.kind)
        case _:
            name = f"{KIND_WORDS.get(node.kind, node.kind)}" + (f", {where}" if where else "")
    told = _shortcut_words(node)
    return name + (f", {told}" if told else "") + (f". {node.problem}" if node.problem else "")


def detail(node: Node) -> str:
    """What hover and focus read: path, output shape, parameters, multiply-adds."""
    shape = " × ".join(map(str, node.shape)) or "no shape"
    parts = [node.path or node.label, shape]
    if node.kind not in ("input", "output"):
        parts += [f"{node.params:,} parameters", f"{amount(node.macs)} multiply-adds"]
    return " · ".join(part for part in parts if part)


def _shortcut_words(node: Node) -> str:
    if node.kind not in ("stage", "block"):
        return ""
    if not node.shortcuts:
        return "no shortcut"
    words = {"padded": "zero-padded"}
    counts = Counter(words.get(kind, kind) for kind in node.shortcuts)
    return f"{_counted(len(node.shortcuts), 'shortcut')} ({', '.join(f'{n} {kind}' for kind, n in counts.items())})"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
