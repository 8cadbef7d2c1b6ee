"""The model cache: where it is, and that nothing half-made ever has a name in it."""

import subprocess
import sys
from pathlib import Path

import pytest

from graph.errors import ModelError
from predictors.models.cache import cache_folder, lock, placed_file, placed_folder
from predictors.models.remembered_hashes import FILENAME, forget, remembered_sha256


@pytest.mark.parametrize(
    ("setting", "environ", "expected"),
    [
        ("/a", {"PARLEY_MODELS": "/b", "XDG_CACHE_HOME": "/c"}, "/a"),
        ("", {"PARLEY_MODELS": "/b", "XDG_CACHE_HOME": "/c"}, "/b"),
        ("", {"XDG_CACHE_HOME": "/c"}, "/c/parley/models"),
        ("", {"XDG_CACHE_HOME": "relative"}, str(Path("~/.cache/parley/models").expanduser())),
        ("", {}, str(Path("~/.cache/parley/models").expanduser())),
    ],
)
def test_the_setting_wins_over_the_variable_over_the_users_folder(
    setting: str, environ: dict[str, str], expected: str
) -> None:
    assert cache_folder(setting, environ) == Path(expected)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "weights"
    with pytest.raises(ZeroDivisionError), placed_file(target) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with placed_file(target) as file:
        file.write(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_appears_whole_or_not_at_all_and_replaces_an_old_one(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with pytest.raises(ZeroDivisionError), placed_folder(target) as work:
        (work / "a").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    for text in ("old", "new"):
        with placed_folder(target) as work:
            (work / text).write_text(text)
    assert [path.name for path in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_process_left_is_swept_and_other_entries_are_left_alone(
    tmp_path: Path,
) -> None:
    (tmp_path / ".partial-model~dead").mkdir()
    (tmp_path / ".partial-model~dead" / "part").write_text("x")
    other = tmp_path / ".partial-model-large~alive"
    other.mkdir()
    with placed_folder(tmp_path / "model") as work:
        (work / "a").write_text("a")
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, "model"]


def test_a_second_process_waits_for_the_lock_and_says_so(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from predictors.models.cache import lock\n"
        "with lock(Path(sys.argv[1]), 'entry', lambda *what: print(what[0], flush=True)):\n"
        "    print('mine', flush=True)"
    )
    with lock(tmp_path, "entry"):
        other = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert other.stdout is not None
        assert other.stdout.readline() == "waiting for another process: entry\n"
        assert other.poll() is None
    assert other.communicate(timeout=30)[0] == "mine\n"


def test_a_cache_that_cannot_be_made_is_named_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="name a folder that can be written in PARLEY_MODELS"):
        with lock(tmp_path / "file", "entry"):
            raise AssertionError("the lock was given")


def test_a_checked_file_is_not_read_again_until_it_changes(tmp_path: Path) -> None:
    cache, path = tmp_path / "cache", tmp_path / "weights"
    path.write_bytes(b"weights")
    reads: list[str] = []

    def digest() -> str:
        return remembered_sha256(cache, path, lambda what, done, total: reads.append(what))

    first = digest()
    assert digest() == first and len(reads) == 1
    path.write_bytes(b"WEIGHTS")
    second = digest()
    assert second != first and len(reads) == 2
    forget(cache, path)
    assert digest() == second and len(reads) == 3


def test_a_garbled_memory_only_costs_the_hashing(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"weights")
    expected = remembered_sha256(tmp_path, path)
    for garbled in ("{", "[]", f'{{"{path}": 3}}'):
        (tmp_path / FILENAME).write_text(garbled)
        assert remembered_sha256(tmp_path, path) == expected
