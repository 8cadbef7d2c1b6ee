"""`parley graph`: serve, lint, show, trace and test any InferenceGraph.

Exit codes: 0 ok, 1 a finding that is an error or a case that failed, 2 wrong usage or file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from graph.cli.exits import FAILED
from graph.cli.output import Output, note, say_json
from graph.cli.tracing import trace as trace_live
from graph.errors import SpecError
from graph.spec.load import choose_graph, load_objects
from graph.spec.model import Objects
from graph.spec.sources import read_manifests, read_source

app = typer.Typer(
    help="Serve, lint, show and test any InferenceGraph without a cluster; trace one on a cluster.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 ok, 1 failed or found errors, 2 wrong usage or file.",
)


File = Annotated[
    str, typer.Argument(help="YAML with an InferenceGraph, or a kustomize folder; - reads stdin.")
]
Name = Annotated[
    str | None, typer.Option("--graph", help="Name of the graph, where the file has several.")
]
Services = Annotated[
    list[str] | None,
    typer.Option("--service", help="NAME=URL, where a service runs; may be repeated."),
]
Format = Annotated[Output, typer.Option("--output", "-o", help="Text for people, or json.")]


@app.command()
def serve(
    file: File,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    name: Name = None,
    service: Services = None,
    max_body: Annotated[int, typer.Option(help="Bytes a request may have.")] = 16 << 20,
) -> None:
    """Serve the graph as KServe's router does, over HTTP.

    serviceUrl steps are called as they stand, serviceName steps at the URL that --service gives
    them, else at the address that they have inside a cluster when the file defines them.
    PROPAGATE_HEADERS chooses the headers that are passed on, as it does for KServe's router.

    Example: parley graph serve graph.yaml --service chat=http://127.0.0.1:9000
    """
    from graph.router.serve import serve_graph, service_urls

    objects = _load(file)
    graph = choose_graph(objects, file, name)
    given = _pairs("--service", service)
    urls = service_urls(graph, objects.services, given)
    for service_name in sorted(urls.keys() - given.keys()):
        note(f"{service_name} is called inside the cluster, at {urls[service_name]}")
    serve_graph(graph, urls, host, port, max_body, note)


@app.command()
def lint(
    files: Annotated[
        list[str], typer.Argument(help="YAML files or kustomize folders; - reads stdin.")
    ],
    example: Annotated[
        list[str] | None,
        typer.Option(help="JSON body that passes through the graph, to try the conditions on."),
    ] = None,
    service: Services = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    output: Format = Output.TEXT,
) -> None:
    """Find what is wrong with the graphs of the files, before a cluster does.

    Example: parley graph lint manifests/base/*.yaml --strict
    """
    from graph.lint.findings import Severity
    from graph.lint.report import describe, lint_objects, read_examples

    loaded = [_load(file, admit=False) for file in files]
    if not any(objects.graphs for objects in loaded):
        raise SpecError(f"{', '.join(files)}: no InferenceGraph to lint")
    findings = lint_objects(loaded, read_examples(example or []), _pairs("--service", service))
    if output is Output.JSON:
        say_json([asdict(finding) for finding in findings])
    else:
        print(describe(findings))
    if findings and (strict or any(f.severity is Severity.ERROR for f in findings)):
        raise typer.Exit(FAILED)


@app.command()
def show(
    file: File,
    name: Name = None,
    trace: Annotated[
        str | None, typer.Option(help="File with a request's body: walk the graph with it.")
    ] = None,
    service: Services = None,
    stub: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FILE, the body that a played service answers; may be repeated."),
    ] = None,
    output: Format = Output.TEXT,
) -> None:
    """Draw the graph as Mermaid text, or trace one request through it.

    While tracing, a service with neither --service nor --stub answers with the instances that it
    received, as predictions.

    Example: parley graph show graph.yaml --trace request.json
    """
    from graph.picture import describe_walk, draw, walk_as_dict
    from graph.testing.tracing import trace_request

    graph = choose_graph(_load(file), file, name)
    if trace is None:
        if service or stub or output is Output.JSON:
            raise typer.BadParameter("--service, --stub and -o json need --trace")
        print(draw(graph))
        return
    visits, answer = trace_request(
        graph, trace, _pairs("--service", service), _pairs("--stub", stub)
    )
    if output is Output.JSON:
        say_json(walk_as_dict(visits, answer))
    else:
        print(describe_walk(visits, answer))


app.command("trace")(trace_live)


@app.command("test")
def test_cases(
    file: File,
    cases: Annotated[str, typer.Argument(help="YAML with golden cases; see graph/README.md.")],
    name: Name = None,
    output: Format = Output.TEXT,
) -> None:
    """Run golden cases: request, answers of the services, expected path, status and body.

    Example: parley graph test graph.yaml cases.yaml
    """
    from graph.picture import walk_as_dict
    from graph.testing.golden import read_cases, run_case

    graph = choose_graph(_load(file), file, name)
    results = [run_case(graph, case) for case in read_cases(*read_source(cases), graph)]
    failed = [result for result in results if not result.passed]
    if output is Output.JSON:
        say_json(
            [
                {"name": r.case.name, "passed": r.passed, "problems": r.problems}
                | walk_as_dict(r.visits, r.answer)
                for r in results
            ]
        )
    else:
        for result in results:
            print(f"{'ok    ' if result.passed else 'FAILED'}  {result.case.name}")
            print(*(f"        {problem}\n" for problem in result.problems), sep="", end="")
        print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise typer.Exit(FAILED)


def _load(file: str, admit: bool = True) -> Objects:
    return load_objects(*read_manifests(file), admit=admit)


def _pairs(option: str, values: Sequence[str] | None) -> dict[str, str]:
    pairs = {}
    for value in values or ():
        name, sign, target = value.partition("=")
        if not (name and sign and target):
            raise typer.BadParameter(f'{option} {value}: write NAME=VALUE, such as "chat=..."')
        pairs[name] = target
    return pairs
