"""What an attempt asks for and what a node has, as a vector."""

from __future__ import annotations

from pydantic import Field, model_validator

from pileus.core.names import check_name
from pileus.core.schemas.base import Schema

MILLI = 1000
"""Fractions are kept in thousandths, so that sums are exact."""


class Resources(Schema):
    """A request: processors, memory, a GPU or a fraction of one, custom flavours."""

    cpu: float = Field(default=1.0, gt=0, le=4096, multiple_of=0.001)
    """Processors; thousandths at the finest."""

    memory_mib: int = Field(default=512, gt=0)
    """Memory in MiB."""

    disk_mib: int | None = Field(default=None, gt=0)
    """Disk in MiB that an attempt may fill, its inputs left out; no limit when absent. Not placed
    by: it holds an attempt, and promises no space."""

    gpu: float = Field(default=0.0, ge=0, le=1024, multiple_of=0.001)
    """GPUs: a whole number, or less than 1 for a fraction of one device."""

    gpu_kind: str | None = None
    """Kind of GPU as `pileus status` lists it, or words of it: `h200` is an `nvidia-h200`."""

    custom: dict[str, int] = Field(default_factory=dict)
    """Named flavours that nodes declare, such as `{"fpga": 1}`."""

    @model_validator(mode="after")
    def _check(self) -> Resources:
        if self.gpu > 1 and self.gpu != int(self.gpu):
            raise ValueError(f"gpu={self.gpu}: more than one GPU must be a whole number")
        if self.gpu_kind is not None and self.gpu == 0:
            raise ValueError(f"gpu_kind={self.gpu_kind!r} without gpu: say how many")
        for name, amount in self.custom.items():
            check_name(name, "resource")
            if name in {"cpu", "memory", "gpu"}:
                raise ValueError(f"custom resource {name!r} has its own field")
            if amount <= 0:
                raise ValueError(f"custom resource {name}={amount}: must be at least 1")
        return self

    @property
    def cpu_milli(self) -> int:
        return thousandths(self.cpu)

    @property
    def gpu_milli(self) -> int:
        return thousandths(self.gpu)


def thousandths(amount: float) -> int:
    """Of processors or GPUs."""
    return round(amount * MILLI)


class Device(Schema):
    """One accelerator of a node."""

    id: str
    """Stable on its node, such as `GPU-8f…` or `0`."""

    kind: str
    """Such as `nvidia-h200`."""

    memory_mib: int = Field(ge=0)


class Capacity(Schema):
    """What a node has to give."""

    cpu_milli: int = Field(ge=0)
    memory_mib: int = Field(ge=0)
    devices: tuple[Device, ...] = ()
    sandbox: bool = False
    """Whether it can run attempts in a sandbox."""

    custom: dict[str, int] = Field(default_factory=dict)
