"""What `--model` may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import ModelError
from predictors.models.catalogue import EMBEDDED
from predictors.models.reference import Reference, parse

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("embedded:gemma3-270m", Reference("embedded", "gemma3-270m")),
        ("hf:t5-small@main", Reference("hf", "t5-small", revision="main")),
        (
            "hf:facebook/blenderbot-400M-distill@v1.0",
            Reference("hf", "facebook/blenderbot-400M-distill", revision="v1.0"),
        ),
        ("gguf:/models/x.gguf", Reference("gguf", "/models/x.gguf")),
        ("gguf:/models/x@y.gguf", Reference("gguf", "/models/x@y.gguf")),
        (f"gguf:x@y.gguf@sha256:{HEX}", Reference("gguf", "x@y.gguf", sha256=HEX)),
        ("/models/marian", Reference("folder", "/models/marian")),
        ("./marian", Reference("folder", "./marian")),
        ("~/marian", Reference("folder", "~/marian")),
        (
            "openai:meta-llama/Llama-3.1-8B@http://llm:8000/v1",
            Reference("openai", "meta-llama/Llama-3.1-8B", url="http://llm:8000/v1"),
        ),
    ],
)
def test_each_form_is_read_and_written_back(text: str, expected: Reference) -> None:
    assert parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("embedded:gemma", "did you mean embedded:gemma3-270m?"),
        ("embedded:zzz", "known are embedded:smollm2-135m-instruct, embedded:gemma3-270m"),
        ("smollm2", "did you mean embedded:smollm2-135m-instruct?"),
        ("facebook/blenderbot-400M-distill", "hf:facebook/blenderbot-400M-distill@REVISION"),
        ("hf:t5-small", "pin a revision"),
        ("hf:../../etc@main", "no id of a model hub"),
        ("hf:t5-small@../x", "no revision"),
        ("./x.gguf", "gguf:./x.gguf"),
        ("gguf:", "nothing after the colon"),
        ("gguf:x.gguf@sha256:", "64 hexadecimal digits"),
        (f"gguf:x.gguf@sha256:{HEX}0", "64 hexadecimal digits"),
        (f"gguf:x.gguf@sha256:{HEX[:-1]}g", "64 hexadecimal digits"),
        ("openai:llama", "openai:MODEL@URL"),
        ("", "write embedded:NAME"),
    ],
)
def test_a_wrong_name_is_refused_with_what_is_right(text: str, hint: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse(text)
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


TEXTS = st.text(max_size=60)
PINNED = st.builds(
    "gguf:{}@sha256:{}".format, TEXTS, st.text("0123456789abcdefABCDEF", min_size=63, max_size=65)
)


@given(TEXTS | st.builds("{}:{}".format, st.sampled_from(["hf", "gguf"]), TEXTS) | PINNED)
def test_any_text_is_read_or_refused_and_never_breaks(text: str) -> None:
    try:
        reference = parse(text)
    except ModelError:
        return
    assert parse(str(reference)) == reference


def test_a_hash_in_capitals_is_the_same_hash() -> None:
    assert parse(f"gguf:x.gguf@sha256:{HEX.upper()}") == parse(f"gguf:x.gguf@sha256:{HEX}")


def test_every_model_of_the_catalogue_names_its_licence_and_adds_up() -> None:
    for name, model in EMBEDDED.items():
        assert parse(f"embedded:{name}").name == model.name == name
        assert model.licence.name and model.licence.url.startswith("https://")
        assert sum(part.size for part in model.parts) == model.size
        assert len(model.sha256) == 64
