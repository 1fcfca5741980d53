"""How many bits a step computes with: full single precision, TensorFloat-32, or bfloat16 beside float32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

from ..spec import SpecError

CPU_INFO = Path("/proc/cpuinfo")
BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})
"""Without these a CPU computes bfloat16 through float32: with a 56-layer net slower than float32 itself."""


def check(precision: str, device: torch.device) -> None:
    """Raise ``SpecError`` when the device does not compute in that precision."""
    if device.type == "cuda":
        if precision != "fp32" and torch.cuda.get_device_capability(device) < (8, 0):
            raise SpecError(
                f"This GPU is older than TensorFloat-32 and bfloat16 (NVIDIA Ampere, 2020): choose the precision fp32, "
                f"not {precision}.",
                field="precision",
            )
    elif precision == "tf32":
        raise SpecError("Only a GPU computes in tf32: choose the precision fp32.", field="precision")
    elif precision == "bf16" and not (device.type == "cpu" and _cpu_has_bf16()):
        raise SpecError("This processor has no instructions for bf16: choose the precision fp32.", field="precision")


def _cpu_has_bf16() -> bool:
    try:
        lines = CPU_INFO.read_text(errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return not BF16_FLAGS.isdisjoint(flags.split())


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """The forward pass belongs inside; nothing unless "bf16". Casts are not kept, so that a graph may capture it."""
    if precision != "bf16":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False)
