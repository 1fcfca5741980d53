"""One thread inside an operation, in the tests and in the processes that they start.

The networks are tiny, and threads that wait for a busy core take longer than the work; sums are added in one order.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch
