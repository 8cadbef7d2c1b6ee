"""Random values of the chart that are valid."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Values = dict[str, Any]

MODEL = "hf:Helsinki-NLP/opus-mt-{}@b4a9a384c2ec68a224bbd2ee3fd5df0c71ca5b1b"
CODES = ("de", "es", "it", "nl", "pt", "pl", "ru", "sv", "tr", "zh")
NAMES = st.sampled_from(("a", "no", "on", "y", "mine", "b1"))
# Some are booleans of YAML where they are not quoted.
WORDS = st.sampled_from(("a", "b1", "some-text", "no", "true"))
LABELS = st.dictionaries(WORDS, WORDS, max_size=2)


def some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Values]:
    """A dict with any of the keys."""
    return st.fixed_dictionaries({}, optional=keys)


def by_name(item: Any) -> st.SearchStrategy[Values]:
    return st.dictionaries(NAMES, st.just(item), max_size=2)


QUANTITIES = st.sampled_from(("100m", "1", "2"))
SIZES = st.sampled_from(("512Mi", "1Gi", "20Gi"))
RESOURCES = some(
    requests=some(cpu=QUANTITIES, memory=SIZES), limits=some(cpu=QUANTITIES, memory=SIZES)
)
TOLERATIONS = by_name({"key": "gpu", "operator": "Exists"})
IMAGE = some(
    registry=st.sampled_from(("registry.example.com", "localhost:5000/")),
    tag=st.sampled_from(("", "1.2.3", "latest")),
    digest=st.sampled_from(("", "sha256:" + "0a" * 32)),
    variant=st.sampled_from(("", "cuda", "embedded", None)),
)
ACCELERATOR = st.one_of(
    some(
        resourceName=st.sampled_from(
            ("", "nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "amd.com/gpu")
        ),
        count=st.integers(1, 8),
        nodeSelector=LABELS,
        tolerations=TOLERATIONS,
    ),
    st.just({"resourceName": "", "claimTemplate": "one-gpu"}),
    st.fixed_dictionaries(
        {"resourceName": st.just(""), "deviceClassName": st.just("gpu.nvidia.com")},
        optional={
            "count": st.integers(1, 8),
            "selectors": st.just(['device.attributes["a"].b == "c: d"']),
        },
    ),
)
PREDICTOR: dict[str, st.SearchStrategy[Any]] = {
    "image": IMAGE,
    "replicas": st.integers(1, 3),
    "scaling": some(
        maxReplicas=st.one_of(st.none(), st.integers(4, 9)),
        targetCPU=st.integers(10, 200),
        behavior=st.just({"scaleDown": {"stabilizationWindowSeconds": 60}}),
    ),
    "resources": RESOURCES,
    "options": st.dictionaries(
        st.sampled_from(("parallel", "threads", "log_level", "request_timeout")),
        st.one_of(st.integers(0, 2_000_000), st.floats(0, 9, width=16), WORDS),
    ),
    "env": st.dictionaries(st.sampled_from(("A", "B_2", "HTTPS_PROXY")), WORDS, max_size=2),
    "envFrom": by_name({"secretRef": {"name": "mine"}}),
    "volumes": by_name({"configMap": {"name": "mine"}}),
    "initContainers": by_name({"image": "busybox:1", "command": ["true"]}),
    "nodeSelector": LABELS,
    "tolerations": TOLERATIONS,
    "affinity": st.just({"nodeAffinity": {}}),
    "topologySpread": by_name(
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    ),
    "priorityClassName": WORDS,
    "runtimeClassName": WORDS,
    "serviceAccountName": WORDS,
    "labels": LABELS,
    "annotations": LABELS,
    "deploymentStrategy": st.just({"type": "Recreate", "rollingUpdate": None}),
    "terminationGracePeriodSeconds": st.integers(60, 300),
}
# What the gateway has in common with them.
GATEWAY_KEYS = (
    "replicas",
    "scaling",
    "resources",
    "env",
    "nodeSelector",
    "tolerations",
    "affinity",
    "topologySpread",
    "priorityClassName",
    "labels",
    "annotations",
)
TRANSLATOR = PREDICTOR | {"model": st.sampled_from((MODEL.format("mul-en"), "/models/mine"))}
LANGUAGE = st.one_of(
    st.just({"direct": True}),
    st.fixed_dictionaries(
        {
            side: st.fixed_dictionaries({"model": TRANSLATOR["model"]}, optional=PREDICTOR)
            for side in ("toEnglish", "fromEnglish")
        }
    ),
)
# `fr` is a language of every example, and names no model there.
SHARED = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {"model": TRANSLATOR["model"]},
        optional=PREDICTOR
        | {"services": st.sampled_from((1, 2)), "languages": st.sampled_from(([], ["fr"]))},
    ),
)
CHAT = st.one_of(
    some(**PREDICTOR, canary=some(weight=st.integers(0, 99), overrides=some(**PREDICTOR))),
    st.fixed_dictionaries(
        {
            "model": st.just(""),
            "openai": st.fixed_dictionaries(
                {
                    "url": st.sampled_from(("http://llm:8000/v1", "https://api.example.com/v1")),
                    "model": WORDS,
                },
                optional={
                    "apiKeySecret": st.just({"name": "key"}),
                    "peer": st.just({"podSelector": {}}),
                    "podPort": st.integers(1, 65535),
                },
            ),
        }
    ),
    st.just({"model": "/mnt/models", "storageUri": "hf://owner/name"}),
)
PEERS = by_name({"namespaceSelector": {"matchLabels": {"a": "b"}}})
WEIGHTS = some(
    volume=some(
        existingClaim=st.sampled_from(("", "mine")),
        accessMode=st.sampled_from(("ReadWriteOnce", "ReadWriteMany")),
        storageClassName=st.sampled_from((None, "", "fast")),
        size=SIZES,
        keep=st.booleans(),
    ),
    quantizations=st.lists(st.sampled_from(("int8", "float16", "float32")), unique=True),
    job=some(
        image=some(tag=st.just("9")),
        extraModels=st.just([MODEL.format("mul-en")]),
        resources=RESOURCES,
        tmpSize=SIZES,
        backoffLimit=st.integers(0, 9),
        ttlSecondsAfterFinished=st.one_of(st.none(), st.integers(0, 900)),
        env=PREDICTOR["env"],
        tolerations=TOLERATIONS,
        peers=PEERS,
        port=st.integers(1, 65535),
    ),
    hub=some(endpoint=st.just("https://hub.example.com"), tokenSecret=st.just({"name": "token"})),
    nodeCache=some(nodeGroups=st.just(["workers"]), modelSize=SIZES),
)
VALID: st.SearchStrategy[Values] = some(
    names=some(prefix=st.sampled_from((None, "", "a", "my-"))),
    languages=st.dictionaries(st.sampled_from(CODES), LANGUAGE, max_size=3),
    multilingualChat=some(host=st.just("chat.example.com"), path=st.just("/chat")),
    chatGateway=some(
        **{key: PREDICTOR[key] for key in GATEWAY_KEYS},
        enabled=st.booleans(),
        options=some(max_inflight=st.integers(1, 999), history_seconds=st.floats(1, 99, width=16)),
        apiKeys=st.just({"existingSecret": "no"}),
        cache=some(
            url=st.sampled_from(("redis://redis:6380/0", "rediss://cache.example.com")),
            peer=st.just({"podSelector": {}}),
        ),
        apiServer=some(ports=st.just([6443])),
        terminationGracePeriodSeconds=st.integers(70, 300),
    ),
    basicChat=some(enabled=st.booleans()),
    translation=some(enabled=st.booleans(), language=st.sampled_from(("it", "de"))),
    image=some(
        registry=st.just("registry.example.com/parley"),
        pullPolicy=st.sampled_from(("", "Always", "IfNotPresent", "Never")),
        pullSecrets=st.just(["mine"]),
    ),
    predictors=some(**PREDICTOR, accelerator=ACCELERATOR),
    detector=some(**PREDICTOR),
    translator=some(**PREDICTOR),
    sharedTranslator=SHARED,
    chat=CHAT,
    router=some(
        replicas=st.integers(1, 3),
        maxReplicas=st.one_of(st.none(), st.integers(4, 9)),
        resources=RESOURCES,
        nodeSelector=LABELS,
        tolerations=TOLERATIONS,
    ),
    timeouts=some(turn=st.one_of(st.none(), st.integers(900, 3600)), service=st.integers(56, 90)),
    weights=WEIGHTS,
    httpRoute=some(
        enabled=st.booleans(),
        timeouts=st.booleans(),
        parentRefs=by_name({"name": "gateway", "sectionName": "https"}),
        filters=by_name(
            {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x"]}}
        ),
        labels=LABELS,
        annotations=LABELS,
    ),
    ingress=some(
        enabled=st.booleans(),
        className=WORDS,
        annotations=LABELS,
        tls=st.just([{"hosts": ["chat.example.com"], "secretName": "tls"}]),
    ),
    networkPolicies=some(
        enabled=st.booleans(),
        scope=st.sampled_from(("release", "namespace")),
        gateways=PEERS,
        dns=by_name({"to": {"ipBlock": {"cidr": "169.254.20.10/32"}}, "port": 53}),
        monitoring=PEERS,
        egress=by_name({"ports": [{"port": 443}]}),
    ),
    podSecurity=some(policy=st.booleans()),
    openshift=st.booleans(),
    metrics=some(
        podMonitor=some(
            enabled=st.booleans(), interval=st.sampled_from(("", "30s")), labels=LABELS
        ),
        rules=some(enabled=st.booleans(), labels=LABELS),
        dashboard=some(enabled=st.booleans(), labels=LABELS, annotations=LABELS),
    ),
    tests=some(sentences=st.just({"it": "Ciao!"}), timeoutSeconds=st.integers(1, 900)),
)

# What a predictor that shares a pod may set itself, and what else is of the pod.
SHARING = some(options=st.dictionaries(st.sampled_from(("parallel", "threads")), st.integers(1, 9)))
SHARED_POD = some(
    **{key: found for key, found in PREDICTOR.items() if key != "options"},
    accelerator=ACCELERATOR,
    options=some(drain_seconds=st.integers(1, 60), log_level=st.just("debug")),
)


def colocated(values: Values, chat: Values, translator: Values, pod: Values) -> Values:
    """The same values with chat and French translators in one pod."""
    languages = {code: {"direct": True} for code in values.get("languages", {})}
    names = ["chat", "translate-fr-en", "translate-en-fr"]
    parts = {"chat": chat, "translator": translator, "colocate": pod | {"predictors": names}}
    others = {key: found for key, found in values.items() if key != "sharedTranslator"}
    if "accelerator" in pod and "predictors" in others:
        # What the pod says is written over it, and the ways to ask for one exclude each other.
        whole = others["predictors"]
        others["predictors"] = {key: whole[key] for key in whole if key != "accelerator"}
    return others | {"languages": languages} | parts


COLOCATED = st.builds(colocated, VALID, SHARING, SHARING, SHARED_POD)
