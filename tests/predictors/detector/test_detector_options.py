from __future__ import annotations

import pytest

from predictors.detector.__main__ import build, main
from predictors.settings import OptionError

NAME = ["--model_name", "detector"]


def test_english_and_french_are_served_by_default() -> None:
    detector, settings = build(NAME, {})
    assert (detector.name, detector.languages) == ("detector", ("en", "fr"))
    assert settings.default_language == "en"


def test_an_option_may_come_from_the_environment() -> None:
    environ = {"PARLEY_MODEL_NAME": "d", "PARLEY_LANGUAGES": "it, en", "PARLEY_HTTP_PORT": "9000"}
    detector, settings = build(["--default_language", "it"], environ)
    assert (detector.name, detector.languages, settings.http_port) == ("d", ("it", "en"), 9000)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--languages", "en,frr"], "--languages: 'frr' is no known language; did you mean 'fr'"),
        (["--languages", "english"], "'english' is no known language; did you mean 'en' (English)"),
        (["--languages", "en,fr,spa"], "'spa' is no known language; did you mean 'es' (Spanish)"),
        (["--languages", "ger"], "'ger' is no known language; did you mean 'de' (German)"),
        (["--languages", "cmn"], "'cmn' is no known language; did you mean 'zh' (Chinese)"),
        (["--languages", "pt_BR"], "'pt_BR' is no known language; did you mean 'pt' (Portuguese)"),
        (["--languages", "Español"], "'Español' is no known language; did you mean 'es' (Spanish)"),
        (["--languages", "englisch"], "'englisch' is no known language; did you mean 'en'"),
        (["--languages", "klingon"], "'klingon' is no known language; "),
        (["--languages", "EN"], "'EN' is no known language; did you mean 'en'"),
        (["--languages", ""], "--languages: '' is no known language; known are af, ar"),
        (["--languages", "en,,fr"], "--languages: '' is no known language"),
        (["--languages", "en,fr,en"], "--languages: 'en' stands there twice"),
        (["--languages", "fr,it"], "--default_language: 'en' is not among --languages fr,it"),
        (["--default_language", "de"], "--default_language: 'de' is not among --languages en,fr"),
        (["--langages", "en"], "--langages"),
    ],
)
def test_a_wrong_option_is_named_with_its_fix(argv: list[str], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        build([*NAME, *argv], {})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_option_ends_the_command_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*NAME, "--languages", "en,xx"], {}) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("predictors.detector: --languages: 'xx'")


def test_help_explains_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"], {})
    assert caught.value.code == 0
    out = capsys.readouterr().out
    for text in ("--languages", "PARLEY_LANGUAGES", "--default_language", "--http_port"):
        assert text in out
