"""A checkpoint's description goes through a manifest's JSON and back; a garbled one is named."""

import json
from dataclasses import asdict

import pytest

from graph.errors import ModelError
from predictors.checkpoints.chat_template import ChatTemplate
from predictors.checkpoints.description import CheckpointDescription, description_from_json
from predictors.checkpoints.generation import Task
from predictors.checkpoints.languages import LANGUAGE, Languages
from predictors.models.manifest import (
    CONVERSION_VERSION,
    Manifest,
    read_description,
    read_manifest,
    write_manifest,
)

TRANSLATOR = CheckpointDescription(
    family="t5",
    is_encoder_decoder=True,
    context=512,
    generation={"max_length": 60, "bad_words_ids": [[1, 2]]},
    tasks={"translation_en_to_fr": Task("translate English to French: ", {"num_beams": 4})},
    languages=Languages({"fr": "__fr__"}, (LANGUAGE,), ("</s>",)),
)
CHAT = CheckpointDescription(
    family="llama",
    is_encoder_decoder=False,
    context=2048,
    positions=2048,
    chat_template=ChatTemplate("{{ messages }}", {"eos_token": "</s>"}),
)
SETTINGS = {"loaders": CONVERSION_VERSION}


@pytest.mark.parametrize("description", [TRANSLATOR, CHAT])
def test_a_manifest_gives_back_the_description_that_was_written(description, tmp_path):
    write_manifest(tmp_path, Manifest("conversion", "/toy", {}, SETTINGS, description))
    assert read_description(tmp_path) == description


def test_an_engine_says_what_the_description_says():
    info = TRANSLATOR.engine_info("m", 512, "cuda")
    assert (info.family, info.is_encoder_decoder, info.device) == ("t5", True, "cuda")
    # The decoder's start token is one of the 60.
    assert info.max_new_tokens == 59
    assert info.tasks == {"translation_en_to_fr": "translate English to French: "}
    assert (info.languages, info.has_chat_template) == (("fr",), False)
    chat = CHAT.engine_info("m", 1024, "cpu")
    assert (chat.context, chat.has_chat_template, chat.max_new_tokens) == (1024, True, None)


def garbled(*path, value=...):
    """The translator's JSON with one value replaced, or left out."""
    whole = json.loads(json.dumps(asdict(TRANSLATOR)))
    inner = whole
    for name in path[:-1]:
        inner = inner[name]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return whole


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ([], "model: not an object"),
        (garbled("family"), "model.family: not of type str"),
        (garbled("context", value="512"), "model.context: not of type int"),
        (garbled("positions", value=True), "model.positions: not of type int"),
        (garbled("is_encoder_decoder", value=1), "model.is_encoder_decoder: not of type bool"),
        (garbled("generation", value=None), "model.generation: not of type dict"),
        (garbled("tasks", "translation_en_to_fr", value="x"), "translation_en_to_fr: not an obj"),
        (garbled("languages"), "model.languages: missing"),
        (garbled("languages", "after", value=[3]), "model.languages.after: holds something that"),
        (garbled("chat_template", value={}), "model.chat_template.source: not of type str"),
    ],
)
def test_a_garbled_description_is_refused_by_the_name_of_the_field(model, problem, tmp_path):
    with pytest.raises(ValueError, match=problem):
        description_from_json(model)
    manifest = {"kind": "conversion", "source": "/toy", "files": {}, "settings": SETTINGS}
    written = {**manifest, "version": 1, "model": model or [1]}
    (tmp_path / "parley.json").write_text(json.dumps(written))
    with pytest.raises(ModelError, match=f"parley.json: .*{problem}.*; convert the model again"):
        read_manifest(tmp_path)


def test_a_conversion_without_a_description_is_refused(tmp_path):
    write_manifest(tmp_path, Manifest("conversion", "/toy", {}, SETTINGS))
    with pytest.raises(ModelError, match="parley.json: model: missing; convert the model again"):
        read_description(tmp_path)


def test_the_description_of_another_version_is_not_read(tmp_path):
    manifest = {"kind": "conversion", "source": "/toy", "files": {}, "settings": {"loaders": "3"}}
    written = {**manifest, "version": 1, "model": {"shape": "decoder"}}
    (tmp_path / "parley.json").write_text(json.dumps(written))
    assert read_manifest(tmp_path).model is None
