"""A process with everything imported, which forks the workers and servers of chaos rounds: each a process to kill.

It reads one JSON object a line (``kind``, ``store``, ``log``, ``clock``, ``port``) and answers with the child's id.
``clock`` is a file that holds by how many seconds the child's clock is wrong, read again at each look at the clock.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

DROP_CAPABILITY, OVERRIDES = 24, (1, 2)
"""prctl's PR_CAPBSET_DROP; CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, by which root may write what is read-only."""


def drop_overrides() -> None:
    """Called before this program is executed: root's own files may be read-only for it then."""
    if sys.platform == "linux" and os.geteuid() == 0:
        for capability in OVERRIDES:
            ctypes.CDLL(None).prctl(DROP_CAPABILITY, capability, 0, 0, 0)


def set_clock(file: Path) -> None:
    real = time.time

    def wrong() -> float:
        try:
            return real() + float(file.read_text())
        except (OSError, ValueError):
            return real()

    time.time = wrong


def work(asked: dict[str, Any]) -> int:
    from resnet_viz.runs.worker import main
    from resnet_viz.train import race

    race.KEEP_SECONDS = race.KEEP_SECONDS_EVALUATED = 0.1
    race.KEEP_SHARE = 1.0
    main(["--store", asked["store"]])


def serve(asked: dict[str, Any]) -> int:
    import uvicorn
    from starlette.applications import Starlette

    from resnet_viz.runs import Store
    from resnet_viz.serve import LiveServer, lifespan, messages

    messages.SILENT_SECONDS = 1.5
    live = LiveServer(lambda: Store(asked["store"]))
    app = Starlette(routes=live.routes(), lifespan=lifespan(live))
    uvicorn.run(app, host="127.0.0.1", port=asked["port"], log_level="warning")
    return 0


CHILDREN: dict[str, Callable[[dict[str, Any]], int]] = {"worker": work, "server": serve}


def child(asked: dict[str, Any]) -> int:
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(log, number)
    os.close(0)
    set_clock(Path(asked["clock"]))
    return CHILDREN[asked["kind"]](asked)


def warm_up() -> None:
    """What each worker would do again: imports, the data set, a first step."""
    import torch
    import uvicorn.protocols.http.h11_impl  # noqa: F401

    import resnet_viz.runs.executor
    import resnet_viz.serve  # noqa: F401
    from resnet_viz.spec import Experiment, preset
    from resnet_viz.train.estimates import estimate

    torch.set_num_threads(1)
    estimate(Experiment(contestants={"warm-up": preset("tiny_resnet8")}))


def main() -> None:
    warm_up()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody collects the children
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = child(asked)
            except SystemExit as end:  # a sentence for a person
                print(end.code, file=sys.stderr)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
