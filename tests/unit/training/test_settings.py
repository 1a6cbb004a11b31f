import os

import pytest

from pileus.core.settings import InvalidSettings
from pileus.training.settings import load


class TestLoad:
    def test_the_lease_decides_the_threads(self):
        assert load({"PILEUS_ATTEMPT_CPUS": "1"}).threads == 1
        assert load({"PILEUS_ATTEMPT_CPUS": "0.5"}).threads == 1

    def test_without_a_lease_all_of_the_machine_computes(self):
        assert load({}).threads == os.cpu_count()

    def test_a_mistyped_value_is_named(self):
        with pytest.raises(InvalidSettings, match="'PILEUS_ATTEMPT_CPUS' is 'all'"):
            load({"PILEUS_ATTEMPT_CPUS": "all"})
