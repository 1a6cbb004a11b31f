"""
Light augmentation: each image turned, scaled and shifted a little, anew in each epoch.

A slanted seven is still a seven; a network that has seen it slanted needs fewer examples. Nothing
is mirrored: a mirrored seven is none.
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor
from torch.nn import functional

TURN = 10 * pi / 180
SCALE = 0.1
SHIFT = 1 / 12
"""Of the side: two thirds of a pixel of an 8x8 digit, two of a 28x28 one."""


def light(images: Tensor, generator: torch.Generator) -> Tensor:
    """`images` (rows, channels, height, width) of floats, changed at random; edges are repeated.

    The random numbers come from a generator of the processor, whatever device the images are on.
    """
    drawn = torch.rand((4, len(images)), generator=generator).mul_(2).sub_(1)
    turn, scale = drawn[0] * TURN, 1 + drawn[1] * SCALE
    across, down = 2 * SHIFT * drawn[2], 2 * SHIFT * drawn[3]  # a side is 2 long in grid units
    cosine, sine = torch.cos(turn) * scale, torch.sin(turn) * scale
    rows = torch.stack([cosine, -sine, across, sine, cosine, down], dim=1).view(-1, 2, 3)
    grid = functional.affine_grid(rows.to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
