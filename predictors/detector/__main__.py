"""Options and start of the detector: `python -m predictors.detector --model_name detector`."""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Ctrl-C before there is anything to drain ends the process at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import langcodes
from langcodes.tag_parser import LanguageTagError
from lingua import Language

from graph.errors import find_nearest
from predictors.detector.model import Detector
from predictors.progress import Progress, show_nothing
from predictors.serving import run
from predictors.settings import OptionError, PredictorSettings, option, read_settings
from predictors.sharing import Shared

PROG = "predictors.detector"


@dataclass(frozen=True, kw_only=True)
class DetectorSettings(PredictorSettings):
    """What the detector takes."""

    languages: str = option("en,fr", "ISO 639-1 codes of the served languages, by comma")
    default_language: str = option(
        "en", "served language taken where neither text nor conversation tells one"
    )


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    return run(PROG, build, argv, environ)


def build(
    argv: Sequence[str],
    environ: Mapping[str, str],
    progress: Progress = show_nothing,
    shared: Shared | None = None,
) -> tuple[Detector, DetectorSettings]:
    """A detector that is not loaded yet; it has nothing to share. Raises OptionError."""
    settings = read_settings(DetectorSettings, argv, environ, PROG, __doc__ or "")
    languages = read_languages(settings.languages)
    if settings.default_language not in languages:
        raise OptionError(
            f"--default_language: {settings.default_language!r} is not among --languages "
            f"{settings.languages}"
        )
    return Detector(settings.model_name, languages, settings.default_language), settings


def read_languages(text: str) -> tuple[str, ...]:
    """The codes of a comma list. Raises OptionError for an unknown, empty or repeated one."""
    known = {language.iso_code_639_1.name.lower(): language.name for language in Language.all()}
    codes = tuple(code.strip() for code in text.split(","))
    for code in codes:
        if code not in known:
            raise OptionError(f"--languages: {code!r} is no known language{_hint(code, known)}")
        if codes.count(code) > 1:
            raise OptionError(f"--languages: {code!r} stands there twice")
    return codes


def _hint(text: str, known: Mapping[str, str]) -> str:
    """The code that was meant: another code of the language, its name, or the nearest spelling."""
    code = _standard_code(text)
    if code not in known:
        spelled = {**{name.lower(): code for code, name in known.items()}, **{c: c for c in known}}
        near = find_nearest(text, spelled, cutoff=0.5)
        if near is None:
            return f"; known are {', '.join(sorted(known))}"
        code = spelled[near]
    return f"; did you mean {code!r} ({known[code].title()})?"


def _standard_code(text: str) -> str:
    """The shortest code of a language that has this code or, in any language, this name."""
    try:
        language = langcodes.Language.get(text)
    except LanguageTagError:
        try:
            language = langcodes.find(text)
        # The names are in a package that an image may leave out.
        except (ImportError, LookupError):
            return ""
    return language.prefer_macrolanguage().language or ""


if __name__ == "__main__":
    sys.exit(main())
