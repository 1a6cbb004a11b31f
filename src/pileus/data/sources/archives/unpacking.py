"""From an archive to the file or folder that it was made for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pileus.data.sources.archives import tar_archive, zip_archive
from pileus.data.sources.gathering import Gathered
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.scratch import ScratchFiles, most_unpacked

_LITTER = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
_DOCUMENTS = (".md", ".rst", ".pdf", ".html", "license", "licence", "readme", "copying")
_TEXTS = ("readme.txt", "license.txt", "licence.txt", "notice.txt")

_Unpack = Callable[[Path, str, ScratchFiles, Gathered], None]
FAMILIES: tuple[tuple[tuple[str, ...], _Unpack], ...] = (
    (zip_archive.ENDINGS, zip_archive.unpack_zip),
    (tar_archive.ENDINGS, tar_archive.unpack_tar),
)
ENDINGS = tuple(ending for endings, _ in FAMILIES for ending in endings)


def is_archive(path: Path, name: str) -> bool:
    """Whether `unpacked` takes it, by its ending."""
    return path.is_file() and name.lower().endswith(ENDINGS)


def unpacked(path: Path, name: str, options: SourceOptions) -> Path:
    """
    The only file or folder in an archive that matters, or the folder of all that is in it.

    Raises ArchiveRefused or ArchiveTooLarge; members that are refused are passed over with skip.
    """
    unpack = next(one for endings, one in FAMILIES if name.lower().endswith(endings))
    files = ScratchFiles(
        options.scratch / "unpacked" / name, repr(name), most_unpacked(path.stat().st_size)
    )
    gathered = Gathered(options.faults)
    unpack(path, name, files, gathered)
    gathered.report("members of the archive")
    return _heart(files.root)


def _heart(folder: Path) -> Path:
    """Goes down while there is a single entry, beside litter and documents."""
    while True:
        entries = [one for one in folder.iterdir() if not _is_litter(one.name.lower())]
        wanted = [one for one in entries if one.is_dir() or not _is_document(one.name.lower())]
        if len(wanted) != 1:
            return folder
        if wanted[0].is_file():
            return wanted[0]
        folder = wanted[0]


def _is_litter(name: str) -> bool:
    return name.startswith(".") or name in _LITTER


def _is_document(name: str) -> bool:
    return name.endswith(_DOCUMENTS) or name in _TEXTS
