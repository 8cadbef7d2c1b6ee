"""The header of a GGUF file, and what is refused before anything loads it."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import ModelError
from predictors.models.gguf import read_header
from predictors.models.resolve import resolve


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
