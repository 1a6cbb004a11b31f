"""
Where the images of a folder are: which files, of which class, on which side of a given split.

Looks at names only; opens nothing. What is wrong with one file or class folder is gathered and
reported together; what leaves open where the classes are is raised at once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pileus.core.composing import composed
from pileus.core.errors import PileusError
from pileus.data.errors import FolderRefused, SourceUnreadable
from pileus.data.faults import Faults
from pileus.data.paths import path_fault
from pileus.data.schema import Split
from pileus.data.sources.gathering import Gathered
from pileus.data.sources.image_pool import MANY_FILES
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


class ImageFile(NamedTuple):
    """A file that is to be an item; `name` is its path in the folder, NFC, with slashes."""

    path: str
    name: str
    label: str
    given: Split | None


class _Entry(NamedTuple):
    """What is in a folder: its own name in NFC, and its path from the root, which errors show."""

    own: str
    path: str
    name: str
    is_link: bool
    is_folder: bool
    is_file: bool


def find_images(
    root: Path, faults: Faults, expect_many: Callable[[], None]
) -> tuple[list[ImageFile], list[str]]:
    """The images under `root`, by name, and what a person should know. Raises FolderRefused.

    `expect_many` is called as soon as there are as many as that processes of their own pay.
    """
    search = _Search(root, Gathered(faults), expect_many)
    files = search.files()
    search.gathered.report("files and folders")
    if not files:
        raise FolderRefused(
            "The folder has no image that can be used",
            hint="Put the images of each class into a folder named after the class.",
        )
    return files, search.notices


@dataclass
class _Search:
    root: Path
    gathered: Gathered
    expect_many: Callable[[], None]
    notices: list[str] = field(default_factory=list)
    count: int = 0

    def files(self) -> list[ImageFile]:
        top = _Entry(
            self.root.name, str(self.root), "", is_link=False, is_folder=True, is_file=False
        )
        folders = self._folders(top)
        sides = {folder: SIDES.get(folder.own.lower()) for folder in folders}
        if folders and all(sides.values()):
            files = self._sides(sides)
        elif any(one.own.lower().startswith("train") and sides[one] for one in folders):
            strangers = [one.own for one in folders if not sides[one]]
            raise FolderRefused(
                f"Beside the training folder there are {', '.join(map(repr, strangers))}",
                hint="Keep only train, test and val there, each with one folder for each class.",
            )
        else:
            files = self._classes(top, folders, None)
        return self._without_collisions(files)

    def _sides(self, sides: dict[_Entry, Split | None]) -> list[ImageFile]:
        given = set(sides.values()) == {"train", "untouched"}
        if "train" not in sides.values():
            raise FolderRefused(
                f"The folder has {', '.join(repr(one.own) for one in sides)} but no 'train'",
                hint="Add a folder 'train', or give the folder that holds the classes.",
            )
        files: list[ImageFile] = []
        for folder, side in sides.items():
            inside, classes = self._unwrapped(folder)
            files.extend(self._classes(inside, classes, side if given else None))
        _check_strangers(files)
        return files

    def _unwrapped(self, folder: _Entry) -> tuple[_Entry, list[_Entry]]:
        """Archives are often packed as train/train/…: the inner folder, then."""
        inner = self._folders(folder)
        if len(inner) == 1 and inner[0].own == folder.own:
            return inner[0], self._folders(inner[0])
        return folder, inner

    def _classes(
        self, folder: _Entry, classes: list[_Entry], given: Split | None
    ) -> list[ImageFile]:
        if not classes:
            raise FolderRefused(
                f"Folder {folder.name or '.'!r} has no folders in it",
                hint="Put the images of each class into a folder named after the class.",
            )
        return [file for one in classes for file in self._images(one, given)]

    def _images(self, folder: _Entry, given: Split | None) -> list[ImageFile]:
        found: list[ImageFile] = []
        before = self.gathered.count
        try:
            entries = self._entries(folder)
        except SourceUnreadable as error:
            self.gathered.add(error, folder.name)
            return []
        for entry in entries:
            fault = self._fault(entry)
            if fault is None:
                found.append(ImageFile(entry.path, entry.name, folder.own, given))
            else:
                self.gathered.add(fault, entry.name)
        if not found and self.gathered.count == before:
            empty = FolderRefused(
                f"Class folder {folder.name!r} has no image in it",
                hint="Put images there or remove the folder.",
            )
            self.gathered.add(empty, folder.name)
        self.count += len(found)
        if self.count >= MANY_FILES:
            self.expect_many()
        return found

    def _fault(self, entry: _Entry) -> PileusError | None:
        """Why an entry of a class folder is no image file."""
        if entry.is_link:
            try:
                check_link(Path(entry.path), self.root, entry.name)
            except SourceUnreadable as error:
                return error
        if entry.is_folder:
            return _link_to_folder(entry) if entry.is_link else _nested(entry)
        if not entry.is_file or not is_image(entry.own):
            what = "" if entry.is_file else f" but {_kind(entry.path)}"
            return FolderRefused(
                f"{entry.name!r} is not an image file{what}",
                hint=f"Remove it; images end in {' '.join(sorted(ENDINGS))}.",
            )
        fault = path_fault(entry.name)
        if fault:
            return FolderRefused(f"The name {entry.name!r} {fault}", hint="Rename the file.")
        return None

    def _folders(self, folder: _Entry) -> list[_Entry]:
        """Folders in `folder`; images beside them have no class, other files are mentioned."""
        folders: dict[str, _Entry] = {}
        ignored: list[str] = []
        for entry in self._entries(folder):
            error: FolderRefused | None = None
            if entry.is_folder and entry.is_link:
                error = _link_to_folder(entry)
            elif entry.is_folder and (fault := path_fault(entry.name)):
                error = FolderRefused(f"The name {entry.name!r} {fault}", hint="Rename the folder.")
            elif entry.is_folder and folders.setdefault(entry.own, entry) is not entry:
                error = _same_name(entry)
            elif not entry.is_folder and is_image(entry.own):
                error = FolderRefused(
                    f"Image {entry.name!r} is in no class folder",
                    hint="Put the images of each class into a folder named after the class.",
                )
            elif not entry.is_folder:
                ignored.append(entry.name)
            if error:
                self.gathered.add(error, entry.name)
        if ignored:
            more = f" and {len(ignored) - 10:,} more" if len(ignored) > 10 else ""
            first = ", ".join(map(repr, ignored[:10]))
            self.notices.append(f"Ignored beside the folders: {first}{more}")
        return list(folders.values())

    def _entries(self, folder: _Entry) -> list[_Entry]:
        """What is in a folder, by name, without what systems leave there."""
        prefix = f"{folder.name}/" if folder.name else ""
        found: list[_Entry] = []
        try:
            with os.scandir(folder.path) as entries:
                for entry in entries:
                    raw = entry.name
                    own = composed(raw)
                    if own.startswith(".") or own.lower() in _LITTER:
                        continue
                    is_file = entry.is_file(follow_symlinks=False)  # what most are
                    is_link = not is_file and entry.is_symlink()
                    is_folder = not is_file and _is(entry.is_dir)
                    if is_link:
                        is_file = not is_folder and _is(entry.is_file)
                    found.append(_Entry(own, entry.path, prefix + own, is_link, is_folder, is_file))
        except OSError as error:
            raise unreadable(folder.name or folder.own, error) from error
        return sorted(found)

    def _without_collisions(self, files: list[ImageFile]) -> list[ImageFile]:
        """`files` by name, without those that another has the name of, in NFC."""
        seen: dict[str, ImageFile] = {}
        for file in files:
            if seen.setdefault(file.name, file) is not file:
                self.gathered.add(_same_name(file), file.name)
        return [seen[name] for name in sorted(seen)]


def _check_strangers(files: list[ImageFile]) -> None:
    trained = {file.label for file in files if file.given != "untouched"}
    strangers = {file.label for file in files} - trained
    if strangers:
        raise FolderRefused(
            f"Classes {sorted(strangers)!r} are in the test folder and not in the training one",
            hint="Give each class a folder of the same name in both.",
        )


def is_image(name: str) -> bool:
    """Whether a file of this name is taken for an image."""
    before, dot, ending = name.rpartition(".")
    return bool(before) and dot + ending.lower() in ENDINGS


def _is(asked: Callable[[], bool]) -> bool:
    try:
        return asked()
    except OSError:
        return False  # a link in a circle is neither file nor folder


def _kind(path: str) -> str:
    try:
        mode = Path(path).lstat().st_mode
    except OSError:
        return "gone"
    names = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return names.get(stat.S_IFMT(mode), "a device")


def _nested(entry: _Entry) -> FolderRefused:
    return FolderRefused(
        f"Folder {entry.name!r} is inside a class folder",
        hint="Move its images up, or give the folder whose folders are the classes.",
    )


def _link_to_folder(entry: _Entry) -> FolderRefused:
    return FolderRefused(
        f"{entry.name!r} is a link to a folder", hint="Put a copy of the folder in its place."
    )


def _same_name(entry: _Entry | ImageFile) -> FolderRefused:
    return FolderRefused(
        f"Two files are named {entry.name!r}; they differ only in how accents are encoded",
        hint="Rename one of them.",
    )
