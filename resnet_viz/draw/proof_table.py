"""A count three ways as words and lines of a table: what a block's parameters are, and whether all three agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from resnet_viz.inspect.proof import Proof
from resnet_viz.spec.formula import total, written

AGREE, DIFFER = "✓", "≠"
WAYS = ("formula", "PyTorch", "torchinfo")


def sums(proofs: Iterable[Proof]) -> tuple[int, int, int]:
    """The three counts of all these parts together: formula, PyTorch, torchinfo."""
    found = list(proofs)
    return sum(p.formula for p in found), sum(p.pytorch for p in found), sum(p.torchinfo for p in found)


def agree(proofs: Iterable[Proof]) -> bool:
    """True only where each part's three counts are the same number: differences that cancel do not agree."""
    return all(proof.agrees for proof in proofs)


def proof_sentence(proofs: Sequence[Proof]) -> str:
    """The verdict: the number that all three give, or where they differ and each of the three there."""
    wrong = [proof for proof in proofs if not proof.agrees]
    if not wrong:
        return f"{sums(proofs)[0]:,} parameters: formula, PyTorch and torchinfo agree."
    first, more = wrong[0], f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return (
        f"The three counts differ in {first.path}{more}: there the formula gives {first.formula:,}, PyTorch counts "
        f"{first.pytorch:,}, torchinfo {first.torchinfo:,}."
    )


def proof_rows(proofs: Sequence[Proof]) -> list[dict[str, str]]:
    """One line a part with its formula and three counts; equal blocks that follow each other are one line."""
    rows = []
    for run in _runs(proofs):
        first, last, many = run[0], run[-1], len(run)
        name = first.path if many == 1 else f"{first.path} … {last.path}"
        formula = written(first.terms) if many == 1 else f"{many} × ({written(first.terms)})"
        rows.append(_row(name, formula, run))
    if len(rows) > 1:
        rows.append(_row("together", "", proofs))
    return rows


def _row(name: str, formula: str, proofs: Sequence[Proof]) -> dict[str, str]:
    counts = dict(zip(WAYS, (f"{count:,}" for count in sums(proofs)), strict=True))
    return {"part": name, "written out": formula, **counts, "": AGREE if agree(proofs) else DIFFER}


def _runs(proofs: Sequence[Proof]) -> list[list[Proof]]:
    found: list[list[Proof]] = []
    for proof in proofs:
        if found and proof.block and _likeness(found[-1][0]) == _likeness(proof):
            found[-1].append(proof)
        else:
            found.append([proof])
    return found


def _likeness(proof: Proof) -> tuple[object, ...]:
    return proof.stage, proof.terms, proof.pytorch, proof.torchinfo


def part_rows(proof: Proof) -> list[dict[str, str]]:
    """One block opened: each part's products written out, and what they give; then the three counts."""
    names = dict.fromkeys(term.part for term in proof.terms)
    rows = []
    for name in names:
        terms = [term for term in proof.terms if term.part == name]
        rows.append({"of the block": name, "written out": written(terms), "parameters": f"{total(terms):,}"})
    told = (
        ("formula", "the sum of these lines, from the block's settings alone", proof.formula),
        ("PyTorch", "numel of every parameter of the built module, added", proof.pytorch),
        ("torchinfo", "total_params of its summary of the module", proof.torchinfo),
    )
    return rows + [{"of the block": way, "written out": how, "parameters": f"{count:,}"} for way, how, count in told]
