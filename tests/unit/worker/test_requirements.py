import pytest

from pileus.worker.errors import EnvironmentNotBuilt
from pileus.worker.requirements import Kind, wanted

ONE, OTHER = "1" * 64, "2" * 64


@pytest.fixture
def of(tmp_path):
    """What files by name ask for; the first is the one that is named."""

    def asked(**files):
        names = [name.replace("__", ".") for name in files]
        for name, text in zip(names, files.values(), strict=True):
            (tmp_path / name).write_text(text)
        return wanted(tmp_path, names[0])

    return asked


class TestWanted:
    def test_it_is_the_text_and_not_the_code(self, of):
        first = of(requirements__txt="numpy==2.0\n")

        assert first.kind is Kind.REQUIREMENTS
        assert first.digest(ONE) == first.digest(OTHER)
        assert first.digest(ONE) != of(requirements__txt="numpy==2.1\n").digest(ONE)

    def test_included_files_belong_to_it(self, of):
        one = of(requirements__txt="-r base.txt\n", base__txt="numpy\n-c pins.txt\n", pins__txt="")
        other = of(requirements__txt="-r base.txt\n", pins__txt="numpy==2.0\n")

        assert len(one.texts) == 3
        assert one.digest(ONE) != other.digest(ONE)

    @pytest.mark.parametrize(
        "line", ["./wheels/a.whl", ".", "a @ file:///x", "wheels/a-1.0-py3-none-any.whl", "-f here"]
    )
    def test_one_that_installs_files_of_the_code_changes_with_it(self, of, line):
        asked = of(requirements__txt=f"numpy\n{line}\n")

        assert asked.is_local
        assert asked.digest(ONE) != asked.digest(OTHER)

    def test_a_file_that_is_not_of_the_code_is_refused(self, of):
        with pytest.raises(EnvironmentNotBuilt, match="not part of the code"):
            of(requirements__txt="-r ../outside.txt\n")

    def test_an_editable_install_is_refused(self, of):
        with pytest.raises(EnvironmentNotBuilt, match="editable"):
            of(requirements__txt="-e .\n")

    def test_a_missing_file_is_told(self, tmp_path):
        with pytest.raises(EnvironmentNotBuilt, match="cannot be read"):
            wanted(tmp_path, "requirements.txt")


class TestProject:
    def test_a_lock_beside_it_decides(self, of):
        alone = of(pyproject__toml="[project]\nname = 'a'\n")
        locked = of(pyproject__toml="[project]\nname = 'a'\n", uv__lock="version = 1\n")

        assert (alone.kind, locked.kind) == (Kind.PROJECT, Kind.LOCK)
        assert alone.digest(ONE) != locked.digest(ONE)

    def test_a_lock_is_local_when_it_names_another_folder_than_its_own(self, of):
        own = of(uv__lock='source = { virtual = "." }\n', pyproject__toml="")
        other = of(uv__lock='source = { directory = "libs/b" }\n')

        assert (own.is_local, other.is_local) == (False, True)

    def test_a_project_that_is_no_toml_is_told(self, of):
        with pytest.raises(EnvironmentNotBuilt, match="not TOML"):
            of(pyproject__toml="[project\n")
