"""What holds for every test."""

from hypothesis import HealthCheck, settings

# A loaded machine is slow and not wrong: no test asserts a time.
settings.register_profile("pileus", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pileus")
