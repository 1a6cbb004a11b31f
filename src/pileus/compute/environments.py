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
        # Importing these takes longer than torch itself, and every training needs them: its recipe
        # before its first line, what follows the recipes, some of it torch's own, when it exports.
        warm=(
            "torch._dynamo",
            "matplotlib.backends.backend_agg",
            "matplotlib.figure",
            "pileus.training.main",
            "pileus.training.recipes.cnn.recipe",
            "pileus.training.recipes.logistic_regression.recipe",
            "pileus.training.recipes.mlp.recipe",
            "onnxscript",
            "onnxscript.function_libs.torch_lib.ops",
            "onnxscript.rewriter.onnx_fusions",
            "sympy.tensor.tensor",
            "torch._export.serde.serialize",
            "torch._functorch.aot_autograd",
            "torch._inductor.fx_passes.dedupe_symint_uses",
            "torch._subclasses.schema_check_mode",
            "torch.export._trace",
            "torch.export.passes",
            "torch.fx.experimental.validator",
            "torch.onnx._internal.exporter._compat",
            "torch.onnx._internal.exporter._torchlib.ops",
        ),
        hint="Install it on the node: pip install 'pileus[torch]'.",
    ),
}
"""Those that recipes name."""
