"""All lint rules, in the order in which they are run."""

from __future__ import annotations

from graph.lint.conditions import (
    find_conditions_at_start,
    find_conditions_without_example,
    find_constant_conditions,
    find_hidden_failures,
    find_malformed_conditions,
    find_missing_catch_all,
    find_missing_conditions,
    find_untrue_matches,
)
from graph.lint.findings import Rule, refused_by_webhook
from graph.lint.flow import (
    find_missing_timeouts,
    find_short_timeouts,
    find_soft_failures,
    find_unknown_data,
    find_unmapped_responses,
)
from graph.lint.structure import (
    find_bad_urls,
    find_cycles,
    find_dangling_nodes,
    find_empty_nodes,
    find_ensemble_keys,
    find_ignored_fields,
    find_unknown_services,
    find_unreachable_nodes,
)

RULES: tuple[Rule, ...] = (
    refused_by_webhook,
    find_dangling_nodes,
    find_cycles,
    find_unreachable_nodes,
    find_empty_nodes,
    find_unknown_services,
    find_bad_urls,
    find_ensemble_keys,
    find_ignored_fields,
    find_missing_conditions,
    find_malformed_conditions,
    find_constant_conditions,
    find_missing_catch_all,
    find_conditions_at_start,
    find_hidden_failures,
    find_conditions_without_example,
    find_untrue_matches,
    find_unknown_data,
    find_soft_failures,
    find_unmapped_responses,
    find_missing_timeouts,
    find_short_timeouts,
)
