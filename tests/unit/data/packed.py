"""Builds archives for tests."""

import io
import tarfile
import zipfile


def zipped(path, members, *, kinds=None):
    """A zip archive of `members`, names to bytes; `kinds` gives some a Unix mode."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (kinds or {}).get(name, 0o100644) << 16
            archive.writestr(info, data)
    return path


def tarred(path, members, mode="w", *, kinds=None):
    """A tar archive of `members`; `kinds` gives some a type, whose bytes are then its target."""
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.type = (kinds or {}).get(name, tarfile.REGTYPE)
            if info.type == tarfile.REGTYPE:
                info.size = len(data)
            else:
                info.linkname = data.decode()
            archive.addfile(info, io.BytesIO(data))
    return path
