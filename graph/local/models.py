"""What `parley models` does, gathered for the command line from the predictors' own packages.

`graph` reaches `predictors` from this folder alone; nothing is added here.
"""

from __future__ import annotations

from predictors.conversion.convert import convert as convert
from predictors.models.pull import pull as pull
from predictors.models.store import Entry as Entry
from predictors.models.store import list_models as list_models
from predictors.models.store import remove as remove
from predictors.models.store import verify as verify
from predictors.progress import on_terminal as on_terminal
