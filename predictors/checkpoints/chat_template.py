"""A checkpoint's own chat template: messages to the text that the model reads.

The template comes with the weights, so it is a stranger's program: it runs in jinja2's sandbox and
sees plain texts. The names that it may use are those of transformers' `apply_chat_template`; tools
and documents are not passed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graph.errors import EngineError, ModelError
from predictors.engine import Message


@dataclass(frozen=True)
class ChatTemplate:
    """source: in Jinja.  special_tokens: by the names that the source calls them, as bos_token."""

    source: str
    special_tokens: Mapping[str, str]


class ChatTemplateRenderer:
    """Writes messages as a checkpoint's chat template says."""

    def __init__(self, template: ChatTemplate, model: str) -> None:
        """Raises ModelError for a template that is not Jinja."""
        import jinja2
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[_generation_tag(), "jinja2.ext.loopcontrols"],
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = _now
        self._model = model
        self._tokens = dict(template.special_tokens)
        self._error = jinja2.TemplateError
        try:
            self._template = environment.from_string(template.source)
        except jinja2.TemplateError as err:
            raise ModelError(f"{model}: its chat template is not Jinja: {err}") from err

    def render(self, messages: Sequence[Message]) -> str:
        """The text, up to where the model's answer begins. Raises EngineError when it refuses."""
        plain = [{"role": message.role, "content": message.content} for message in messages]
        try:
            return self._template.render(
                messages=plain,
                tools=None,
                documents=None,
                add_generation_prompt=True,
                **self._tokens,
            )
        except (self._error, TypeError, ValueError, KeyError) as err:
            reason = (str(err).strip().splitlines() or [type(err).__name__])[0]
            raise EngineError(f"{self._model}: its chat template refuses this: {reason}") from err


def _generation_tag() -> Any:
    """`{% generation %}` marks what an assistant said, for training; here it changes nothing."""
    from jinja2 import nodes
    from jinja2.ext import Extension
    from jinja2.parser import Parser

    class GenerationTag(Extension):
        tags = {"generation"}

        def parse(self, parser: Parser) -> list[nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    return GenerationTag


def _refuse(message: str) -> None:
    import jinja2

    raise jinja2.TemplateError(message)


def _to_json(value: Any, ensure_ascii: bool = False, **layout: Any) -> str:
    # jinja2's own would escape what is special in HTML.
    return json.dumps(value, ensure_ascii=ensure_ascii, **layout)


def _now(layout: str) -> str:
    return datetime.now().strftime(layout)
