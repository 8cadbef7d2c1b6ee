"""All lint rules, in the order in which they are run. A rule's name is given only here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from graph.lint import conditions, flow, languages, structure, translators
from graph.lint.findings import Problem, Rule, Severity, Subject
from graph.spec import admission

_ERROR, _WARNING = Severity.ERROR, Severity.WARNING


def _refused(check: admission.Check, fix: str) -> Callable[[Subject], Iterator[Problem]]:
    """The check of a rule that finds what KServe's webhook refuses."""

    def find(subject: Subject) -> Iterator[Problem]:
        for refusal in check(subject.graph):
            text = f"the API server refuses it: {refusal.message}"
            yield Problem(text, fix, refusal.node, refusal.step)

    return find


RULES = (
    Rule("graph-name", _ERROR, _refused(admission.check_name, "rename the graph")),
    Rule("no-root", _ERROR, _refused(admission.check_root, "name the first node root")),
    Rule(
        "step-name-twice",
        _ERROR,
        _refused(admission.check_step_names, "give each step of the node a name of its own"),
    ),
    Rule(
        "one-target",
        _ERROR,
        _refused(
            admission.check_targets, "keep exactly one of nodeName, serviceName and serviceUrl"
        ),
    ),
    Rule(
        "weights",
        _ERROR,
        _refused(admission.check_weights, "give every step a weight; together they are 100"),
    ),
    Rule("dangling-node", _ERROR, structure.find_dangling_nodes),
    Rule("cycle", _ERROR, structure.find_cycles),
    Rule("unreachable-node", _WARNING, structure.find_unreachable_nodes),
    Rule("empty-node", _ERROR, structure.find_empty_nodes),
    Rule("unknown-service", _ERROR, structure.find_unknown_services),
    Rule("unknown-model", _ERROR, structure.find_unknown_models),
    Rule("service-url", _ERROR, structure.find_bad_urls),
    Rule("ensemble-key", _ERROR, structure.find_ensemble_keys),
    Rule("ignored-field", _WARNING, structure.find_ignored_fields),
    Rule("condition-missing", _ERROR, conditions.find_missing_conditions),
    Rule("condition-syntax", _ERROR, conditions.find_malformed_conditions),
    Rule("condition-always", _ERROR, conditions.find_constant_conditions),
    Rule("no-catch-all", _WARNING, conditions.find_missing_catch_all),
    Rule("condition-at-start", _ERROR, conditions.find_conditions_at_start),
    Rule("condition-hides-failure", _WARNING, conditions.find_hidden_failures),
    Rule("condition-example", _ERROR, conditions.find_conditions_without_example),
    Rule("condition-existence", _WARNING, conditions.find_untrue_matches),
    Rule("data-value", _ERROR, flow.find_unknown_data),
    Rule("response-at-start", _WARNING, flow.find_responses_at_start),
    Rule("answer-unused", _WARNING, flow.find_unused_answers),
    Rule("soft-feeds-next", _WARNING, flow.find_soft_failures),
    Rule("response-without-map", _ERROR, flow.find_unmapped_responses),
    Rule("language-without-branch", _ERROR, languages.find_languages_without_branch),
    Rule("branch-without-language", _WARNING, languages.find_branches_without_language),
    Rule("language-without-translator", _ERROR, translators.find_untranslated_languages),
    Rule("no-timeout", _WARNING, flow.find_missing_timeouts),
    Rule("short-timeout", _WARNING, flow.find_short_timeouts),
)
