"""Options of every kind: where their values come from, and what `--help` says of them."""

from dataclasses import dataclass

import pytest

from predictors.settings import OptionError, PredictorSettings, option, read_settings


@dataclass(frozen=True, kw_only=True)
class Settings(PredictorSettings):
    temperature: float | None = option(None, "randomness (default: the checkpoint's)")
    beams: int | None = option(None, "width of the search")
    style: str | None = option(None, "kind of the answer", ("short", "long"))
    top: float = option(0.5, "share of 100 %")


def read(*arguments, **environ):
    argv = ["--model_name", "m", *arguments]
    return read_settings(Settings, argv, environ, "test", "About.")


def test_what_is_not_set_is_none():
    settings = read()
    assert (settings.temperature, settings.beams, settings.style) == (None, None, None)


def test_what_is_set_has_its_type():
    settings = read("--temperature", "0", "--beams=4", PARLEY_STYLE="long", PARLEY_TOP="1")
    assert (settings.temperature, settings.beams) == (0.0, 4)
    assert isinstance(settings.temperature, float)
    assert (settings.style, settings.top) == ("long", 1.0)


def test_an_argument_wins_over_its_variable():
    assert read("--beams=4", PARLEY_BEAMS="2").beams == 4


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        (["--temperature=warm"], {}, "--temperature: invalid float value: 'warm'"),
        (["--beams=1.5"], {}, "--beams: invalid int value: '1.5'"),
        ([], {"PARLEY_BEAMS": "many"}, "--beams: invalid int value: 'many'"),
        (["--style=odd"], {}, "--style: invalid choice: 'odd'"),
        ([], {"PARLEY_STYLE": "odd"}, "--style: choose from short, long"),
        (["--turn_timeout=0"], {}, "--turn_timeout: must be a number of seconds over 0"),
        (["--request_timeout=nan"], {}, "--request_timeout: must be a number of seconds over 0"),
        ([], {"PARLEY_CLOCK_SKEW": "-1"}, "--clock_skew: must be 0 or more seconds"),
    ],
)
def test_a_wrong_value_is_one_clear_line(arguments, environ, words):
    with pytest.raises(OptionError) as caught:
        read(*arguments, **environ)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_help_shows_defaults_and_none_for_what_is_unset(capsys):
    with pytest.raises(SystemExit):
        read("--help")
    shown = " ".join(capsys.readouterr().out.split())
    assert "--top TOP share of 100 % (default: 0.5); environment: PARLEY_TOP" in shown
    assert "randomness (default: the checkpoint's); environment: PARLEY_TEMPERATURE" in shown
    assert "None" not in shown
