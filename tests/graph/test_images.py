"""Which registries are taken: those that a kubelet takes, too."""

from __future__ import annotations

import pytest

from graph.errors import SpecError
from graph.images import check_prefix


@pytest.mark.parametrize(
    "prefix",
    [
        "https://registry.example.com",
        "a b",
        "",
        "registry.example.com/Parley",
        "a//b",
        "a/-b",
        "/a",
    ],
)
def test_what_is_no_registry_is_refused(prefix: str) -> None:
    with pytest.raises(SpecError, match="in small letters, as registry.example.com/parley"):
        check_prefix(prefix)


@pytest.mark.parametrize(
    "prefix", ["me", "localhost:5000", "10.0.0.2:5001/x", "r.example.com/a_b/c-d"]
)
def test_what_a_kubelet_takes_is_taken(prefix: str) -> None:
    assert check_prefix(f"{prefix}/") == prefix
