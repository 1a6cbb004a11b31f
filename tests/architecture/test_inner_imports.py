"""An import inside a function has a reason, and the reason is on its line."""

import ast

from tests.architecture.sources import sources


def unexplained(text, tree):
    """Line numbers of imports inside functions whose first and last line carry no comment."""
    lines = text.splitlines()
    return [
        statement.lineno
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for statement in ast.walk(function)
        if isinstance(statement, (ast.Import, ast.ImportFrom))
        and "#" not in lines[statement.lineno - 1]
        and "#" not in lines[(statement.end_lineno or statement.lineno) - 1]
    ]


class TestInnerImports:
    def test_each_states_its_reason(self):
        found = {
            source.name: numbers
            for source in sources()
            if (numbers := sorted(set(unexplained(source.text, source.tree))))
        }

        assert found == {}

    def test_one_without_a_reason_is_found(self):
        text = "def late():\n    import torch\n"

        assert unexplained(text, ast.parse(text)) == [2]

    def test_one_with_a_reason_passes(self):
        text = "def late():\n    import torch  # start-up time\n"

        assert unexplained(text, ast.parse(text)) == []
