from __future__ import annotations

from collections.abc import Iterator

import pytest

from predictors.detector.model import Detector
from predictors.detector.recogniser import Recogniser


@pytest.fixture(scope="session")
def recogniser() -> Recogniser:
    return Recogniser(("en", "fr", "it", "es", "de"), "en")


@pytest.fixture(scope="session")
def detector() -> Iterator[Detector]:
    detector = Detector("detector", ("en", "fr", "it"), "en")
    detector.load()
    yield detector
    detector.close()
