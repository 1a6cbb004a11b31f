"""
Where the images of a folder are: which files, of which class, on which side of a given split.

Looks at names only; opens nothing.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from pileus.data.errors import FolderRefused
from pileus.data.paths import path_fault
from pileus.data.schema import Split
from pileus.data.sources.reading import check_link, unreadable

ENDINGS = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pbm", ".pnm"}
)

SIDES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "training_set": "train",
    "train_set": "train",
    "val": "train",
    "valid": "train",
    "validation": "train",
    "validation_set": "train",
    "val_set": "train",
    "test": "untouched",
    "testing": "untouched",
    "test_set": "untouched",
}
"""Validation comes out of the training part, so a given one goes back into it."""

_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})


@dataclass(frozen=True)
class ImageFile:
    """A file that is to be an item; `name` is its path in the folder, NFC, with slashes."""

    path: Path
    name: str
    label: str
    given: Split | None


def find_images(root: Path) -> tuple[list[ImageFile], list[str]]:
    """The images under `root`, by name, and what a person should know. Raises FolderRefused."""
    notices: list[str] = []
    folders = _folders(root, root, notices)
    sides = {folder: SIDES.get(_name(folder).lower()) for folder in folders}
    if folders and all(sides.values()):
        files = _sides(root, sides, notices)
    elif any(_name(folder).lower().startswith("train") and sides[folder] for folder in folders):
        strangers = [_name(folder) for folder in folders if not sides[folder]]
        raise FolderRefused(
            f"Beside the training folder there are {', '.join(map(repr, strangers))}",
            hint="Keep only train, test and val there, each with one folder for each class.",
        )
    else:
        files = _classes(root, root, folders, None)
    return _without_collisions(files), notices


def _sides(root: Path, sides: dict[Path, Split | None], notices: list[str]) -> list[ImageFile]:
    given = set(sides.values()) == {"train", "untouched"}
    if "train" not in sides.values():
        raise FolderRefused(
            f"The folder has {', '.join(repr(_name(folder)) for folder in sides)} but no 'train'",
            hint="Add a folder 'train', or give the folder that holds the classes.",
        )
    files: list[ImageFile] = []
    for folder, side in sides.items():
        inside = _unwrapped(folder, root, notices)
        found = _classes(root, inside, _folders(inside, root, notices), side if given else None)
        files.extend(found)
    _check_strangers(files)
    return files


def _unwrapped(folder: Path, root: Path, notices: list[str]) -> Path:
    """Archives are often packed as train/train/…: the inner folder, then."""
    inner = _folders(folder, root, notices)
    return inner[0] if len(inner) == 1 and inner[0].name == folder.name else folder


def _check_strangers(files: list[ImageFile]) -> None:
    trained = {file.label for file in files if file.given != "untouched"}
    strangers = {file.label for file in files} - trained
    if strangers:
        raise FolderRefused(
            f"Classes {sorted(strangers)!r} are in the test folder and not in the training one",
            hint="Give each class a folder of the same name in both.",
        )


def _classes(root: Path, folder: Path, folders: list[Path], given: Split | None) -> list[ImageFile]:
    if not folders:
        raise FolderRefused(
            f"Folder {_relative(folder, root)!r} has no folders in it",
            hint="Put the images of each class into a folder named after the class.",
        )
    files: list[ImageFile] = []
    for one in folders:
        found = _images(root, one, given)
        if not found:
            raise FolderRefused(
                f"Class folder {_relative(one, root)!r} has no image in it",
                hint="Put images there or remove the folder.",
            )
        files.extend(found)
    return files


def _images(root: Path, folder: Path, given: Split | None) -> list[ImageFile]:
    found: list[ImageFile] = []
    for path in _entries(folder, root):
        name = _relative(path, root)
        check_link(path, root, name)
        if path.is_dir():
            raise FolderRefused(
                f"Folder {name!r} is inside a class folder",
                hint="Move its images up, or give the folder whose folders are the classes.",
            )
        if not path.is_file() or path.suffix.lower() not in ENDINGS:
            raise FolderRefused(
                f"{name!r} is not an image file",
                hint=f"Remove it; images end in {' '.join(sorted(ENDINGS))}.",
            )
        fault = path_fault(name)
        if fault:
            raise FolderRefused(f"The name {name!r} {fault}", hint="Rename the file.")
        found.append(ImageFile(path, name, unicodedata.normalize("NFC", folder.name), given))
    return found


def _folders(folder: Path, root: Path, notices: list[str]) -> list[Path]:
    """Folders in `folder`; images beside them have no class, other files are only mentioned."""
    folders: list[Path] = []
    ignored: list[str] = []
    for path in _entries(folder, root):
        name = _relative(path, root)
        if path.is_symlink() and path.is_dir():
            raise FolderRefused(
                f"{name!r} is a link to a folder", hint="Put a copy of the folder in its place."
            )
        if path.is_dir():
            folders.append(path)
        elif path.suffix.lower() in ENDINGS:
            raise FolderRefused(
                f"Image {name!r} is in no class folder",
                hint="Put the images of each class into a folder named after the class.",
            )
        else:
            ignored.append(name)
    if ignored:
        notice = f"Ignored beside the folders: {', '.join(map(repr, ignored[:10]))}"
        if notice not in notices:
            notices.append(notice)
    return folders


def _entries(folder: Path, root: Path) -> list[Path]:
    """What is in a folder, by name, without what systems leave there."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        raise unreadable(_relative(folder, root), error) from error
    kept = [n for n in names if not n.startswith(".") and n.lower() not in _LITTER]
    return [folder / name for name in sorted(kept, key=lambda n: unicodedata.normalize("NFC", n))]


def _without_collisions(files: list[ImageFile]) -> list[ImageFile]:
    """`files` by name. Raises FolderRefused if two have one name in NFC."""
    seen: dict[str, ImageFile] = {}
    for file in files:
        other = seen.setdefault(file.name, file)
        if other is not file:
            raise FolderRefused(
                f"Two files are named {file.name!r}; they differ only in how accents are encoded",
                hint="Rename one of them.",
            )
    return [seen[name] for name in sorted(seen)]


def _name(path: Path) -> str:
    return unicodedata.normalize("NFC", path.name)


def _relative(path: Path, root: Path) -> str:
    return unicodedata.normalize("NFC", path.relative_to(root).as_posix())
