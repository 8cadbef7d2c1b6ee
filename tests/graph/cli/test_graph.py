"""`parley graph` as it is called: what it prints where, and its exit codes."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graph.cli.main import main

ROOT = Path(__file__).parents[3]
SERVICE = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "chat"},
    "spec": {"predictor": {}},
}
STEP = {"serviceName": "chat", "dependency": "Hard", "mapPredictionsToInstances": True}


def graph(*steps: dict[str, Any], **spec: Any) -> dict[str, Any]:
    nodes = {"root": {"routerType": "Sequence", "steps": list(steps)}}
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "InferenceGraph",
        "metadata": {"name": "g"},
        "spec": {"nodes": nodes, "routerTimeouts": {"serviceClient": 10}} | spec,
    }


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write_file(name: str, *documents: Any) -> str:
        path = tmp_path / name
        path.write_text("\n---\n".join(map(json.dumps, documents)), encoding="utf-8")
        return str(path)

    return write_file


def test_lint_of_a_correct_file(write: Any, capsys: Any) -> None:
    assert main(["graph", "lint", write("g.yaml", graph(STEP), SERVICE)]) == 0
    assert capsys.readouterr() == ("nothing found\n", "")


def test_lint_sees_the_services_of_all_files(write: Any, capsys: Any) -> None:
    files = [write("g.yaml", graph(STEP)), write("s.yaml", SERVICE)]
    assert main(["graph", "lint", *files]) == 0
    assert main(["graph", "lint", "--strict", files[0]]) == 1
    assert "g: root: steps[0]: warning [unknown-service]" in capsys.readouterr().out


def test_lint_takes_a_service_that_runs_elsewhere(write: Any, capsys: Any) -> None:
    file = write("g.yaml", graph(STEP))
    assert main(["graph", "lint", "--strict", file, "--service", "chat=http://x"]) == 0
    assert main(["graph", "lint", file, "--service", "chatt=http://x"]) == 2
    assert 'no graph calls it; did you mean "chat"?' in capsys.readouterr().err


def test_lint_of_a_file_with_an_error(write: Any, capsys: Any) -> None:
    file = write("g.yaml", graph(STEP, {"nodeName": "rot", "data": "$response"}), SERVICE)
    assert main(["graph", "lint", file]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"{file}: g: root: steps[1]: error [dangling-node]\n")
    assert out.endswith("1 error\n")
    assert main(["graph", "lint", "-o", "json", file]) == 1
    (finding,) = json.loads(capsys.readouterr().out)
    assert finding["rule"] == "dangling-node"
    assert set(finding) == {
        "file", "graph", "node", "step", "rule", "severity", "problem", "fix",
    }  # fmt: skip


def test_lint_reports_what_the_webhook_refuses(write: Any, capsys: Any) -> None:
    nodes = {"rot": {"routerType": "Sequence", "steps": [STEP]}}
    file = write("g.yaml", graph(nodes=nodes), SERVICE)
    assert main(["graph", "lint", file]) == 1
    assert "[no-root]" in capsys.readouterr().out
    assert main(["graph", "show", file]) == 2
    assert "root node not found" in capsys.readouterr().err


def test_lint_tries_conditions_on_examples(write: Any, capsys: Any) -> None:
    file = write("g.yaml", graph(STEP, {**STEP, "condition": "lang"}), SERVICE)
    example = write("e.json", {"language": "fr"})
    assert main(["graph", "lint", file, "--example", example]) == 1
    assert f"'lang' holds on none of {example}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["lint", "/no/such.yaml"], "parley: /no/such.yaml: No such file or directory"),
        (["lint", "{service}"], "parley: {service}: no InferenceGraph to lint"),
        (["lint", "{graph}", "--example", "{broken}"],
         "parley: {broken}: not JSON; an example is the body of a request or an answer"),
        (["show", "{service}"],
         "parley: {service}: holds no InferenceGraph; name a file with one"),
        (["show", "{graph}", "--graph", "h"], 'parley: {graph}: holds no InferenceGraph "h"'),
        (["show", "{graph}", "--trace", "/no/such.json"],
         "parley: /no/such.json: No such file or directory"),
        (["show", "{graph}", "--trace", "{broken}", "--stub", "chatt=x"],
         'parley: the graph calls no service "chatt"; did you mean "chat"?'),
        (["serve", "{graph}"],
         'parley: {graph}: serviceName "chat" is not defined in the file; '
         "give its URL with --service chat=http://..."),
        (["serve", "{graph}", "--service", "chatt=http://x"],
         'parley: --service chatt: the graph has no such serviceName; did you mean "chat"?'),
        (["test", "{graph}", "{broken}"], "parley: {broken}: not YAML: "),
        (["show", "{broken}"], "parley: {broken}: not YAML: "),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], line: str, write: Any, tmp_path: Path, capsys: Any
) -> None:
    names = {"graph": write("g.yaml", graph(STEP)), "service": write("s.yaml", SERVICE)}
    names["broken"] = str(tmp_path / "broken")
    Path(names["broken"]).write_text("{[")
    assert main(["graph", *(argument.format(**names) for argument in arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(line.format(**names))
    assert err.count("\n") == 1


def test_wrong_usage_is_exit_code_2(write: Any, capsys: Any) -> None:
    file = write("g.yaml", graph(STEP))
    assert main(["graph", "show", file, "--service", "chat=http://x"]) == 2
    assert main(["graph", "serve", file, "--service", "chat"]) == 2
    assert main(["graph", "nosuch"]) == 2
    assert "NAME=VALUE" in capsys.readouterr().err


def test_show_draws_the_graph(write: Any, capsys: Any) -> None:
    assert main(["graph", "show", write("g.yaml", graph(STEP))]) == 0
    assert capsys.readouterr().out.startswith("flowchart TD\n")


def test_show_traces_a_request_through_stubs(write: Any, capsys: Any) -> None:
    file = write("g.yaml", graph(STEP))
    arguments = ["--trace", write("r.json", {"predictions": [1]})]
    assert main(["graph", "show", file, *arguments]) == 0
    assert 'received  {"instances":[1]}' in capsys.readouterr().out
    stub = ["--stub", f"chat={write('a.json', {'a': 1})}", "-o", "json"]
    assert main(["graph", "show", file, *arguments, *stub]) == 0
    tree = json.loads(capsys.readouterr().out)
    half = ["--trace", write("half.json", "\ud800"), "-o", "json"]
    assert main(["graph", "show", file, *half]) == 0
    assert '"received": "\\ud800"' in capsys.readouterr().out
    assert tree["answer"] == {"status": 200, "content_type": "application/json", "body": {"a": 1}}


def test_test_says_which_cases_pass(write: Any, capsys: Any) -> None:
    file = write("g.yaml", graph(STEP))
    good = {"name": "good", "request": {}, "expect": {"path": ["chat"], "status": 200}}
    bad = {"name": "bad", "request": {}, "expect": {"status": 500}}
    assert main(["graph", "test", file, write("good.yaml", [good])]) == 0
    assert capsys.readouterr().out == "ok      good\n1 passed, 0 failed\n"
    both = write("both.yaml", [good, bad])
    assert main(["graph", "test", file, both]) == 1
    assert capsys.readouterr().out == (
        "ok      good\nFAILED  bad\n        status: 200, expected 500\n1 passed, 1 failed\n"
    )
    assert main(["graph", "test", file, both, "-o", "json"]) == 1
    results = json.loads(capsys.readouterr().out)
    assert [result["passed"] for result in results] == [True, False]


def test_serve_serves_a_graph_and_calls_its_services(write: Any) -> None:
    """Two real servers: one graph calls the other as its service."""
    inner = write("inner.yaml", graph({"serviceUrl": "http://127.0.0.1:1/x"}))
    with subprocess.Popen(serve(inner), stderr=subprocess.PIPE, text=True) as service:
        url = f"chat=http://127.0.0.1:{port_of(service)}/"
        outer = write("outer.yaml", graph(STEP))
        command = serve(outer, "--service", url)
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            status, body = post(port_of(process), b"{}")
            stop(process)
        stop(service)
    assert status == 500
    assert json.loads(body)["cause"].endswith("connect: connection refused")


def test_serve_says_that_a_port_is_taken(write: Any) -> None:
    file = write("g.yaml", graph({"serviceUrl": "http://127.0.0.1:1/x"}))
    with subprocess.Popen(serve(file), stderr=subprocess.PIPE, text=True) as process:
        port = str(port_of(process))
        second = subprocess.run(
            serve(file)[:-1] + [port], capture_output=True, text=True, check=False
        )
        stop(process)
    assert (second.returncode, second.stdout) == (1, "")
    line = rf"parley: port {port} on 127\.0\.0\.1 is in use; choose another one\n"
    assert re.fullmatch(line, second.stderr)


def test_the_readme_names_every_command_and_option(capsys: Any) -> None:
    readme = (ROOT / "graph" / "README.md").read_text(encoding="utf-8")
    for command in ("serve", "lint", "show", "test"):
        assert f"parley graph {command}" in readme
    for option in ("--port", "--service", "--max-body", "--example", "--strict", "--trace"):
        assert option in readme
    for option in ("--stub", "-o json", "--graph"):
        assert option in readme


def test_the_first_graph_of_the_readme_is_correct_and_its_case_passes(
    write: Any, tmp_path: Path, capsys: Any
) -> None:
    readme = (ROOT / "graph" / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## A first graph")[2].partition("\n## ")[0]
    graph_text, cases_text = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    (tmp_path / "triage.yaml").write_text(graph_text)
    (tmp_path / "cases.yaml").write_text(cases_text)
    file, cases = str(tmp_path / "triage.yaml"), str(tmp_path / "cases.yaml")
    assert main(["graph", "lint", "--strict", file]) == 0
    assert main(["graph", "test", file, cases]) == 0
    for line in capsys.readouterr().out.splitlines():
        assert f"\n{line}\n" in section
    assert main(["graph", "show", file]) == 0
    assert "by-topic<br/>Switch" in capsys.readouterr().out
    (tmp_path / "triage.yaml").write_text(graph_text.replace("data: $response ", ""))
    main(["graph", "lint", file])
    assert "[answer-unused]" in capsys.readouterr().out
    assert main(["graph", "test", file, cases]) == 1


def serve(file: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "graph.cli.main", "graph", "serve", file, *more, "--port", "0"]


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stderr is not None
    return int(process.stderr.readline().rpartition(":")[2])


def post(port: int, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/", body)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response.status, answer


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    process.wait(timeout=20)
