"""Memory and CPU limits of Linux control groups, versions 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def folders(controller: str, root: Path = Path("/")) -> Iterator[Path]:
    """Yields the folders of this process's groups, from its own to the outermost visible one.

    The limits of all of them apply. A container sees its own group as the outermost one, regardless
    of the path in ``/proc``.

    Args:
        controller: ``cpu`` or ``memory``.
        root: Root of the file system.
    """
    top = root / "sys/fs/cgroup"
    for line in read(root / "proc/self/cgroup").splitlines():
        _, names, group = line.split(":", 2)
        if names and controller not in names.split(","):
            continue
        # Version 2 has one hierarchy; together with version 1 it is mounted as "unified".
        for mount in (top / names, top / controller) if names else (top, top / "unified"):
            if mount.is_dir():
                own = mount / group.lstrip("/")
                yield from (folder for folder in (own, *own.parents) if _within(folder, mount))
                break


def read(path: Path) -> str:
    """Returns the stripped content of a small file; "" if it cannot be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _within(folder: Path, mount: Path) -> bool:
    return folder.is_relative_to(mount) and folder.is_dir()
