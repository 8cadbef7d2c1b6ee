"""A YAML file run in this process: what it serves, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from graph.errors import ModelError, SpecError
from graph.local.app import app_of
from graph.local.build import build, read_file
from graph.spec.load import load_objects
from predictors.door.handler import Handler
from tests.fakes import embedded_graph, predictors
from tests.predictors.door.waiting import Waits

GRAPH = """
apiVersion: serving.kserve.io/v1alpha1
kind: InferenceGraph
metadata: {name: g}
spec: {nodes: {root: {routerType: Sequence, steps: [{serviceName: s}]}}}
"""
SERVICE = """
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: s}
spec: {predictor: {containers: [{name: kserve-container, image: x, %s}]}}
"""


def built(container):
    return build(load_objects(GRAPH + SERVICE % container, "my.yaml"), "my.yaml")


def test_the_same_arguments_as_on_a_cluster_make_the_predictor():
    local = built(
        "command: [python, -m, predictors.detector], "
        "args: [--model_name=s, --languages=en, --max_inflight=3]"
    )
    assert local.handlers["s"].predictor.languages == ("en",)


def test_a_variable_of_the_container_counts_and_its_mount_does_not():
    local = built(
        "command: [python, -m, predictors.detector], args: [--model_name=s], "
        "env: [{name: PARLEY_LANGUAGES, value: 'en,de'}, {name: PARLEY_MODELS, value: /nowhere}]"
    )
    assert local.handlers["s"].predictor.languages == ("en", "de")


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ("command: [nginx]", "does not run `python -m predictors.NAME`"),
        ("command: [python, -m, os]", "does not run `python -m predictors.NAME`"),
        ("command: [python, -m, predictors.nobody]", "cannot import predictors.nobody"),
        ("command: [python, -m, predictors.detector]", "required: --model_name"),
        (
            "command: [python, -m, predictors.detector], args: [--model_name=s, --langs=en]",
            "unrecognized arguments: --langs=en",
        ),
    ],
)
def test_what_cannot_run_here_is_refused_by_file_and_service(container, words):
    with pytest.raises(SpecError) as caught:
        built(container)
    assert str(caught.value).startswith("my.yaml: InferenceService/s: ")
    assert words in str(caught.value)


def test_a_service_that_is_not_in_the_file_is_named():
    with pytest.raises(SpecError, match="no InferenceService 's' in the file"):
        build(load_objects(GRAPH, "my.yaml"), "my.yaml")


def test_a_service_without_a_graph_is_called_alone(serve_app):
    detector = "command: [python, -m, predictors.detector], args: [--model_name=s]"
    local = build(load_objects(SERVICE % detector, "my.yaml"), "my.yaml")
    local.load()
    url = serve_app(app_of(local))
    for path in ("/", "/v1/models/s:predict"):
        answer = httpx2.post(url + path, json={"user_input": "Hello there, how are you?"})
        assert answer.json()["predictions"][0]["language"] == "en"


def test_several_services_without_a_graph_are_refused():
    both = SERVICE % "command: [x]" + (SERVICE % "command: [x]").replace("name: s}", "name: t}")
    with pytest.raises(SpecError, match="my.yaml: holds no InferenceGraph"):
        build(load_objects(both, "my.yaml"), "my.yaml")


TOGETHER = """
apiVersion: serving.kserve.io/v1alpha1
kind: InferenceGraph
metadata: {name: g, namespace: mine}
spec:
  nodes:
    root:
      routerType: Sequence
      steps:
        - serviceUrl: http://s-predictor.%s.svc.cluster.local/v1/models/to-english:predict
        - serviceUrl: http://s-predictor.mine.svc.cluster.local/v1/models/%s:predict
          data: $response
          mapPredictionsToInstances: true
"""
BLOCKS = (
    "command: [python, -m, predictors.colocated], args: [--http_port=8080, predictors.translator,"
    " --model_name=to-english, --source=fr, --target=en, '--model=openai:m@http://127.0.0.1:9/v1',"
    " predictors.chat, --model_name=chat, '--model=openai:m@http://127.0.0.1:9/v1']"
)


class Says(Waits):
    """Adds its name to what was said."""

    def __init__(self, name):
        self.name = name

    async def predict(self, instances):
        return [{"user_input": f"{each['user_input']}, {self.name}"} for each in instances]


def together(namespace="mine", model="chat", container=BLOCKS):
    text = TOGETHER % (namespace, model) + SERVICE % container
    return build(load_objects(text, "my.yaml"), "my.yaml")


async def test_the_predictors_of_one_pod_are_reached_by_their_urls():
    local = together()
    assert list(local.handlers) == ["to-english", "chat"]
    local = replace(local, handlers={name: Handler(Says(name)) for name in local.handlers})
    local.load()
    answer = await local.route(b'{"user_input": "Bonjour"}')
    assert json.loads(answer.body)["predictions"] == [{"user_input": "Bonjour, to-english, chat"}]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"model": "chatt"}, 'serves to-english, chat; did you mean "chat"?'),
        (
            {"container": BLOCKS.replace("predictors.chat", "predictors.chatt")},
            "InferenceService/s: predictor 2, predictors.chatt: does not run beside others; "
            "did you mean predictors.chat?",
        ),
    ],
)
def test_one_pod_with_a_mistake_is_refused_in_a_sentence(wrong, words):
    with pytest.raises(SpecError) as caught:
        together(**wrong)
    assert words in str(caught.value)


def test_an_unknown_model_is_named_with_the_known_ones():
    container = (
        "command: [python, -m, predictors.chat], args: [--model_name=s, --model=embedded:smollm]"
    )
    with pytest.raises(ModelError, match="embedded:smollm2-135m-instruct"):
        built(container)


@pytest.mark.parametrize("text", ["", "just words", "a: [", "kind: Pod\napiVersion: v1"])
def test_yaml_that_is_not_ours_is_one_clear_line(tmp_path: Path, text):
    file = tmp_path / "my.yaml"
    file.write_text(text)
    with pytest.raises(SpecError) as caught:
        build(read_file(str(file)), "my.yaml")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_not_text_is_named(tmp_path):
    with pytest.raises(SpecError, match=r"none\.yaml: No such file"):
        read_file(str(tmp_path / "none.yaml"))
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="UTF-8"):
        read_file(str(binary))


def test_any_path_is_the_graph_and_a_predictors_path_is_the_predictor(serve_app):
    url = serve_app(app_of(embedded_graph(predictors())))
    body = {"user_input": "Hello there"}
    for path in ("/", "/any/where", "/v1/models/multilingual-chat:predict", "/v1/modelsmen"):
        [turn] = httpx2.post(url + path, json=body).json()["predictions"]
        assert [step["name"] for step in turn["steps"]] == ["detector", "chat"]
    [alone] = httpx2.post(f"{url}/v1/models/detector:predict", json=body).json()["predictions"]
    assert [step["name"] for step in alone["steps"]] == ["detector"]
    assert httpx2.get(f"{url}/v1/models/chat").json() == {"name": "chat", "ready": True}
    ready = httpx2.get(f"{url}/readyz")
    assert (ready.status_code, ready.content) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("POST", "/v1/models/nochat:predict", 'did you mean "chat"?'),
        ("POST", "/v1/models/nochat", "there are detector, translate-fr-en"),
        ("GET", "/v1/models/zzz", "there are detector, translate-fr-en"),
        ("POST", "/v1/models/", "there are detector, translate-fr-en"),
        ("POST", "/v1/models/chat:explain", "POST to /v1/models/detector:predict"),
        ("POST", "/v1/models", "POST to /v1/models/detector:predict"),
    ],
)
def test_a_path_of_models_that_names_no_predictor_is_404(serve_app, method, path, words):
    url = serve_app(app_of(embedded_graph(predictors())))
    answer = httpx2.request(method, url + path, json={"user_input": "Hello there"})
    assert answer.status_code == 404
    assert words in answer.json()["error"]


def test_the_predictors_are_listed(serve_app):
    url = serve_app(app_of(embedded_graph(predictors())))
    listed = httpx2.get(f"{url}/v1/models").json()["models"]
    assert listed == ["detector", "translate-fr-en", "translate-en-fr", "chat"]


def test_a_busy_step_says_when_to_ask_again_through_the_graph(serve_app):
    handlers = predictors()
    handlers[3] = Handler(handlers[3].predictor, max_inflight=0)
    handlers[3].load()
    url = serve_app(app_of(embedded_graph(handlers)))
    answer = httpx2.post(url, json={"user_input": "Hello there"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_it_is_not_ready_before_its_models_are(serve_app):
    handlers = predictors()
    handlers[3] = Handler(handlers[3].predictor)
    url = serve_app(app_of(embedded_graph(handlers)))
    assert httpx2.get(f"{url}/readyz").status_code == 503
    refused = httpx2.post(url, json={"user_input": "Hello there", "request_id": "a"})
    assert refused.status_code == 503
    assert json.loads(refused.text) == {"error": "chat: the model is not ready", "request_id": "a"}
    handlers[3].load()
    assert httpx2.get(f"{url}/readyz").status_code == 200
