"""Settings of all tests."""

import os

try:
    from hypothesis import HealthCheck, settings
except ImportError:  # where only the tests run that want nothing but pytest
    pass
else:
    # How long an example takes says more about the machine and what else runs on it than about the code.
    # In CI the same examples are drawn each time, so that a change is judged by what it changed; elsewhere new ones.
    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow],
                              derandomize="CI" in os.environ)
    settings.load_profile("untimed")
