from pileus.training.device import threads
from pileus.training.settings import TrainingSettings


class TestThreads:
    def test_small_batches_are_computed_by_one(self):
        assert threads(TrainingSettings(), 64, (1, 8, 8)) == 1

    def test_larger_ones_by_all_of_the_lease(self):
        settings = TrainingSettings()

        assert threads(settings, 128, (1, 28, 28)) == settings.threads
