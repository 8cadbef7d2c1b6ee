"""`parley graph trace`: one request through a live graph, step by step."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from graph import contract
from graph.cli.output import Output, say, say_json
from graph.cli.target import Context, Kubeconfig, Namespace, connected
from graph.spec.sources import read_source


def trace(
    graph: Annotated[
        str, typer.Argument(help="A graph of the cluster.", show_default="the only one")
    ] = "",
    cluster: Annotated[
        bool, typer.Option("--cluster", help="The graph is on a cluster.", show_default=False)
    ] = False,
    request: Annotated[str, typer.Option(help="File with the request's body; - reads stdin.")] = "",
    message: Annotated[str, typer.Option(help="In its place: a message to a chat.")] = "",
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
    output: Annotated[
        Output, typer.Option("--output", "-o", help="Text for people, or json with whole bodies.")
    ] = Output.TEXT,
) -> None:
    """One request through a live graph: each step's request, answer and time.

    The graph is read from the cluster and walked here, through forwarded ports; KServe's router
    is then asked the same, and its answer stands at the end. Models may answer twice differently.

    Example: parley graph trace --cluster -n parley --message "Bonjour"
    """
    if not cluster:
        raise typer.BadParameter(
            "give --cluster; `parley graph show FILE --trace REQUEST` follows a file's graph"
        )
    body = _read_body(request, message)
    with connected(namespace, context, kubeconfig) as connection:
        from graph.cluster.tracing import trace_graph
        from graph.picture import answer_as_dict, describe_answer, describe_walk, walk_as_dict

        found = trace_graph(connection, graph, body)
    if output is Output.JSON:
        answered = answer_as_dict(found.router) if found.router else {"error": found.problem}
        router = answered | {"seconds": round(found.seconds, 3)}
        say_json(walk_as_dict(found.visits, found.answer, timed=True) | {"router": router})
        return
    say(describe_walk(found.visits, found.answer, timed=True))
    name = f"KServe's router, {found.seconds:.2f} s:"
    say(describe_answer(name, found.router) if found.router else f"{name}  {found.problem}")


def _read_body(request: str, message: str) -> bytes:
    if bool(request) == bool(message):
        raise typer.BadParameter("give --request FILE, or --message TEXT for a chat")
    if request:
        return read_source(request)[0].encode()
    return json.dumps({"instances": [{contract.USER_INPUT: message}]}, ensure_ascii=False).encode()
