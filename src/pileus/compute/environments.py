"""The environments of a node: what a warm process of each has imported."""

from __future__ import annotations

from dataclasses import dataclass

PLAIN = "plain"


@dataclass(frozen=True)
class Environment:
    """A set of imports that attempts share."""

    modules: tuple[str, ...] = ()
    """Without these it is broken."""

    warm: tuple[str, ...] = ()
    """Imported as well if they can be; an attempt that needs them says why they cannot."""

    hint: str | None = None
    """What to do when `modules` cannot be imported."""


ENVIRONMENTS = {
    PLAIN: Environment(),
    "torch": Environment(
        modules=("numpy", "torch"),
        # What a training imports on its way, less what starts a thread: onnxruntime does.
        # Importing these takes longer than torch itself, and every training needs them.
        warm=(
            "torch._dynamo",
            "onnxscript",
            "matplotlib.backends.backend_agg",
            "matplotlib.figure",
            "pileus.training.main",
        ),
        hint="Install it on the node: pip install 'pileus[torch]'.",
    ),
}
"""Those that recipes name."""
