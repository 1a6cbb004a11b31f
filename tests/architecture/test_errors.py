"""Errors: one code each, over all packages, even those that no process imports together."""

import ast
from collections import defaultdict

from tests.architecture.sources import sources


def declared():
    """Code → the classes that claim it, as `file:Class`; and which of them have no docstring."""
    claims, silent = defaultdict(list), []
    for source in sources():
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ClassDef):
                continue
            for keyword in node.keywords:
                if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                    claims[keyword.value.value].append(f"{source.name}:{node.name}")
                    if not ast.get_docstring(node):
                        silent.append(f"{source.name}:{node.name}")
    return claims, silent


class TestErrors:
    def test_a_code_belongs_to_one_error(self):
        claims, _ = declared()

        assert {code: who for code, who in claims.items() if len(who) > 1} == {}

    def test_every_error_says_what_it_means(self):
        _, silent = declared()

        assert silent == []
