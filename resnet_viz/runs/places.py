"""Where the store lies: the user's data directory, unless that is no place for a database in WAL mode."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import platformdirs
import psutil

from .database import StoreError, connect

VARIABLE = "RESNET_VIZ_HOME"
NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "afpfs", "webdav", "davfs", "lustre",
        "gpfs", "beegfs", "ceph", "glusterfs", "fuse.sshfs", "fuse.davfs2", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone",
        "fuse.ceph", "fuse.glusterfs",
    }
)  # fmt: skip
"""WAL needs memory shared between all readers and writers, which these do not give across machines."""
SYNCED_FOLDERS = frozenset(
    {"dropbox", "onedrive", "google drive", "googledrive", "icloud drive", "mobile documents", "cloudstorage"}
)
"""Folders that a program copies elsewhere file by file, and so out of step: the database breaks."""


@dataclass(frozen=True)
class Place:
    """The directory that is used, and one sentence when it is not the one that is meant by default."""

    directory: Path
    reason: str | None = None


def store_directory() -> Path:
    """``RESNET_VIZ_HOME``, else the user's data directory; a local one where neither can hold the store."""
    return locate().directory


def locate(wanted: str | Path | None = None) -> Place:
    """The place for the store: ``wanted``, else ``RESNET_VIZ_HOME``, else the user's data directory.

    A directory on a network file system, in a synced folder, or where a trial shows that WAL does not work cannot
    hold it. ``wanted`` is then refused with :class:`StoreError`; the other two are replaced by a directory in the
    user's cache or, failing that, in the system's temporary directory, and :class:`StoreError` is raised only when
    nothing can hold it.
    """
    if wanted is not None:
        directory = Path(wanted).expanduser().absolute()
        why = objection(directory)
        if why is not None:
            raise StoreError(f"{directory} {why}: choose another directory.")
        return Place(directory)
    asked = os.environ.get(VARIABLE) or platformdirs.user_data_dir("resnet-viz", appauthor=False)
    return _locate(Path(asked).expanduser().absolute())


@lru_cache(maxsize=32)
def _locate(asked: Path) -> Place:
    why = objection(asked)
    if why is None:
        return Place(asked)
    for other in _local_directories():
        if objection(other) is None:
            return Place(other, f"{asked} {why}, so the runs are kept in {other}.")
    raise StoreError(f"{asked} {why}, and no local directory can be written either: set {VARIABLE} to one that can.")


def objection(directory: Path) -> str | None:
    """Why the directory cannot hold the store, as the rest of a sentence; None when it can. Makes the directory."""
    for part in directory.parts:
        if part.lower() in SYNCED_FOLDERS or part.lower().startswith("onedrive - "):
            return f"lies in a synced folder ({part})"
    kind = file_system(directory)
    if kind in NETWORK_FILE_SYSTEMS:
        return f"lies on a network file system ({kind})"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".trial-") as trial:
            connect(Path(trial) / "trial.sqlite3").close()
    except StoreError:
        return "cannot hold a database in WAL mode"
    except OSError as error:
        return f"cannot be written ({error.strerror})"
    return None


def file_system(directory: Path) -> str:
    """The name of the file system on which the directory lies or would lie, in lower case; empty if unknown."""
    path = str(directory.resolve())
    found, kind = "", ""
    try:
        partitions = psutil.disk_partitions(all=True)
    except (OSError, RuntimeError):
        return ""
    for partition in partitions:
        mount = partition.mountpoint.rstrip(os.sep)
        if (path == mount or path.startswith(mount + os.sep)) and len(mount) >= len(found):
            found, kind = mount, partition.fstype.lower()
    return kind


def _local_directories() -> list[Path]:
    own = Path(tempfile.gettempdir()) / f"resnet-viz-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    cache = Path(platformdirs.user_cache_dir("resnet-viz", appauthor=False)) / "runs"
    return [cache, *([own] if _is_mine(own) else [])]


def _is_mine(directory: Path) -> bool:
    """The system's temporary directory belongs to everybody: take only what others can neither read nor write."""
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
    except OSError:
        return False
    return (
        directory.is_dir()
        and not directory.is_symlink()
        and (not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o077))
    )
