"""The words of a node: what stands in its box, under it, in its accessible name, and what hovering reads."""

from __future__ import annotations

from collections import Counter

from resnet_viz.inspect.graph import Node

KIND_WORDS = {
    "add": "addition", "pad": "added zeros", "concat": "concatenation of the paths", "sum": "sum of the paths",
    "multiply": "product", "drop": "drop",
}  # fmt: skip


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
    if "folded" in node.attrs:
        return "SE" if node.attrs["folded"] == "attention" else f"… {node.attrs['count']} more"
    match node.kind:
        case "conv":
            kernel = "×".join([str(node.attrs.get("kernel", "?"))] * 2)
            return f"gate {kernel}" if is_gate(node) else kernel
        case "drop":
            return _drop_text(node)
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


def in_lane(node: Node) -> str:
    """What stands in the box on a parallel path, where nothing stands under it: "3×3 · 24, ÷2", "max 3×3"."""
    text = inside(node)
    if "folded" in node.attrs or node.kind not in ("conv", "pool"):
        return text
    kernel, stride = node.attrs.get("kernel", "?"), int(node.attrs.get("stride", 1))
    if node.kind == "pool":
        text = f"{'average' if 'average' in node.label else 'max'} {kernel}×{kernel}"
    elif node.shape:
        text = f"{text} · {node.shape[0]}"
    return text + (f", ÷{stride}" if stride > 1 else "")


def factor(value: float) -> str:
    """A strength other than 1, as it stands on its line: "× 0.5", "× −1"."""
    return f"× {value:.3g}".replace("-", "−")


def sum_text(add: Node, *, transformed: bool, carried: bool) -> str:
    """What an addition adds: "F(x) + x", "0.5 F(x) + 0.5 x", "T F(x) + (1 − T) x"."""
    strengths = [float(add.attrs.get(name, 1)) for name in ("beta", "alpha")]
    terms = ["T F(x)" if transformed else "F(x)", "(1 − T) x" if carried else "x"]
    weighted = [
        term if strength == 1 else f"{abs(strength) if i else strength:.3g} {term}"
        for i, (strength, term) in enumerate(zip(strengths, terms, strict=True))
    ]
    return (" − " if strengths[1] < 0 else " + ").join(weighted).replace("-", "−")


def is_gate(node: Node) -> bool:
    """Whether the node is a gate's convolution or what follows it."""
    return ".gate." in f".{node.path}"


def _drop_text(node: Node) -> str:
    survival = node.attrs.get("survival")
    if not isinstance(survival, float):
        return "drop"
    # A dropped branch is known by its survival (Huang 2016), dropout by what it drops.
    return f"p {survival:.3g}" if node.path.endswith("drop_path") else f"drop {1 - survival:.3g}"


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
    told = ["differs"] if node.attrs.get("own") else []
    told += [f"÷{stride}"] if stride > 1 else []
    told += [words[kind] for kind in node.shortcuts if words[kind]]
    # Two lines are the most that a caption has.
    return tuple([", ".join(told[:-1]), told[-1]] if len(told) > 2 else told)


def title(node: Node) -> str:
    """The accessible name: what it is and where, in words."""
    where = f"stage {node.stage}" + (f", block {node.block}" if node.block else "") if node.stage else ""
    match node.kind:
        case _ if "title" in node.attrs:
            name = str(node.attrs["title"])
        case _ if "folded" in node.attrs:
            more = f"{node.attrs.get('count', '')} more paths"
            name = ("squeeze-excitation" if node.attrs["folded"] == "attention" else more) + (
                f", {where}" * bool(where)
            )
        case "stage":
            name = f"stage {node.stage}, {_counted(int(node.attrs.get('blocks', 1)), 'block')}"
        case "block" if "blocks" in node.attrs:
            last = node.block + int(node.attrs["blocks"]) - 1
            name = f"stage {node.stage}, blocks {node.block} to {last}, all equal"
        case "block":
            name = where + (", differs from its stage" if node.attrs.get("own") else "")
        case "conv":
            groups = int(node.attrs.get("groups", 1))
            lanes = f", {groups} groups" if groups > 1 else ""
            name = f"{inside(node)} convolution{lanes}" + (f", {where}" if where else "")
        case "stem" | "head" | "input" | "output":
            name = str(node.kind)
        case "multiply" | "drop":
            name = (node.label or KIND_WORDS[node.kind]) + f", {_drop_text(node)}" * (node.kind == "drop")
            name += f", {where}" if where else ""
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
    if node.kind == "add":
        strengths = {name: float(node.attrs.get(name, 1)) for name in ("alpha", "beta")}
        parts += [f"{name} {value:g}" for name, value in strengths.items() if value != 1]
    if node.kind == "drop":
        parts.append(_drop_text(node))
    if {"gated", "scaled"} & set(node.shortcuts):
        parts.append(_shortcut_words(node))
    return " · ".join(part for part in parts if part)


def _shortcut_words(node: Node) -> str:
    if node.kind not in ("stage", "block"):
        return ""
    if not node.shortcuts:
        return "no shortcut"
    alpha = float(node.attrs.get("alpha", 1))
    words = {"padded": "zero-padded", "scaled": f"scaled {factor(alpha)}" if alpha != 1 else "scaled"}
    counts = Counter(words.get(kind, kind) for kind in node.shortcuts)
    return f"{_counted(len(node.shortcuts), 'shortcut')} ({', '.join(f'{n} {kind}' for kind, n in counts.items())})"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
