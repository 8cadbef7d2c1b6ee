"""Options of a translator: what they default to and what is refused."""

import pytest

from predictors.settings import OptionError, read_settings
from predictors.translator.__main__ import PROG, TranslatorSettings, check, main, pairs

REQUIRED = ["--model_name", "t", "--model", "embedded:gemma3-270m"]


def settings(*argv: str, **environ: str) -> TranslatorSettings:
    read = read_settings(TranslatorSettings, [*REQUIRED, *argv], environ, PROG, "")
    check(read)
    return read


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--source=fr", "--target=en"], ("user_input", "user_input_en")),
        (["--source=en", "--target=fr"], ("response_en", "response")),
        (
            ["--source=en", "--target=it", "--reads=user_input", "--writes=response"],
            ("user_input", "response"),
        ),
    ],
)
def test_the_fields_follow_the_direction(argv: list[str], expected: tuple[str, str]) -> None:
    [pair] = pairs(settings(*argv))
    assert (pair.reads, pair.writes) == expected


def test_every_option_is_a_variable_too() -> None:
    read = settings(PARLEY_SOURCE="fr", PARLEY_TARGET="en", PARLEY_MAX_TOKENS="99")
    assert (read.source, read.target, read.max_tokens) == ("fr", "en", 99)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--target=en"], "--source"),
        (["--source=french", "--target=en"], "--source: must be a language code"),
        (
            ["--source=xx", "--target=en"],
            "--source: no language has the code xx; write its ISO",
        ),
        (["--source=en", "--target=zzz"], "--target: no language has the code zzz"),
        (["--source=en", "--target=en"], "both are en"),
        (["--source=fr", "--target=it"], "must be en"),
        (["--source=fr", "--target=en", "--reads=history"], "--reads: choose from"),
        (["--source=fr", "--target=en", "--writes=user_input"], "both are user_input"),
        (["--source=fr", "--target=en", "--strategy=magic"], "--strategy"),
        (["--source=fr", "--target=en", "--max_tokens=0"], "--max_tokens"),
        (["--source=fr", "--target=en", "--max_tokens=100000"], "--max_tokens"),
        (["--source=fr", "--target=en", "--examples=/does/not/exist"], "--examples"),
        (["--source=fr", "--target=en", "--sauce=x"], "--sauce"),
    ],
)
def test_options_that_cannot_work_are_refused_by_name(argv: list[str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        settings(*argv)


def test_a_maximum_that_is_not_set_is_left_to_the_checkpoint() -> None:
    assert settings("--source=fr", "--target=en").max_tokens is None


def test_main_answers_wrong_options_with_one_line_and_two(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*REQUIRED, "--source=fr", "--target=fr"], {}) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1 and "both are fr" in captured.err


def test_main_answers_an_unknown_model_with_one_line_and_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = ["--model_name=t", "--source=fr", "--target=en", "--model=embedded:nothing"]
    assert main(argv, {}) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--source=fr,it", "--target=en"], ["fr en user_input", "it en user_input"]),
        (["--source=en", "--target= fr, it"], ["en fr response_en", "en it response_en"]),
        (
            ["--source=fr,it", "--target=en", "--directions=both"],
            ["fr en user_input", "it en user_input", "en fr response_en", "en it response_en"],
        ),
        (
            ["--source=en", "--target=fr", "--directions=both"],
            ["fr en user_input", "en fr response_en"],
        ),
    ],
)
def test_one_translator_may_serve_several_languages(argv: list[str], expected: list[str]) -> None:
    found = [f"{pair.source} {pair.target} {pair.reads}" for pair in pairs(settings(*argv))]
    assert found == expected


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--source=fr,it", "--target=de"], "--source or --target must be en alone"),
        (["--source=fr", "--target=en,it"], "--source or --target must be en alone"),
        (["--source=fr,en", "--target=en"], "--source and --target: en stands in both"),
        (["--source=fr,fr", "--target=en"], "--source: fr stands in it twice"),
        (["--source=en", "--target=fr,"], "--target: must be a language code"),
        (["--source=en", "--target=fr,xx"], "--target: no language has the code xx"),
        (
            ["--source=en", "--target=fr,it", "--reads=user_input", "--writes=response"],
            "--reads: a turn with user_input has the language en, which does not tell the 2 pairs",
        ),
        (
            ["--source=fr,it", "--target=en", "--reads=response_en"],
            "--reads: a turn with response_en has the language en",
        ),
        (
            ["--source=fr", "--target=en", "--directions=both", "--writes=response"],
            "--reads and --writes: --directions=both has the usual fields",
        ),
        (["--source=fr", "--target=en", "--directions=back"], "--directions"),
    ],
)
def test_languages_that_no_turn_could_tell_apart_are_refused(argv: list[str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        settings(*argv)
