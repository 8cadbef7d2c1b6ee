"""The manifests hold together: rendered file, limits, probes, weights, and what the README says."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from graph.turn.timeouts import CLOCK_SKEW, DEFAULT, READ
from tests.deploy.render import MANIFESTS, RENDERED, copies
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


def test_a_copy_is_what_it_is_made_of() -> None:
    for file, text in copies().items():
        assert file.read_text() == text, f"{file.name}: run `make render`"


@pytest.mark.parametrize("name", ["base", "components/gateway", "namespace", "translator"])
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
        # What a pod has begun when it is told to end, it has the time to finish.
        assert float(environ["PARLEY_DRAIN_SECONDS"]) == DEFAULT.predictor
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
    # A turn ends before a predictor's own time does, and that before the router's patience.
    assert DEFAULT.turn + 2 * CLOCK_SKEW < DEFAULT.predictor < DEFAULT.service
    assert timeouts["serviceClient"] == DEFAULT.service
    assert timeouts["serverRead"] == READ
    # The longest branch comes after the detector.
    assert timeouts["serverWrite"] >= DEFAULT.router > READ + DEFAULT.service
    assert DEFAULT.client > DEFAULT.gateway >= DEFAULT.router
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


def test_a_gpu_may_be_claimed_instead(objects: Callable[[str], Objects]) -> None:
    """The driver knows which nodes have one, so that no label chooses them."""
    rendered = objects("overlays/gpu-claims")
    template = only(rendered, "ResourceClaimTemplate")
    [request] = template["spec"]["spec"]["devices"]["requests"]
    assert request["exactly"] == {"deviceClassName": "gpu.nvidia.com", "count": 1}
    found = predictors(rendered)
    for name in MODELS:
        [claim] = found[name]["resourceClaims"]
        assert claim["resourceClaimTemplateName"] == template["metadata"]["name"]
        resources = found[name]["containers"][0]["resources"]
        assert resources["claims"] == [{"name": claim["name"]}]
        assert set(resources["limits"]) == {"cpu", "memory"}
        assert found[name]["tolerations"] and "nodeSelector" not in found[name]
    assert "resourceClaims" not in found["detector"]


@pytest.mark.parametrize("overlay", ON_CPU)
def test_without_gpus_nothing_asks_for_one(overlay: str, objects: Callable[[str], Objects]) -> None:
    assert "nvidia.com" not in yaml.safe_dump_all(objects(overlay))


@pytest.mark.parametrize("overlay", WITH_VOLUME)
def test_the_job_fetches_the_models_that_the_services_name_and_converts_for_their_device(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    rendered = objects(overlay)
    (container,) = only(rendered, "Job")["spec"]["template"]["spec"]["containers"]
    named = {options(predictors(rendered)[name])["model"] for name in SERVICES[overlay]}
    quantization, *fetched = container["args"]
    assert set(fetched) == named
    kind = "int8" if overlay in ON_CPU else "float16"
    assert quantization == f"--quantizations={kind}"
    assert all(len(model.rpartition("@")[2]) == 40 for model in named), "revisions are pinned"


def test_the_embedded_overlay_needs_no_volume_and_no_hub(
    objects: Callable[[str], Objects],
) -> None:
    rendered = objects("overlays/embedded")
    kinds = {item["kind"] for item in rendered}
    assert not kinds & {"Job", "PersistentVolumeClaim"}
    found = predictors(rendered)
    for name in MODELS:
        assert options(found[name])["model"].startswith("embedded:")
        assert [volume["name"] for volume in found[name]["volumes"]] == ["tmp"]


def test_other_models_make_another_job_since_a_job_cannot_be_changed(
    kustomize: list[str], objects: Callable[[str], Objects], tmp_path: Path
) -> None:
    """`kubectl apply` refuses to change the template of a Job that is there."""
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    file = tmp_path / "manifests" / "base" / "models-job.yaml"
    other = file.read_text().replace("google-t5/t5-small", "google-t5/t5-base")
    file.write_text(other)
    done = subprocess.run(
        [*kustomize, str(tmp_path / "manifests" / "overlays" / "cpu")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    before = only(objects("overlays/cpu"), "Job")["metadata"]
    after = only(list(yaml.safe_load_all(done.stdout)), "Job")["metadata"]
    assert before["name"] != after["name"]
    assert before["name"].startswith("parley-models-") and after["name"].startswith(
        "parley-models-"
    )
    assert "annotations" not in before | after


@pytest.mark.parametrize("overlay", WITH_VOLUME)
def test_a_pod_waits_for_the_conversion_of_the_model_that_it_serves(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    found = predictors(objects(overlay))
    for name in SERVICES[overlay]:
        (waiting,) = found[name]["initContainers"]
        assert waiting["image"] == found[name]["containers"][0]["image"]
        assert waiting["command"] == ["python", "-m", "predictors.models.wait"]
        assert waiting["args"] == [options(found[name])["model"]]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_serving_pod_asks_a_model_hub(overlay: str, objects: Callable[[str], Objects]) -> None:
    for name, predictor in predictors(objects(overlay)).items():
        (container,) = predictor["containers"]
        assert {"name": "HF_HUB_OFFLINE", "value": "1"} in container["env"], name


@pytest.mark.parametrize("folder", ["manifests", "tests/cluster/files"])
def test_every_module_that_a_file_starts_is_there(folder: str) -> None:
    started = {
        module
        for path in (MANIFESTS.parent / folder).rglob("*.yaml")
        for module in re.findall(r"\[python, -m, ([a-z_.]+)", path.read_text())
    }
    assert started
    for module in started:
        path = MANIFESTS.parent / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module
