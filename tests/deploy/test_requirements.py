"""What the images hold, by their lock files: no torch for CPUs, CUDA's libraries for GPUs."""

from __future__ import annotations

import re
import sys
from importlib.metadata import files
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
LOCKED = sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))
ON_CPU = ("detector", "translator", "chat")
ON_GPU = ("translator-cuda", "chat-cuda")
WITH_TORCH = (*ON_GPU, "models")


def locked(name: str) -> dict[str, str]:
    """Package to version; a package may be listed once for each kind of platform."""
    text = (REQUIREMENTS / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ]+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_file_has_hashes_and_names_no_package_index(name: str) -> None:
    text = (REQUIREMENTS / f"{name}.txt").read_text()
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert entries and len(locked(name)) > 0
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


@pytest.mark.parametrize("name", ON_CPU)
def test_an_image_for_cpus_holds_neither_torch_nor_what_needs_it(name: str) -> None:
    found = locked(name)
    assert "kserve" in found
    assert not {"torch", "transformers", "triton"} & set(found)
    assert not [package for package in found if package.startswith("nvidia-")]


@pytest.mark.parametrize("name", (*ON_CPU, *ON_GPU))
def test_an_image_can_be_asked_for_metrics_and_for_spans(name: str) -> None:
    wanted = {"prometheus-client", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"}
    assert wanted <= set(locked(name))


@pytest.mark.parametrize("name", WITH_TORCH)
def test_where_there_is_torch_the_rest_is_as_in_the_images_for_cpus(name: str) -> None:
    found, chat = locked(name), locked("chat")
    assert {"torch", "transformers"} <= set(found)
    for package in ("ctranslate2", "sentencepiece", "tokenizers"):
        assert found[package] == chat[package]


@pytest.mark.parametrize("name", ON_GPU)
def test_an_image_for_gpus_holds_the_cublas_that_ctranslate2_asks_for(name: str) -> None:
    if sys.platform != "linux":
        pytest.skip("CTranslate2's packages have CUDA on Linux only")
    (library,) = (
        Path(str(file.locate()))
        for file in files("ctranslate2") or ()
        if file.name.startswith("libctranslate2")
    )
    majors = set(re.findall(rb"libcublas\.so\.(\d+)", library.read_bytes()))
    assert majors, "CTranslate2 does not name its cuBLAS"
    assert {f"nvidia-cublas-cu{major.decode()}" for major in majors} <= set(locked(name))


def test_the_image_of_the_gateway_holds_no_engine_and_no_command_line() -> None:
    found = locked("gateway")
    assert {"kubernetes", "redis", "httpx2", "uvicorn", "google-re2"} <= set(found)
    assert not {"kserve", "ctranslate2", "xllamacpp", "torch", "rich", "typer"} & set(found)
    dev = locked("dev")
    assert {name: dev[name] for name in found} == found


def test_the_image_that_converts_serves_nothing() -> None:
    assert not {"kserve", "xllamacpp", "nvidia-cublas-cu12"} & set(locked("models"))
