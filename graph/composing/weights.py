"""The volume that models of a hub are served from, and the Job that fetches and converts them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from graph.composing.services import Predictor
from graph.composing.shipped import Object, Variant, find_shipped


def write_weights(predictors: Sequence[Predictor]) -> list[Object]:
    """The claim and the Job for these predictors; nothing where no model comes from a hub."""
    fetched = [each for each in predictors if each.from_hub]
    if not fetched:
        return []
    claim = find_shipped(Variant.CPU, "PersistentVolumeClaim")
    return [claim, write_job(fetched)]


def write_job(fetched: Sequence[Predictor]) -> Object:
    """The shipped Job for other models. No Job can be changed: its name ends with a hash of it."""
    job = find_shipped(Variant.CPU, "Job")
    kinds = sorted({"float16" if each.accelerator else "int8" for each in fetched})
    models = dict.fromkeys(each.model for each in fetched)
    template = job["spec"]["template"]
    (container,) = template["spec"]["containers"]
    container["args"] = [f"--quantizations={','.join(kinds)}", *models]
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()
    job["metadata"]["name"] = f"{job['metadata']['name'].rpartition('-')[0]}-{digest[:10]}"
    return job
