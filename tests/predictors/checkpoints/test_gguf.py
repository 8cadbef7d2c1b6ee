"""The header of a GGUF file, and what is refused before anything loads it."""

import hashlib
import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import ModelError
from predictors.checkpoints.gguf import read_header
from predictors.models.resolve import resolve
from predictors.models.store import verify


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def whole_file() -> bytes:
    """A model without a purpose: one float16 tensor of 2 x 4, one Q8_0 tensor of 64."""
    values = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("llama.context_length") + struct.pack("<II", 4, 2048),
        text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b"),
        text("tokenizer.ggml.scores") + struct.pack("<IIQff", 9, 6, 2, 0.0, 1.0),
        text("tokenizer.chat_template") + struct.pack("<I", 8) + text("{{ messages }}"),
    ]
    tensors = [
        text("first") + struct.pack("<IQQIQ", 2, 2, 4, 1, 0),
        text("second") + struct.pack("<IQIQ", 1, 64, 8, 32),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    head += b"".join(values) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + bytes(32 + 68)


def test_the_header_says_what_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(whole_file())
    header = read_header(path)
    assert (header.architecture, header.context, header.has_chat_template) == ("llama", 2048, True)
    assert resolve(f"gguf:{path}").path == path


def with_values(*values: bytes) -> bytes:
    """A file without tensors."""
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(values)) + b"".join(values)
    return head + bytes(-len(head) % 32)


def words(key: str, *values: str) -> bytes:
    return text(key) + struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(text, values))


def numbers(key: str, *values: int) -> bytes:
    return (
        text(key)
        + struct.pack("<IIQ", 9, 5, len(values))
        + struct.pack(f"<{len(values)}i", *values)
    )


def test_the_header_names_the_tokens_that_steer_the_model(tmp_path: Path) -> None:
    template = "<|im_start|>{{ content }}[END]"
    path = tmp_path / "x.gguf"
    path.write_bytes(
        with_values(
            words("tokenizer.ggml.tokens", "hello", "<|im_start|>", "[END]", "<b>", "</s>", "  "),
            # Plain, control, added, added, plain, added.
            numbers("tokenizer.ggml.token_type", 1, 3, 4, 4, 1, 4),
            text("tokenizer.ggml.eos_token_id") + struct.pack("<II", 4, 4),
            text("tokenizer.ggml.unknown_token_id") + struct.pack("<II", 4, 99),
            text("tokenizer.chat_template") + struct.pack("<I", 8) + text(template),
        )
    )
    assert read_header(path).special_tokens == ("</s>", "<|im_start|>", "[END]")


def test_an_empty_chat_template_is_none(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(with_values(text("tokenizer.chat_template") + struct.pack("<I", 8) + text("")))
    assert not read_header(path).has_chat_template


def test_a_file_cut_anywhere_is_refused_by_name(tmp_path: Path) -> None:
    whole = whole_file()
    path = tmp_path / "x.gguf"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="x.gguf: (cut short|not a whole GGUF file)"):
            read_header(path)


@given(data=st.binary(max_size=200), keep=st.integers(0, 24))
def test_foreign_bytes_are_refused_and_never_break_the_reader(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, keep: int
) -> None:
    path = tmp_path_factory.mktemp("gguf") / "x.gguf"
    path.write_bytes(whole_file()[:keep] + data)
    try:
        read_header(path)
    except ModelError as error:
        assert "x.gguf" in str(error)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="absent.gguf: No such file or directory"):
        resolve(f"gguf:{tmp_path}/absent.gguf")


def flip_last(path: Path) -> None:
    """Another weight, and all else as it was: length and times."""
    times = path.stat()
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_an_altered_file_is_refused_by_name_where_its_hash_is_given(tmp_path: Path) -> None:
    path, cache = tmp_path / "x.gguf", str(tmp_path / "cache")
    path.write_bytes(whole_file())
    model = f"gguf:{path}@sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert resolve(model, cache).path == path
    assert resolve(model, cache).name == "x.gguf"
    assert verify(model, cache) == [model]
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"\1")
    for check in (resolve, verify):
        with pytest.raises(ModelError, match="x.gguf: altered, or another file: its SHA-256 is"):
            check(model, cache)
    assert resolve(f"gguf:{path}", cache).path == path


def test_verify_hashes_again_what_was_hashed_and_then_altered_by_stealth(tmp_path: Path) -> None:
    path, cache = tmp_path / "x.gguf", str(tmp_path / "cache")
    path.write_bytes(whole_file())
    model = f"gguf:{path}@sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    resolve(model, cache)
    flip_last(path)
    # Not seen by a start, which remembers; seen by verify, and by every start after it.
    assert resolve(model, cache).path == path
    for check in (verify, resolve):
        with pytest.raises(ModelError, match="x.gguf: altered"):
            check(model, cache)


def test_a_hash_is_computed_once_while_the_file_does_not_change(tmp_path: Path) -> None:
    path, cache = tmp_path / "x.gguf", str(tmp_path / "cache")
    path.write_bytes(whole_file())
    model = f"gguf:{path}@sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    hashed: list[str] = []
    for _ in range(2):
        resolve(model, cache, lambda what, done, total: hashed.append(what))
    assert hashed == ["checking x.gguf"]
