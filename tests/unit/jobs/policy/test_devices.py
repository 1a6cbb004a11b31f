from pileus.jobs.policy.devices import usable_devices


class TestUsableDevices:
    def test_words_of_a_kind_name_it(self) -> None:
        kinds = ("nvidia-t4", "nvidia-h200")

        assert usable_devices(kinds, "H200") == (1,)
        assert usable_devices(kinds, "h20") == ()

    def test_who_names_no_kind_can_have_any(self) -> None:
        assert usable_devices(("nvidia-t4", "nvidia-h200"), None) == (0, 1)
