"""Where a race is computed: the device, how many contestants at once, and how torch is set up meanwhile."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import torch

from ..spec import SpecError
from .precision import check
from .slots import Slots

CONTAINER_SHARE = Path("/sys/fs/cgroup/cpu.max")
"""Microseconds of processor time in each period, and the period, as Linux control groups (version 2) write them."""


def choose(wanted: str, precision: str = "fp32") -> torch.device:
    """The device for "auto" (CUDA if there is one, else the CPU), "cpu", "cuda" or "mps", or for one by its index.

    Of several GPUs it is the least used, the first of :func:`gpus`; so choose once for a run and hand it on. Raises
    ``SpecError`` when one is asked for that is not there, and for a precision that the device does not have.
    """
    device = _device(wanted)
    check(precision, device)
    return device


def _device(wanted: str) -> torch.device:
    kind, _, index = wanted.partition(":")
    if kind == "cuda" and not torch.cuda.is_available():
        raise SpecError(
            "This machine has no CUDA device that torch can use: choose the device cpu or auto.", field="device"
        )
    if wanted == "mps":
        if not torch.backends.mps.is_available():
            raise SpecError(
                "This machine has no Apple GPU that torch can use: choose the device cpu or auto.", field="device"
            )
        return torch.device("mps")
    if kind == "cuda" and index:
        if not 0 <= int(index) < torch.cuda.device_count():
            raise SpecError(f"This machine has no CUDA device {int(index)}.", field="device")
        return torch.device("cuda", int(index))
    if wanted != "cpu" and torch.cuda.is_available():
        several = gpus()
        return several[0] if several else torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def gpus() -> list[torch.device]:
    """The GPUs where there are several, that with most free memory first; else none: nothing is to be chosen."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return sorted((torch.device("cuda", i) for i in range(count)), key=_used) if count > 1 else []


def _used(device: torch.device) -> int:
    try:
        return -int(torch.cuda.mem_get_info(device)[0])
    except RuntimeError:  # in another process's sole use, or broken
        return 0


def use(device: torch.device) -> None:
    """Where there are several GPUs, let this thread's work that names none go to that one."""
    if device.type == "cuda" and torch.cuda.device_count() > 1:
        torch.cuda.set_device(device)


def cores() -> int:
    """CPU cores that this process may use: its affinity, and the whole cores of a container's share."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        share, period = CONTAINER_SHARE.read_text().split()[:2]
        return max(1, min(count, int(share) // int(period)))
    except (OSError, ValueError, ZeroDivisionError):  # no container, or "max": no limit
        return count


def slots_for(device: torch.device) -> Slots:
    """One contestant a core on a CPU; on a GPU, where each has a stream, as many as there may be."""
    return Slots(cores() if device.type == "cpu" else 64)


def device_name(device: torch.device) -> str:
    """The processor's name as its maker writes it, or the architecture where the system does not tell.

    Of several GPUs with the index: "NVIDIA H100 (cuda:1)".
    """
    if device.type == "cuda":
        name = str(torch.cuda.get_device_name(device))
        return f"{name} ({device})" if torch.cuda.device_count() > 1 else name
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def describe(device: torch.device, contestants: int) -> dict[str, Any]:
    """The device for a run's header: kind, name, cores of the machine, threads that compute at once."""
    threads = min(contestants, cores()) if device.type == "cpu" else contestants
    return {"kind": device.type, "name": device_name(device), "cores": cores(), "threads": threads}


_cudnn = threading.Lock()
_cudnn_users: list[tuple[ExitStack, bool]] = []
OTHER_PRECISION = "Another run of this process computes in {}: start this one when that one is over."


class Calculation:
    """Torch's process-wide settings for a race, as a context; put back after the last race of the process.

    On a CPU one thread inside each operation, because the contestants run side by side: two were 2.8 times slower
    than one on a busy two-core host. On a GPU cuDNN's deterministic algorithms, in full single precision unless
    ``precision`` is "tf32". Two races of one process have to agree on that while they compute: to enter raises
    ``SpecError`` where another one computes otherwise. A race that is paused gives the settings away with
    :meth:`rest` and goes on after :meth:`again`.
    """

    def __init__(self, device: torch.device, precision: str = "fp32") -> None:
        self._device, self._tf32 = device, precision == "tf32"
        self._held = False
        self._threads = 0

    def again(self) -> bool:
        """Compute with these settings, from now on; False while another race computes in another precision."""
        if self._device.type != "cuda" or self._held:
            return True
        with _cudnn:
            if _cudnn_users and _cudnn_users[0][1] != self._tf32:
                return False
            stack = ExitStack()
            if not _cudnn_users:
                matmul = torch.backends.cuda.matmul
                stack.enter_context(
                    torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=self._tf32)
                )
                stack.callback(setattr, matmul, "allow_tf32", matmul.allow_tf32)
                matmul.allow_tf32 = self._tf32
            _cudnn_users.append((stack, self._tf32))
            self._held = True
        return True

    def rest(self) -> None:
        """Nothing is computed until :meth:`again`: another race may compute in another precision."""
        if self._held:
            with _cudnn:
                # The settings leave with the last race, whichever race brought them.
                _cudnn_users.pop()[0].close()
            self._held = False

    @property
    def refusal(self) -> str:
        """Why :meth:`again` was refused, in one sentence."""
        return OTHER_PRECISION.format("full single precision" if self._tf32 else "tf32")

    def __enter__(self) -> Self:
        if not self.again():
            raise SpecError(self.refusal, field="precision")
        if self._device.type == "cpu":
            self._threads = torch.get_num_threads()
            torch.set_num_threads(1)
        return self

    def __exit__(self, *error: object) -> None:
        self.rest()
        if self._device.type == "cpu":
            torch.set_num_threads(self._threads)


calculation = Calculation


_strict = threading.Lock()
_strict_users: list[ExitStack] = []


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """``torch.use_deterministic_algorithms`` for the whole process until the last race that wants it is over.

    An operation that has no deterministic form then raises, which ends the run with torch's own sentence. cuBLAS
    needs a fixed workspace, taken from the environment when the first product is computed on the GPU: in a process
    that has used the GPU already set ``CUBLAS_WORKSPACE_CONFIG=:4096:8`` beforehand. Nothing unless ``wanted``.
    """
    if not wanted:
        yield
        return
    with _strict:
        stack = ExitStack()
        if not _strict_users:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            before = torch.are_deterministic_algorithms_enabled()
            warn = torch.is_deterministic_algorithms_warn_only_enabled()
            torch.use_deterministic_algorithms(True)
            stack.callback(torch.use_deterministic_algorithms, before, warn_only=warn)
        _strict_users.append(stack)
    try:
        yield
    finally:
        with _strict:
            leaving = _strict_users.pop()
            leaving.close()
