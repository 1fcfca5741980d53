"""The one store and the one set of live routes of this server process."""

from __future__ import annotations

from functools import cache

from resnet_viz.runs.places import store_directory
from resnet_viz.runs.store import Store
from resnet_viz.serve import LiveServer

from .icon import ICON
from .live_assets import audience_assets


@cache
def _store(directory: str) -> Store:
    return Store(directory)


def open_store() -> Store:
    """The store of this installation, opened once a process."""
    return _store(str(store_directory()))


@cache
def server() -> LiveServer:
    """The routes of this process; app.py registers them."""
    return LiveServer(open_store, audience_assets(ICON))
