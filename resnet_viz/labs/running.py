"""Running a lab: findings as they come, in this process or wherever a bench stands."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..runs.versions import versions
from .catalogue import find
from .lab import Finding, Lab
from .observation import Observation

if TYPE_CHECKING:
    from .bench import Bench


def measured(lab: Lab, bench: Bench, seeds: Sequence[int]) -> Iterator[Finding]:
    """The findings of one repeat after the other, each with its "seed" and "t", the seconds since its repeat began.

    "cpu" has the seconds of processor time that this process took meanwhile: on a busy machine the better measure.

    What is not finite becomes None, so that each finding is JSON. Raises ``TypeError`` for a finding that is not.
    """
    for seed in seeds:
        bench.check()
        begin, used = time.monotonic(), time.process_time()
        for found in lab.measure(bench, seed):
            bench.check()
            taken = {"t": round(time.monotonic() - begin, 3), "cpu": round(time.process_time() - used, 3)}
            yield _plain(found) | {"seed": seed} | taken


def run_lab(
    lab: Lab | str,
    seeds: Sequence[int] = (0,),
    device: str = "auto",
    *,
    told: Callable[[str], None] = lambda words: None,
    found: Callable[[Finding], None] = lambda finding: None,
) -> Observation:
    """Run a lab in this process and wait for its end; gives what was observed.

    ``lab`` is a lab or its slug, ``seeds`` one repeat each; ``found`` gets each finding as it comes, ``told`` what is
    computed now. Raises ``KeyError`` for a lab that is not there and ``SpecError`` for a device that is not.
    """
    from ..train.devices import calculation
    from .bench import Bench

    lab = find(lab) if isinstance(lab, str) else lab
    bench = Bench(device, told=told)
    started, findings = time.time(), []
    with calculation(bench.device):
        for finding in measured(lab, bench, repeats(lab, seeds)):
            findings.append(finding)
            found(finding)
    return Observation(
        lab.at(large=bench.large), repeats(lab, seeds), tuple(findings), bench.about(), versions(), started,
        seconds_of(findings),
    )  # fmt: skip


def repeats(lab: Lab, seeds: Sequence[int]) -> tuple[int, ...]:
    """The repeats to run: one where chance takes no part."""
    return tuple(seeds) if lab.repeats else (0,)


def seconds_of(findings: Sequence[Finding]) -> dict[int, float]:
    """Seconds from the start of each repeat to its last finding."""
    return {int(one["seed"]): float(one["t"]) for one in findings}


def _plain(value: Any) -> Any:
    """The same as JSON has it."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    raise TypeError(f"a finding holds what JSON has, not {type(value).__name__}")
