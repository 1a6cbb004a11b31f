from pileus.gateway.sparingly import Sparingly


class TestSparingly:
    def test_lets_so_many_through_in_each_second(self):
        sparingly = Sparingly(per_second=2)

        said = [sparingly.may(now) for now in (7.0, 7.1, 7.2, 7.9, 8.0, 8.0, 8.1)]

        assert said == [True, True, False, False, True, True, False]
