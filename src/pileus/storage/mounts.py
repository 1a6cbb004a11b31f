"""Whether a path is on a disk of this machine: SQLite's locks are not kept over a network."""

from __future__ import annotations

from pathlib import Path

from pileus.storage.errors import NetworkFileSystem

_MOUNTS = Path("/proc/self/mounts")

_NETWORK = frozenset(
    {"9p", "afs", "afp", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gpfs"}
    | {"lustre", "ncp", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2", "smb", "smb2", "smb3", "smbfs"}
)

_NETWORK_FUSE = frozenset(
    {"blobfuse", "blobfuse2", "ceph-fuse", "davfs", "gcsfuse", "geesefs", "glusterfs", "goofys"}
    | {"juicefs", "mount-s3", "mountpoint-s3", "rclone", "s3fs", "sshfs"}
)


def check_local(path: Path, mounts: Path = _MOUNTS) -> None:
    """Raises NetworkFileSystem when `path`, which need not exist, is on a network."""
    if not is_local(path, mounts):
        kind = file_system(path, mounts)
        raise NetworkFileSystem(
            f"{str(path)!r} is on a network file system ({kind}), where SQLite loses data",
            hint="Put the home on a local disk with --home, or set a Postgres database URL.",
        )


def is_local(path: Path, mounts: Path = _MOUNTS) -> bool:
    """Whether `path`, which need not exist, is on this machine as far as the system tells."""
    kind = file_system(path, mounts)
    return kind is None or not _is_network(kind)


def file_system(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """Type of the file system that holds `path`; None where there is no mount table."""
    try:
        table = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    whole = path.resolve()
    depth, kind = -1, None
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:  # device, directory, type
            continue
        directory = Path(_unescaped(fields[1]))
        # A later line covers an earlier one at the same place.
        if whole.is_relative_to(directory) and len(directory.parts) >= depth:
            depth, kind = len(directory.parts), fields[2]
    return kind


def _is_network(kind: str) -> bool:
    family, _, program = kind.partition(".")
    return kind in _NETWORK or (family == "fuse" and program in _NETWORK_FUSE)


def _unescaped(field: str) -> str:
    for code, character in (("040", " "), ("011", "\t"), ("012", "\n"), ("134", "\\")):
        field = field.replace(f"\\{code}", character)
    return field
