"""Parley's images from a registry of one's own, wherever an object has pods."""

from __future__ import annotations

import pytest

from graph.cli.main import main
from graph.composing.application import application
from graph.composing.registry import from_registry, locate
from graph.composing.services import chat, detector
from graph.composing.shipped import Variant, read_shipped
from graph.spec.load import load_objects
from predictors.images import catalogue

PREFIX = "registry.example.com:5000/parley"
CHECKPOINT = "hf:facebook/blenderbot-400M-distill@eaaf64e3be20ad1f1fb0bdf689565ba52c97eafe"


def pods(value):
    """Every dict with containers, wherever it is."""
    if isinstance(value, dict):
        yield from [value] if "containers" in value else []
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from pods(item)


def images(pod):
    return [c["image"] for key in ("initContainers", "containers") for c in pod.get(key, ())]


@pytest.mark.parametrize("variant", Variant)
def test_every_pod_of_a_shipped_file_pulls_there_with_the_secret(variant):
    moved = [from_registry(body, PREFIX, "registry") for body in read_shipped(variant)]
    found = list(pods(moved))
    assert len(found) >= 4
    for pod in found:
        assert images(pod) and all(image.startswith(f"{PREFIX}/parley-") for image in images(pod))
        assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert [from_registry(body, PREFIX, "registry") for body in moved] == moved


@pytest.mark.parametrize("image", catalogue.ALL + catalogue.CUDA, ids=lambda image: image.name)
def test_every_image_that_is_built_is_known(image):
    assert locate(image.name, PREFIX) == f"{PREFIX}/{image.name}"


@pytest.mark.parametrize("image", ["kserve/router:v0.20.0", "parley-nothing:1", "x/parley-chat:1"])
def test_the_images_of_others_keep_their_names_and_get_no_secret(image):
    body = {"spec": {"containers": [{"image": image}]}}
    assert from_registry(body, PREFIX, "registry") == body


def test_a_secret_that_is_there_already_stays():
    pod = {"containers": [{"image": "parley-chat:1"}], "imagePullSecrets": [{"name": "other"}]}
    moved = from_registry(pod, PREFIX, "registry")
    assert moved["imagePullSecrets"] == [{"name": "other"}, {"name": "registry"}]
    assert pod["imagePullSecrets"] == [{"name": "other"}]


def test_an_application_keeps_its_namespace_and_its_models():
    plain = application("talk", [detector("fr"), chat(CHECKPOINT)])
    moved = plain.from_registry(f"{PREFIX}/", "registry")
    assert moved.names == plain.names
    kinds = {"InferenceService", "Job"}
    changed = {b["kind"] for b, was in zip(moved.objects, plain.objects, strict=True) if b != was}
    assert changed == kinds


def test_init_writes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ["--embedded", "--registry", PREFIX, "--pull-secret", "registry"]
    assert main(["init", *options]) == 0
    text = (tmp_path / "chat.yaml").read_text()
    assert text.count(f"image: {PREFIX}/parley-") == 4
    assert text.count("imagePullSecrets:") == 4
    assert len(load_objects(text, "").services) == 4
    assert main(["init", "--pull-secret", "registry", "--force"]) == 2
    assert "--pull-secret is for the images of --registry" in capsys.readouterr().err
