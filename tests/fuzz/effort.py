"""How many examples the tests of this folder try: few and always the same, or ever new ones.

An ordinary run is short and repeats itself, so that it fails for a change and not by chance.
`python -m tests.fuzz` runs with the profile `long`, which makes new examples each time.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

LONG = "long"
_TIMES = 3


def tries(short: int) -> settings:
    """Settings of a test that tries so many examples in an ordinary run, and more in a long one."""
    long = settings.get_current_profile_name() == LONG
    return settings(
        max_examples=short * _TIMES if long else short,
        derandomize=not long,
        database=None,
        deadline=None,
        # A smaller example says little more, and a server is asked for each.
        phases=(Phase.explicit, Phase.generate, Phase.shrink) if long else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )


def register() -> None:
    settings.register_profile(LONG)
