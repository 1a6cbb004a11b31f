class TestStage:
    def test_a_transform_without_steps_is_the_same_version(self, cleaned):
        found = cleaned()

        assert found.manifest.id == found.report.source

    def test_bytes_survive_being_spooled(self, cleaned):
        step = {"step": "drop_duplicates"}

        assert cleaned(step, step, step).manifest.id == cleaned().manifest.id
