"""`parley models`, by its own words."""

import pytest
from typer.testing import CliRunner

from graph.cli.models import app
from graph.errors import ModelError


def run(tmp_path, *arguments):
    return CliRunner().invoke(app, [*arguments, "--models", str(tmp_path)])


def test_list_names_each_model_its_licence_and_the_cache(tmp_path):
    result = run(tmp_path, "list")
    assert result.exit_code == 0
    assert "embedded:smollm2-135m-instruct" in result.stdout
    assert "Apache-2.0 (https://" in result.stdout
    assert "Gemma Terms of Use (https://ai.google.dev/gemma/terms)" in result.stdout
    assert f"model cache: {tmp_path}" in result.stderr


@pytest.mark.models
def test_verify_hashes_the_embedded_models_and_rm_takes_what_the_cache_made(tmp_path):
    result = run(tmp_path, "verify", "embedded:gemma3-270m")
    assert result.stdout == "embedded:gemma3-270m: whole\n"
    folder = tmp_path / "embedded" / "gemma3-270m"
    assert run(tmp_path, "rm", "embedded:gemma3-270m").stdout == f"{folder}\n"
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["rm", "embedded:gemma3-270m"], "nothing of it is in"),
        (["rm", "embedded:gemma"], "did you mean embedded:gemma3-270m?"),
        (["verify", "hf:a/b@main"], "nothing of it is in"),
        (["pull", "embedded:gemma3-270m"], "only hf: models are pulled"),
        (["convert", "gguf:/x.gguf"], "only hf: models and folders are converted"),
        (["convert", "hf:a/b@main"], "run: parley models pull hf:a/b@main"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path, arguments, problem):
    error = run(tmp_path, *arguments).exception
    assert isinstance(error, ModelError)
    assert problem in str(error) and "\n" not in str(error)
