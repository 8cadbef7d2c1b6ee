"""Parts of the page by themselves, in a browser: events, Markdown, labels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import served
from tests.graph.gateway.page.scene import Scene

STREAM = (
    ': a remark\r\ndata: {"a": "Bon"}\r\n\r\ndata: one\ndata:two 😀\n\nevent: x\nid: 3\n\n'
    "data\n\ndata: last\r\rdata: never ended"
)
HOSTILE = """<script>alert(1)</script> <img src=x onerror=alert(1)>
[here](javascript:alert(1)) [there](data:text/html,x) [odd](https://%zz/"><b>) <https://a.b>

```html
<b>bold</b>
```
| <i> | b |
|--|--|
| <svg onload=alert(1)> | `<u>` |
"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    with served(Scene()) as url:
        page = browser.new_page()
        page.goto(f"{url}/")
        yield page
        page.close()


def run(page: Any, module: str, work: str, value: object = None) -> Any:
    """What `work(module, value)` gives in the browser."""
    script = f"async value => ({work})(await import('/static/{module}.js'), value)"
    return page.evaluate(script, value)


def blocks(page: Any, text: str) -> str:
    """The HTML of a text."""
    work = """(markdown, text) => {
      const root = document.createElement("div");
      new markdown.Rendered(root, () => []).show(text);
      return root.innerHTML;
    }"""
    html: str = run(page, "markdown", work, text)
    return html


def test_events_are_read_however_they_are_cut(page: Any) -> None:
    work = """({ EventReader }, text) => {
      const read = (parts) => parts.flatMap(((reader) => (p) => reader.feed(p))(new EventReader()));
      const found = [read([text]), read([...text])];
      for (let i = 0; i <= text.length; i++) for (let k = i; k <= text.length; k += 7)
        found.push(read([text.slice(0, i), text.slice(i, k), text.slice(k)]));
      return [...new Set(found.map((each) => JSON.stringify(each)))];
    }"""  # fmt: skip
    [only] = run(page, "events", work, STREAM)
    assert json.loads(only) == ['{"a": "Bon"}', "one\ntwo 😀", "", "last"]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("one\ntwo\n\nthree", '<p dir="auto">one\ntwo</p><p dir="auto">three</p>'),
        ("## Title", '<p dir="auto" class="heading">Title</p>'),
        ("a **b** *c* _d_ `e*`", "a <strong>b</strong> <em>c</em> <em>d</em> <code dir=\"ltr\">e*"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("- a\n- b\n  - c\n\nd", '<ul dir="auto"><li dir="auto">c</li></ul></li></ul><p'),
        ("3. a\n4. b", '<ol dir="auto" start="3"><li dir="auto">a</li><li dir="auto">b</li></ol>'),
        ("> a\n> b", '<blockquote><p dir="auto">a\nb</p></blockquote>'),
        ("---", "<hr>"),
        ("a | b\n--|--\n1 | 2", '<td dir="auto">1</td><td dir="auto">2</td>'),
        ("~~~py\nx = 1\n\n# y", '<code>x = 1\n\n# y</code>'),
        ("see https://a.b/c(d), or", 'href="https://a.b/c(d" '),
        ("[x](http://a.b)", 'rel="noopener noreferrer nofollow">x</a>'),
    ],
)  # fmt: skip
def test_markdown_as_models_write_it_keeps_its_shape(page: Any, text: str, html: str) -> None:
    assert html in blocks(page, text)


def test_no_text_becomes_markup_or_a_script(page: Any) -> None:
    work = """(markdown, text) => {
      const root = document.createElement("div");
      new markdown.Rendered(root, () => []).show(text);
      const all = [...root.querySelectorAll("*")];
      return { text: root.textContent, names: all.map((e) => e.localName),
        links: all.filter((e) => e.href !== undefined).map((e) => e.href) };
    }"""
    found = run(page, "markdown", work, HOSTILE)
    assert not {"script", "img", "svg", "b", "i", "u"} & set(found["names"])
    assert found["links"] == ["https://a.b/"]
    for shown in ("<script>alert(1)</script>", "<b>bold</b>", "<svg onload=alert(1)>"):
        assert shown in found["text"]


@pytest.mark.parametrize(
    "text", ["`" * 40_000, "[" * 40_000, "*a" * 20_000, "_a" * 20_000, "|-" * 20_000, " " * 40_000,
             "a|\n" + " " * 40_000, "# " + "# " * 20_000, "- " * 20_000, "> " * 20_000,
             "\n".join(" " * i + "- a" for i in range(250))],
)  # fmt: skip
def test_no_text_takes_long(page: Any, text: str) -> None:
    """The browser's own limit ends the test where it would."""
    assert blocks(page, text) or not text.strip()


def test_a_text_that_grows_keeps_what_is_already_shown(page: Any) -> None:
    work = """(markdown) => {
      const root = document.createElement("div");
      const shown = new markdown.Rendered(root, () => []);
      shown.show("one\\n\\ntw");
      const [first] = root.children;
      shown.show("one\\n\\ntwo\\n\\n- three");
      return [root.firstElementChild === first, root.textContent];
    }"""
    assert run(page, "markdown", work) == [True, "onetwothree"]


def test_every_language_has_every_label(page: Any) -> None:
    work = """async (labels) => {
      const all = await Promise.all(["english", "french", "italian"].map(
        async (name) => Object.values(await import(`/static/${name}.js`))[0]));
      const values = (text) => (text.match(/\\{\\w+\\}/g) ?? []).sort().join();
      return all.map((texts) => Object.entries(texts).map(([key, text]) => key + values(text)));
    }"""
    english, french, italian = run(page, "labels", work)
    assert english == french == italian


def test_every_reason_has_a_sentence(page: Any) -> None:
    from graph.turn.degradation import Reason

    labels = run(page, "english", "(module) => Object.keys(module.ENGLISH)")
    assert set(Reason) <= set(labels)


def test_what_was_guessed_is_never_called_certain(page: Any) -> None:
    work = "({ Labels }) => [0.9999, 1, 0.5, 0].map((x) => new Labels(['en']).percent(x))"
    assert run(page, "labels", work) == ["99%", "100%", "50%", "0%"]
