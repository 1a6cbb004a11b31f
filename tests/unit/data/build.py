"""Builds sources and images for tests."""

import gzip
import io
import os
import struct

import numpy as np
from PIL import Image

from pileus.data.ingest import prepare


def pixels(seed=0, size=(6, 5), channels=3):
    """Pixels [height, width(, channels)] that differ for each seed."""
    shape = size if channels == 1 else (*size, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(array, form="PNG", **options):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, form, **options)
    return stream.getvalue()


def png(seed=0, size=(6, 5), channels=3):
    return encoded(pixels(seed, size, channels))


def class_folder(root, counts, *, start=0):
    """`root/<class>/<n>.png`, every image different; `counts` maps classes to numbers."""
    seed = start
    for name, count in counts.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            seed += 1
            (folder / f"{number}.png").write_bytes(png(seed))
    return root


def idx(folder, prefix="train-", count=20, size=(4, 3), *, packed=False, classes=4):
    """A pair of IDX files; returns the pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    images = np.random.default_rng(len(prefix)).integers(0, 256, (count, *size), dtype=np.uint8)
    labels = (np.arange(count) % classes).astype(np.uint8)
    ending = ".gz" if packed else ""
    write = gzip.compress if packed else bytes
    (folder / f"{prefix}images-idx3-ubyte{ending}").write_bytes(
        write(struct.pack(">4I", 0x803, count, *size) + images.tobytes())
    )
    (folder / f"{prefix}labels-idx1-ubyte{ending}").write_bytes(
        write(struct.pack(">2I", 0x801, count) + labels.tobytes())
    )
    return images


def aged(path):
    """`path`, as if it had been written long ago: the clock of a file system is a coarse one."""
    os.utime(path, (1, 1))
    return path


def csv_file(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def table_text(rows=40, classes=("no", "yes")):
    """Two features and a label, every row different."""
    lines = [
        f"{number},{number / 7:.3f},{classes[number % len(classes)]}" for number in range(rows)
    ]
    return "\n".join(["age,weight,label", *lines]) + "\n"


def ingested(source, into, **options):
    """What `prepare` makes of `source`, in a fresh directory under `into`."""
    target = into / f"prepared-{len(list(into.iterdir())) if into.exists() else 0}"
    target.mkdir(parents=True)
    return prepare(str(source), into=target, **options)
