"""How the commands that talk reach a graph elsewhere: by which name, as whom, over which TLS."""

import pytest

from graph.cli.main import main
from graph.local.app import app_of
from tests.certificates import certificate
from tests.conftest import served
from tests.fakes import embedded_graph, predictors
from tests.graph.calling.test_endpoint import NAME, Gateway
from tests.graph.cli.test_main import parley


@pytest.fixture(scope="module")
def gateway():
    return Gateway(app_of(embedded_graph(predictors())))


@pytest.fixture(scope="module")
def url(gateway):
    with served(gateway) as url:
        yield url


def test_ask_reaches_a_graph_behind_a_gateways_address(url, gateway, capsys):
    given = ["--host", NAME, "--header", "x-team: blue", "--api-key", "secret"]
    assert main(["ask", "Hello there", "--url", url, *given]) == 0
    assert capsys.readouterr().out == "You said: Hello there\n"
    assert gateway.headers["x-team"] == "blue"
    assert gateway.headers["authorization"] == "Bearer secret"


def test_chat_reaches_it_too(url):
    result = parley("chat", "--url", url, "--host", NAME, stdin="Hello there\n")
    assert (result.returncode, result.stdout) == (0, "[en] You said: Hello there\n")


def test_the_key_may_come_from_the_environment_and_no_message_shows_it(
    url, gateway, capsys, monkeypatch
):
    monkeypatch.setenv("PARLEY_API_KEY", "secret")
    assert main(["ask", "Hello there", "--url", url, "--host", NAME]) == 0
    assert gateway.headers["authorization"] == "Bearer secret"
    monkeypatch.setenv("PARLEY_API_KEY", "secret\n")
    assert main(["ask", "Hello there", "--url", url, "--host", NAME]) == 2
    assert "secret" not in capsys.readouterr().err


def test_without_the_host_name_the_error_names_the_option(url, capsys):
    assert main(["ask", "Hello there", "--url", url]) == 1
    assert "give the host name (host=, --host)" in capsys.readouterr().err


def test_over_tls_the_authority_is_named_or_nothing_is_checked(gateway, capsys, tmp_path):
    own, key = certificate(NAME, tmp_path)
    with served(gateway, ssl_certfile=own, ssl_keyfile=key) as url:
        ask = ["ask", "Hello there", "--url", url, "--host", NAME]
        assert main([*ask, "--ca", str(own)]) == 0
        assert main([*ask, "--insecure"]) == 0
        assert main(ask) == 1
    assert "its certificate is not trusted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "chat.example.com"], "--host needs --url"),
        (["--header", "a: b"], "--header needs --url"),
        (["--insecure"], "--insecure needs --url"),
        (["-n", "parley"], "--namespace needs --cluster"),
        (
            ["--url", "http://x", "--cluster"],
            "give one of a file, --url (or PARLEY_URL) and --cluster",
        ),
        (["--cluster", "--kubeconfig", "none"], "none is not there"),
        (["--url", "http://x", "--header", "x-team"], "write NAME:VALUE"),
        (["--url", "http://x", "--header", "x team: blue"], "not the name of a header"),
        (["--url", "https://x", "--ca", "none.pem"], "none.pem: holds no certificates"),
        (["--url", "https://x", "--ca", "a.pem", "--insecure"], "not both"),
        (["--url", "x"], "x: not a URL"),
        (["--url", "http://x", "--file", "a.yaml"], "give one of"),
    ],
)
def test_options_that_cannot_be_are_wrong_usage(options, words, capsys):
    assert main(["ask", "Hello", *options]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
