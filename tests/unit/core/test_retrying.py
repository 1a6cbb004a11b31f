from pileus.core.fake_clock import FakeClock
from pileus.core.retrying import Backoff


class RecordingClock(FakeClock):
    def __init__(self):
        super().__init__()
        self.slept = []

    async def sleep(self, seconds):
        self.slept.append(seconds)


class TestBackoff:
    async def test_pauses_double_up_to_the_longest_and_start_anew_after_a_success(self):
        clock = RecordingClock()
        backoff = Backoff(clock, 0.5)

        for _ in range(5):
            await backoff.pause()
        backoff.reset()
        await backoff.pause()

        assert clock.slept == [0.1, 0.2, 0.4, 0.5, 0.5, 0.1]
