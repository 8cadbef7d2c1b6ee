"""The manifests hold together: rendered file, limits, probes, weights, and what the README says."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.deploy.render import MANIFESTS, RENDERED
from tests.deploy.rendered import (
    MODELS,
    ON_CPU,
    OVERLAYS,
    SERVICES,
    WITH_VOLUME,
    Objects,
    branches,
    only,
    options,
    predictors,
)


@pytest.mark.parametrize(("folder", "file"), RENDERED.items())
def test_a_rendered_file_is_what_its_folder_renders_to(
    folder: str, file: str, render: Callable[[str], str]
) -> None:
    header, _, rendered = (MANIFESTS / file).read_text().partition("\n")
    assert header.startswith(f"# {folder} rendered")
    assert rendered == render(folder), "run `make render`"


@pytest.mark.parametrize("name", ["base", "namespace", "translator"])
def test_every_file_of_a_folder_holds_one_object_and_is_listed(name: str) -> None:
    folder = MANIFESTS / name
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert {item for item in listed if item.endswith(".yaml")} == files
    for name in files:
        assert len(list(yaml.safe_load_all((folder / name).read_text()))) == 1, name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_container_has_requests_limits_and_a_restricted_security_context(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    found = predictors(objects(overlay))
    assert set(found) == {"detector", *SERVICES[overlay]}
    for name, predictor in found.items():
        (container,) = predictor["containers"]
        for kind in ("requests", "limits"):
            assert {"cpu", "memory"} <= set(container["resources"][kind]), name
        assert predictor["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert predictor["securityContext"]["runAsUser"] > 0
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }
    resources = only(objects(overlay), "InferenceGraph")["spec"]["resources"]
    assert {"cpu", "memory"} <= set(resources["requests"]) & set(resources["limits"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_service_is_served_probed_and_named_alike(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    for name, predictor in predictors(objects(overlay)).items():
        (container,) = predictor["containers"]
        assert options(predictor)["model_name"] == name
        for probe in ("startupProbe", "readinessProbe"):
            assert container[probe]["httpGet"] == {"path": f"/v1/models/{name}", "port": 8080}
        assert container["livenessProbe"]["httpGet"]["path"] == "/"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_has_time_to_finish_what_it_began(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    for name, predictor in predictors(objects(overlay)).items():
        (container,) = predictor["containers"]
        environ = {item["name"]: item["value"] for item in container["env"]}
        pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        grace = predictor["terminationGracePeriodSeconds"]
        # 5 s is the predictors' own --drain_delay.
        assert grace > pause + 5 + float(environ["PARLEY_DRAIN_SECONDS"]), name
        assert predictor["deploymentStrategy"]["rollingUpdate"]["maxUnavailable"] == 0


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_graph_waits_longer_than_its_predictors_and_the_route_as_long_as_the_graph(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    rendered = objects(overlay)
    spec = only(rendered, "InferenceGraph")["spec"]
    timeouts = spec["routerTimeouts"]
    # 55 s is the predictors' own --request_timeout; the longest branch comes after the detector.
    assert timeouts["serviceClient"] > 55
    calls = 1 + max(len(branch["steps"]) for branch in branches(spec).values())
    assert timeouts["serverWrite"] >= calls * timeouts["serviceClient"]
    (rule,) = only(rendered, "HTTPRoute")["spec"]["rules"]
    assert rule["timeouts"]["request"] == f"{timeouts['serverWrite']}s"
    (seconds,) = (
        value
        for key, value in only(rendered, "Ingress")["metadata"]["annotations"].items()
        if key.endswith("/proxy-read-timeout")
    )
    assert seconds == str(timeouts["serverWrite"])


@pytest.mark.parametrize(
    ("overlay", "resource"),
    [
        ("base", "nvidia.com/gpu"),
        ("overlays/gpu-shared", "nvidia.com/gpu.shared"),
        ("overlays/gpu-shared/mig", "nvidia.com/mig-3g.20gb"),
    ],
)
def test_the_models_ask_for_a_gpu_and_the_detector_does_not(
    overlay: str, resource: str, objects: Callable[[str], Objects]
) -> None:
    found = predictors(objects(overlay))
    for name in MODELS:
        limits = found[name]["containers"][0]["resources"]["limits"]
        assert {key for key in limits if key.startswith("nvidia.com/")} == {resource}
        assert found[name]["tolerations"] and found[name]["nodeSelector"]
    limits = found["detector"]["containers"][0]["resources"]["limits"]
    assert set(limits) == {"cpu", "memory"}


@pytest.mark.parametrize("overlay", ON_CPU)
def test_without_gpus_nothing_asks_for_one(overlay: str, objects: Callable[[str], Objects]) -> None:
    assert "nvidia.com" not in yaml.safe_dump_all(objects(overlay))


@pytest.mark.parametrize("overlay", WITH_VOLUME)
def test_the_job_fetches_the_models_that_the_services_name_and_converts_for_their_device(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    rendered = objects(overlay)
    (container,) = only(rendered, "Job")["spec"]["template"]["spec"]["containers"]
    variables = only(rendered, "ConfigMap")
    reference = {"configMapRef": {"name": variables["metadata"]["name"]}}
    assert container["envFrom"] == [reference] and "args" not in container
    named = {options(predictors(rendered)[name])["model"] for name in SERVICES[overlay]}
    kind = "int8" if overlay in ON_CPU else "float16"
    data = dict(variables["data"])
    assert data.pop("PARLEY_QUANTIZATIONS") == kind
    assert all(name.startswith("PARLEY_MODEL_") for name in data)
    assert set(data.values()) == named
    assert all(len(model.rpartition("@")[2]) == 40 for model in named), "revisions are pinned"


@pytest.mark.parametrize("overlay", WITH_VOLUME)
def test_a_pod_waits_until_its_own_model_is_converted(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    rendered = objects(overlay)
    found = predictors(rendered)
    kind = "int8" if overlay in ON_CPU else "float16"
    assert "initContainers" not in found["detector"]
    for name in SERVICES[overlay]:
        (container,) = found[name]["containers"]
        (waiting,) = found[name]["initContainers"]
        assert waiting["command"] == ["python", "-m", "predictors.conversion", "wait"]
        model = options(found[name])["model"]
        assert waiting["args"] == [f"--quantizations={kind}", model], name
        for field in ("image", "securityContext", "volumeMounts"):
            assert waiting[field] == container[field], name


@pytest.mark.parametrize("overlay", WITH_VOLUME)
def test_another_list_of_models_is_another_job(
    overlay: str, objects: Callable[[str], Objects], kustomize: list[str], tmp_path: Path
) -> None:
    """A Job cannot be changed: `kubectl apply` of one with the same name is refused."""
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    namespace = only(objects(overlay), "Job")["metadata"]["namespace"]
    change = {
        "resources": [f"../manifests/{overlay}"],
        "configMapGenerator": [
            {
                "name": "parley-models",
                "namespace": namespace,
                "behavior": "merge",
                "literals": ["PARLEY_MODEL_MORE=hf:owner/name@1"],
            }
        ],
    }
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kustomization.yaml").write_text(yaml.safe_dump(change))
    command = [*kustomize, str(tmp_path / "mine")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    changed = list(yaml.safe_load_all(done.stdout))
    before, after = (only(each, "Job") for each in (objects(overlay), changed))
    assert before["metadata"]["name"] != after["metadata"]["name"]
    for rendered, job in ((objects(overlay), before), (changed, after)):
        assert job["metadata"]["name"] == only(rendered, "ConfigMap")["metadata"]["name"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_pod_that_serves_asks_a_model_hub(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    for name, predictor in predictors(objects(overlay)).items():
        (container,) = predictor["containers"]
        assert {"name": "HF_HUB_OFFLINE", "value": "1"} in container["env"], name


def test_the_embedded_overlay_needs_no_volume_and_no_hub(
    objects: Callable[[str], Objects],
) -> None:
    rendered = objects("overlays/embedded")
    kinds = {item["kind"] for item in rendered}
    assert not kinds & {"Job", "ConfigMap", "PersistentVolumeClaim"}
    found = predictors(rendered)
    for name in MODELS:
        assert options(found[name])["model"].startswith("embedded:")
        assert [volume["name"] for volume in found[name]["volumes"]] == ["tmp"]
        assert "initContainers" not in found[name]
