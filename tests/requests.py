"""Requests of any shape, for tests that try many: JSON values, and turns that are almost right."""

from hypothesis import strategies as st

from graph import contract

# Integers as long as a body may hold them: Python reads up to 4,300 digits, a float has 309.
HUGE = st.integers(300, 4_200).flatmap(lambda digits: st.sampled_from([10**digits, -(10**digits)]))
numbers = st.integers() | HUGE | st.floats(allow_nan=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(contract.ALL_FIELDS) | st.text(max_size=8), inner, max_size=5
        )
    ),
    max_leaves=12,
)


step_entries = st.fixed_dictionaries(
    {"name": json_values, "model": json_values, "seconds": numbers | json_values}
)
# Close to what is taken, so that the checks behind the first one are reached too.
instances = st.fixed_dictionaries(
    {"user_input": st.just("Hi")},
    optional={
        "history": st.lists(st.text(), max_size=3) | json_values,
        "language": st.sampled_from(["fr", "xx", ""]) | json_values,
        "previous_language": json_values,
        "timeout": numbers | json_values,
        "request_id": st.text(max_size=70) | json_values,
        "deadline": numbers | json_values,
        "language_confidence": numbers | json_values,
        "route": json_values,
        "user_input_en": json_values,
        "response_en": json_values,
        "response": json_values,
        "steps": st.lists(step_entries, max_size=3) | json_values,
    },
)
requests = (
    json_values
    | instances
    | st.fixed_dictionaries({"instances": st.lists(instances, max_size=3) | json_values})
)
