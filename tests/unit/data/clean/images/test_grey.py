class TestGrey:
    def test_images_have_one_channel(self, cleaned):
        found = cleaned({"step": "grey"})

        assert found.manifest.image.modes == ("L",)
        assert found.step["changed"] == 24
