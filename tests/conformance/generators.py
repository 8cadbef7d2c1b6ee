"""Random graphs, services and requests: valid for the webhook, and otherwise as bad as can be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.conformance.exchange import Job, Reply, Request

_SERVICES = ("s0", "s1", "s2", "s3")
_KEYS = (
    "predictions",
    "instances",
    "PREDICTIONS",
    "Instances",
    "lang",
    "a",
    "b",
    "0",
    "",
    "é",
    "a.b",
)
_NUMBERS = (
    "0", "-0", "1", "1.0", "-0.0", "1.5", "1e3", "1e20", "1e21", "1e-6", "1e-7",
    "123456789012345678", "9007199254740993", "0.1", "1E+2", "2.5e-8", "1e400", "-1e400",
    "1e-400", "5e-324",
)  # fmt: skip
_STRINGS = (
    b"fr", b"en", b"", b"true", b"1", "é".encode(), b"<b>&", b"\\u00e9", b"\\ud83d\\ude00",
    b"\\ud800", b"\\ud800\\u0041", "\u2028".encode(), b"\\b\\f\\n\\r\\t\\/", b"\xff", b"\xe2\x82",
    b"\x7f", b"{", b"[1", "😀".encode(), b"\\u0000", b'\\"',
)  # fmt: skip
_NOT_JSON = (
    b"", b" ", b"pong", b"<html><p>", b"01", b"{", b'{"a":1}{}', b"NaN", b"\xef\xbb\xbf{}",
    b'{"a":1,}', b'["a', b'"\x01"', b"{'a':1}", b"\x89PNG\r\n\x1a\n", b"%PDF-1.4", b"[1 2]",
    b'{"a" 1}', b"tru", b"-", b"1.", b"1e", b'"\\x"', b'"\\u00g0"', b'{"a":1]', b"[1}", b'{1:2}',
    b"\xff", b"nul\x80", b"[\xc3\xa9]",
)  # fmt: skip
_CONDITIONS = (
    "predictions", "instances", "lang", "a", "missing", 'predictions.#(lang=="fr")',
    "predictions.0", "instances.#", "predictions.#.lang", "{ .input.userId == 1 }", "[missing]",
    "@this", "@keys", "a.b", r"a\.b", "predictions.#(==1)", "instances.#(a>0)#", "..#", "!true",
    'lang=="fr"', "*", "0", "pre*",
)  # fmt: skip
_PATHS = (
    "/",
    "/v1/models/x:predict",
    "/a/b?c=d",
    "//a",
    "/a/../b",
    "/a/./",
    "/readyz",
    "/readyz/",
    "/%2e/x",
)
_HEADERS = (("X-Request-Id", "1"), ("x-a", "é"), ("Authorization", "secret"), ("X-A", "2"))
_PROPAGATE = (None, None, None, "", "X-.*", "x-.*", "Request,[,^X-A$")


@st.composite
def json_texts(draw: st.DrawFn, depth: int = 0) -> bytes:
    """JSON as a service may write it: odd numbers and strings, repeated keys, white space."""
    kind = draw(st.integers(0, 9 if depth < 3 else 3))
    space = draw(st.sampled_from((b"", b"", b" ", b"\n")))
    if kind == 0:
        return draw(st.sampled_from((b"null", b"true", b"false")))
    if kind == 1:
        return draw(st.sampled_from(_NUMBERS)).encode()
    if kind <= 3:
        return b'"' + draw(st.sampled_from(_STRINGS)) + b'"'
    inner = draw(st.lists(json_texts(depth + 1), max_size=3))
    if kind <= 5:
        return b"[" + space + (b"," + space).join(inner) + b"]"
    keys = [draw(st.sampled_from(_KEYS)).encode() for _ in inner]
    pairs = (b'"' + key + b'":' + space + value for key, value in zip(keys, inner, strict=True))
    return b"{" + space + (b"," + space).join(pairs) + b"}"


def objects() -> st.SearchStrategy[bytes]:
    """What services mostly answer: an object with predictions or instances."""
    lists = st.lists(json_texts(2), max_size=3).map(lambda items: b"[" + b",".join(items) + b"]")
    names = st.sampled_from((b"predictions", b"instances", b"PREDICTIONS", b"predictions"))
    pairs = st.tuples(names, lists | json_texts(2))
    return st.lists(pairs, min_size=1, max_size=2).map(
        lambda found: b"{" + b",".join(b'"%s":%s' % pair for pair in found) + b"}"
    )


def bodies() -> st.SearchStrategy[bytes]:
    large = json_texts(2).map(lambda text: b'{"predictions":[' + b",".join([text] * 900) + b"]}")
    return st.one_of(objects(), objects(), json_texts(), st.sampled_from(_NOT_JSON), large)


def replies() -> st.SearchStrategy[Reply]:
    statuses = st.sampled_from((200, 200, 200, 200, 201, 204, 304, 400, 404, 500, 503, 599))
    answers = st.builds(Reply, status=statuses, body=bodies()).map(
        lambda reply: Reply(reply.status) if reply.status in (204, 304) else reply
    )
    faults = st.sampled_from(
        (Reply(raw=b""), Reply(raw=b"HTTP/1.1 is not\r\n\r\n"), Reply(body=b"{}", promise=9))
    )
    return st.one_of(answers, answers, answers, answers, answers, faults)


@st.composite
def _steps(draw: st.DrawFn, later: list[str], router_type: str) -> dict[str, Any]:
    step: dict[str, Any] = {}
    if later and draw(st.integers(0, 9)) < 4:
        step["nodeName"] = draw(st.sampled_from([*later, *later, *later, "ghost"]))
    else:
        host = draw(st.sampled_from(("$service",) * 15 + ("$refused",)))
        step["serviceUrl"] = f"http://{host}/{draw(st.sampled_from(_SERVICES))}"
    optional: dict[str, st.SearchStrategy[Any]] = {
        "data": st.sampled_from(("$request", "$response", "$response", "$response.predictions")),
        "condition": st.sampled_from(_CONDITIONS),
        "dependency": st.sampled_from(("Soft", "Hard", "Hard")),
        "mapPredictionsToInstances": st.booleans(),
    }
    wanted = {"condition": 8 if router_type == "Switch" else 2}
    for key, values in optional.items():
        if draw(st.integers(0, 9)) < wanted.get(key, 5):
            step[key] = draw(values)
    return step


@st.composite
def _nodes(draw: st.DrawFn, later: list[str]) -> dict[str, Any]:
    kinds = ("Sequence", "Sequence", "Sequence", "Switch", "Switch", "Ensemble", "Splitter")
    router_type = draw(st.sampled_from(kinds))
    least = 1 if router_type == "Splitter" else 0
    steps = draw(st.lists(_steps(later, router_type), min_size=least, max_size=4))
    names = draw(st.lists(st.sampled_from(("x", "1", "é", "a<b", "0")), unique=True, max_size=2))
    for step, name in zip(steps, names, strict=False):
        step["name"] = name
    if router_type == "Splitter":
        shares = draw(st.sampled_from(((100,), (0, 100), (100, 0), (150, -50), (50, 50))))
        steps = (steps * len(shares))[: len(shares)]
        steps = [{**step, "weight": share} for step, share in zip(steps, shares, strict=True)]
        for step in steps[1:]:
            step.pop("name", None)
    return {"routerType": router_type, "steps": steps}


def requests() -> st.SearchStrategy[Request]:
    return st.builds(
        Request,
        body=bodies(),
        method=st.sampled_from(("POST",) * 8 + ("GET", "PUT", "HEAD", "DELETE")),
        path=st.sampled_from(("/",) * 6 + _PATHS),
        headers=st.lists(st.sampled_from(_HEADERS), max_size=3).map(tuple),
    )


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    names = ["root", "n1", "n2", "n3", "n4"][: draw(st.integers(1, 5))]
    drawn = {name: draw(_nodes(names[index + 1 :])) for index, name in enumerate(names)}
    nodes = {name: drawn[name] for name in _reachable(drawn, "root")}
    # Branches that run side by side would take the replies of one service in any order.
    alone = all(node["routerType"] != "Ensemble" for node in nodes.values())
    scripts = st.lists(replies(), min_size=1, max_size=2 if alone else 1).map(tuple)
    return Job(
        nodes,
        {name: draw(scripts) for name in _SERVICES},
        tuple(draw(st.lists(requests(), min_size=1, max_size=3))),
        propagate=draw(st.sampled_from(_PROPAGATE)),
    )


def _reachable(nodes: dict[str, Any], name: str) -> list[str]:
    """The names of a node and of those that its steps lead to, each once."""
    found = [name]
    for step in nodes[name]["steps"]:
        if step.get("nodeName") in nodes:
            found += _reachable(nodes, step["nodeName"])
    return list(dict.fromkeys(found))
