"""Settings of all tests."""

try:
    from hypothesis import HealthCheck, settings
except ImportError:  # where only the tests run that want nothing but pytest
    pass
else:
    # How long an example takes says more about the machine and what else runs on it than about the code.
    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")
