"""What every module of the product keeps to: one idea, a border, a name that says what it is."""

import ast

from tests.architecture.sources import ROOT, SRC, sources

MAX_LINES = 500
VAGUE = {"common", "handler", "handlers", "helper", "helpers", "manager", "managers", "misc"} | {
    "processor",
    "shared",
    "util",
    "utils",
}
"""Names that say nothing of what a module is about."""

UNIT = ROOT / "tests" / "unit"


class TestModules:
    def test_no_file_is_longer_than_one_sitting(self):
        long = [
            (source.name, lines)
            for source in sources()
            if (lines := source.text.count("\n")) > MAX_LINES
        ]

        assert long == []

    def test_every_module_says_what_it_is(self):
        silent = [source.name for source in sources() if not ast.get_docstring(source.tree)]

        assert silent == []

    def test_every_directory_is_a_package_or_the_attempts_own(self):
        directories = {source.path.parent for source in sources()}
        bare = [
            d.relative_to(SRC).as_posix() for d in directories if not (d / "__init__.py").exists()
        ]

        # Placed on an attempt's sys.path as it stands, so it belongs to no package.
        assert set(bare) <= {"pileus/compute/attempt"}

    def test_no_module_has_a_name_that_says_nothing(self):
        vague = [
            source.name
            for source in sources()
            if VAGUE & {source.path.stem, source.path.parent.name}
        ]

        assert vague == []


class TestPublicNames:
    def test_names_are_listed_in_order_and_exist(self):
        wrong = [source.name for source in sources() if not _is_sound(source.tree)]

        assert wrong == []


class TestMirror:
    def test_every_unit_test_has_its_module(self):
        orphans = [
            path.relative_to(UNIT).as_posix()
            for path in sorted(UNIT.rglob("test_*.py"))
            if not _counterpart_exists(path.relative_to(UNIT).with_name(path.name[len("test_") :]))
        ]

        assert orphans == []


def _counterpart_exists(path):
    module = SRC / "pileus" / path
    return module.exists() or (module.with_suffix("") / "__init__.py").exists()


def _is_sound(tree):
    listed, bound = None, set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            bound |= names
            if "__all__" in names and node.value is not None:
                listed = ast.literal_eval(node.value)
    if listed is None:
        return True
    # A module with __getattr__ loads its names when they are asked for.
    lazy = "__getattr__" in bound
    return list(listed) == sorted(set(listed)) and (lazy or set(listed) <= bound)
