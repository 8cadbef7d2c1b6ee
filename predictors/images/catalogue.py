"""The images of the project: what each holds, and which are built when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSION = "0.1.0"


@dataclass(frozen=True)
class Image:
    """predictor: a folder under predictors/, or gateway.  embedded: the small models that it holds.

    variant: `-cuda` for the image for GPUs, with torch.  packages: the predictor whose packages it
    holds, where they are not its own.
    """

    predictor: str
    embedded: str = ""
    variant: str = ""
    packages: str = ""

    @property
    def name(self) -> str:
        suffix = "-embedded" if self.embedded else self.variant
        return f"parley-{self.predictor}:{VERSION}{suffix}"

    @property
    def arguments(self) -> list[str]:
        given = {
            "PREDICTOR": self.predictor,
            "PACKAGES": self.packages or self.predictor,
            "EMBEDDED": self.embedded,
            "VARIANT": self.variant,
            "VERSION": VERSION,
        }
        return [f"--build-arg={key}={value}" for key, value in given.items() if value]

    @property
    def lock_files(self) -> list[Path]:
        """What the Dockerfile installs into it."""
        packages = f"{self.packages or self.predictor}{self.variant}"
        weights = [f"embedded-{model}" for model in self.embedded.split()]
        return [ROOT / "requirements" / f"{name}.txt" for name in (packages, *weights)]

    @property
    def bill(self) -> Path:
        """The file that lists what it holds."""
        return ROOT / "build" / "sbom" / f"{self.name.replace(':', '-')}.cdx.json"


GEMMA = "gemma3-270m"
SMOLLM = "smollm2-135m-instruct"
GATEWAY = Image("gateway")
PLAIN = (Image("detector"), Image("translator"), Image("chat"), GATEWAY)
EMBEDDED = (
    Image("detector"),
    Image("translator", embedded=GEMMA),
    Image("chat", embedded=SMOLLM),
    GATEWAY,
)
# Chat and translators in one process; the translator's packages are the chat's and a few more.
COLOCATED = Image("colocated", packages="translator")
COLOCATED_EMBEDDED = Image("colocated", embedded=f"{GEMMA} {SMOLLM}", packages="translator")
# What fills a cluster's volume with models; it holds torch.
MODELS = Image("models")
ALL = (*PLAIN, *EMBEDDED[1:3], COLOCATED, COLOCATED_EMBEDDED, MODELS)
CUDA = (
    Image("translator", variant="-cuda"),
    Image("colocated", variant="-cuda", packages="translator"),
    Image("chat", variant="-cuda"),
)
