"""Where a client calls and as whom: gateways that route by host name, headers, keys, TLS."""

import gzip
import ssl

import pytest

from graph.asgi import Answer, send_answer
from graph.calling.endpoint import Endpoint
from graph.client import AsyncChatClient, ChatClient
from graph.errors import NotReached, NotReady, NotTrusted, SpecError, StepError
from graph.local.app import app_of
from graph.turn.limits import INNER_LIMITS
from tests.awaited import Awaited
from tests.certificates import certificate
from tests.conftest import served
from tests.fakes import embedded_graph, predictors

NAME = "chat.parley.example.com"


class Gateway:
    """Leads one host name to a graph, and answers every other as Envoy does: 404 and no body."""

    def __init__(self, app, name=NAME):
        self.app = app
        self.name = name
        self.headers = {}
        self.paths = []

    async def __call__(self, scope, receive, send):
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.paths.append(scope["path"])
        if self.headers["host"] == self.name:
            await self.app(scope, receive, send)
        else:
            await send_answer(send, Answer(404))


@pytest.fixture(scope="module")
def graph():
    return app_of(embedded_graph(predictors()))


@pytest.fixture(params=["sync", "async"])
def make(request):
    """Makes clients of each kind, with the same methods."""
    if request.param == "sync":
        return ChatClient
    return lambda *given, **named: Awaited(AsyncChatClient(*given, **named))


@pytest.mark.parametrize("named", [{"host": NAME}, {"headers": {"Host": NAME}}])
def test_behind_a_gateway_the_host_name_leads_to_the_graph(make, serve_app, graph, named):
    gateway = Gateway(graph)
    with make(serve_app(gateway), **named) as client:
        assert client.turn("Hello there").response == "You said: Hello there"
        [prediction] = client.predict("chat", [{"user_input": "Hello"}])
    assert prediction["response"] == "You said: Hello"
    assert gateway.paths == ["/", "/v1/models/chat:predict"]


def test_without_the_host_name_the_error_says_what_to_give(make, serve_app, graph):
    with make(serve_app(Gateway(graph))) as client:
        with pytest.raises(StepError, match=r"no route for this host name.*host=") as caught:
            client.turn("Hello there")
    assert caught.value.status == 404


def test_headers_and_the_key_are_sent_with_every_request(make, serve_app, graph):
    gateway = Gateway(graph)
    given = {"host": NAME, "headers": {"X-Team": "blue"}, "api_key": "secret"}
    with make(serve_app(gateway), **given) as client:
        client.turn("Hello there")
    assert gateway.headers["x-team"] == "blue"
    assert gateway.headers["authorization"] == "Bearer secret"
    assert gateway.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"headers": {"X Team": "blue"}}, "header 'x team': not the name of a header"),
        ({"headers": {"X-Team": "a\r\nb"}}, r"header x-team: 'a\\r\\nb' holds a character"),
        ({"headers": {"X-Team": "λ"}}, "header x-team: 'λ' holds a character"),
        ({"host": "a\n"}, "header host: .* holds a character"),
        ({"api_key": "secret\n"}, "header authorization: holds a character"),
        ({"verify": "none.pem"}, "none.pem: holds no certificates as PEM: No such file"),
        ({"cert": "none.pem"}, "none.pem: not a certificate and its key as PEM: No such file"),
        ({"cert": ("a.pem", "b.pem")}, "a.pem and b.pem: not a certificate"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_once_and_no_key_is_shown(make, given, problem):
    with pytest.raises(SpecError, match=problem) as caught:
        make("https://chat.example.com", **given)
    assert "secret" not in str(caught.value)


def test_a_file_that_holds_no_certificate_is_refused(make, tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text("none")
    with pytest.raises(SpecError, match="holds no certificates as PEM"):
        make("https://chat.example.com", verify=str(file))


@pytest.mark.parametrize(
    "url",
    ["chat.example.com", "ftp://x", "/path", "http://", "http://a:b", "http://a:99999", "http://["],
)
def test_what_is_no_url_is_refused(make, url):
    with pytest.raises(SpecError, match="not a URL; it starts with http"):
        make(url)


def test_an_endpoint_does_not_show_its_key():
    assert "secret" not in repr(Endpoint("http://x", api_key="secret"))


def test_the_name_of_a_predictor_stays_one_part_of_the_path():
    address = Endpoint("http://x/").address("a/../b?c#d")
    assert address == "http://x/v1/models/a%2F..%2Fb%3Fc%23d:predict"


def test_an_answer_that_only_says_where_to_ask_is_an_error_with_the_place(make, serve_app):
    async def moved(scope, receive, send):
        place = (b"location", b"https://chat.example.com/")
        await send_answer(send, Answer(301), [place])

    with make(serve_app(moved)) as client:
        with pytest.raises(StepError, match="moved to 'https://chat.example.com/'; ask there"):
            client.turn("Hello")


def test_a_gateways_own_words_are_told(make, serve_app):
    async def refusing(scope, receive, send):
        await send_answer(send, Answer(401, b"No API key\x1b[31m\nfound.", "text/plain"))

    with make(serve_app(refusing)) as client:
        with pytest.raises(StepError, match=r"answered 401: No API key\[31m found\.$") as caught:
            client.turn("Hello")
    assert caught.value.status == 401


def test_an_answer_that_grows_without_bound_is_given_up(make, serve_app):
    packed = gzip.compress(b" " * (INNER_LIMITS.body + 1), 1)

    async def bomb(scope, receive, send):
        await send_answer(send, Answer(200, packed), [(b"content-encoding", b"gzip")])

    with make(serve_app(bomb)) as client:
        with pytest.raises(StepError, match="an answer of over"):
            client.turn("Hello")


@pytest.fixture(scope="module")
def secured(graph, tmp_path_factory):
    """The URL of a gateway over TLS, and the file of its authority."""
    own, key = certificate(NAME, tmp_path_factory.mktemp("server"))
    with served(Gateway(graph), ssl_certfile=own, ssl_keyfile=key) as url:
        yield url, str(own)


def test_over_tls_the_certificate_is_that_of_the_host_name(make, secured):
    url, authority = secured
    with make(url, host=NAME, verify=authority) as client:
        assert client.turn("Hello there").response == "You said: Hello there"
    context = ssl.create_default_context(cafile=authority)
    with make(url, host=NAME, verify=context) as client:
        assert client.turn("Hello there").response == "You said: Hello there"


def test_a_certificate_that_nobody_vouches_for_is_refused(make, secured):
    url, authority = secured
    with make(url, host=NAME) as client:
        with pytest.raises(NotTrusted, match="is not trusted: self.signed certificate.*--ca"):
            client.turn("Hello there")
    with make(url, host="other.example.com", verify=authority) as client:
        with pytest.raises(NotTrusted, match="[Hh]ostname mismatch"):
            client.turn("Hello there")


def test_a_certificate_is_not_checked_where_that_is_asked_for(make, secured):
    with make(secured[0], host=NAME, verify=False) as client:
        assert client.turn("Hello there").response == "You said: Hello there"


def test_a_server_may_ask_for_the_clients_certificate(make, graph, tmp_path):
    own, key = certificate(NAME, tmp_path)
    mine, mine_key = certificate("client", tmp_path)
    asking = {"ssl_ca_certs": mine, "ssl_cert_reqs": ssl.CERT_REQUIRED}
    with served(Gateway(graph), ssl_certfile=own, ssl_keyfile=key, **asking) as url:
        given = {"host": NAME, "verify": str(own)}
        with make(url, **given, cert=(str(mine), str(mine_key))) as client:
            assert client.turn("Hello there").response == "You said: Hello there"
        # Python's server hangs up without the word that others send.
        with make(url, **given) as client, pytest.raises((NotTrusted, NotReady)):
            client.turn("Hello there")


def test_a_plain_server_at_an_https_url_is_told(make, serve_app, graph):
    url = serve_app(graph).replace("http:", "https:")
    with make(url, retries=0) as client:
        with pytest.raises((NotTrusted, NotReached), match="no connection by TLS|is it running"):
            client.turn("Hello")
