"""Downloads a checkpoint's files from a model hub, by the hub's own library.

Only the files that a conversion needs are fetched, and pickles only where there is nothing else.
What the folder holds already, whole or in part, is not fetched again.
"""

from __future__ import annotations

import fnmatch
import glob
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph.errors import ModelError
from predictors.checkpoints.files import PICKLES, WANTED
from predictors.models.reference import Reference
from predictors.progress import Progress


@dataclass(frozen=True)
class HubFile:
    """A file as the hub lists it. sha256: of large files only, else empty."""

    name: str
    size: int
    sha256: str


def download(
    reference: Reference, folder: Path, progress: Progress, environ: Mapping[str, str]
) -> list[HubFile]:
    """Fill the folder; the files that are in it then. Raises ModelError."""
    try:
        import httpx2
        from huggingface_hub import errors
    except ImportError as err:
        raise ModelError("pulling needs huggingface-hub; install parley[convert]") from err
    try:
        return _download(reference, folder, progress, environ.get("HF_ENDPOINT") or None)
    except (
        errors.HfHubHTTPError,
        errors.LocalEntryNotFoundError,
        httpx2.HTTPError,
        OSError,
        ValueError,
    ) as err:
        reason = (str(err).strip().splitlines() or [type(err).__name__])[0]
        raise ModelError(f"model {reference}: cannot be pulled: {reason}") from err


def _download(
    reference: Reference, folder: Path, progress: Progress, endpoint: str | None
) -> list[HubFile]:
    import huggingface_hub

    api = huggingface_hub.HfApi(endpoint=endpoint)
    info = api.model_info(reference.name, revision=reference.revision, files_metadata=True)
    wanted = choose_files([_listed(sibling) for sibling in info.siblings or ()])
    total = sum(file.size for file in wanted)
    there = sum(file.size for file in wanted if _is_there(file, folder))

    def report(fetched: int) -> None:
        progress(f"pulling {reference}", min(there + fetched, total), total)

    report(0)
    huggingface_hub.snapshot_download(
        reference.name,
        revision=info.sha,
        local_dir=folder,
        endpoint=endpoint,
        allow_patterns=[glob.escape(file.name) for file in wanted],
        tqdm_class=_reporting_bar(report),
    )
    # The library takes a folder as it is when the hub stops answering after its first list.
    for file in wanted:
        if not _is_there(file, folder):
            raise OSError(f"{file.name}: it did not come whole; pull again")
    progress(f"pulling {reference}", total, total)
    return wanted


def choose_files(files: list[HubFile]) -> list[HubFile]:
    """The files of a repository's top folder that a conversion needs."""

    def matching(patterns: tuple[str, ...]) -> list[HubFile]:
        return [
            file
            for file in files
            if "/" not in file.name and any(fnmatch.fnmatch(file.name, p) for p in patterns)
        ]

    wanted = matching(WANTED)
    if not any(file.name.endswith(".safetensors") for file in wanted):
        wanted += matching(PICKLES)
    return sorted(wanted, key=lambda file: file.name)


def _listed(sibling: Any) -> HubFile:
    sha256 = sibling.lfs.sha256 if sibling.lfs else ""
    return HubFile(str(sibling.rfilename), int(sibling.size or 0), str(sha256))


def _is_there(file: HubFile, folder: Path) -> bool:
    path = folder / file.name
    return path.is_file() and path.stat().st_size == file.size


def _reporting_bar(report: Callable[[int], None]) -> Any:
    """A progress bar class that draws nothing and reports the bytes of all files together.

    The library counts them in two bars, as they come and as they are written.
    """
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    counting = threading.Lock()

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            self._counts_bytes = options.get("unit") == "B"
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            with counting:
                self.n += n or 0
                if self._counts_bytes:
                    report(int(self.n))

    return Bar
