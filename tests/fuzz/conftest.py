"""Makes the profile `long` known before pytest reads its options."""

from tests.fuzz.effort import register

register()
