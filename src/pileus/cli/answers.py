"""What an endpoint's answer says, row by row."""

from collections.abc import Mapping
from typing import Any


def answers(answer: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    """Each row's answer: a class with its probability, or a value."""
    outputs = {output["name"]: output for output in answer["outputs"]}
    if "value" in outputs:
        return [(f"{value:.6g}", None) for value in outputs["value"]["data"]]
    named = outputs.get("label") or outputs.get("class_index") or next(iter(outputs.values()))
    chances = outputs.get("probabilities")
    if chances is None:
        return [(str(value), None) for value in named["data"]]
    width = chances["shape"][-1]
    data = chances["data"]
    return [
        (str(value), max(data[row * width : (row + 1) * width]))
        for row, value in enumerate(named["data"])
    ]


def prediction_id(answer: Mapping[str, Any]) -> str:
    """Id of the prediction that an answer is."""
    return str(answer.get("parameters", {}).get("prediction_id") or answer.get("id") or "")
