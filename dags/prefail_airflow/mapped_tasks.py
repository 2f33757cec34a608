"""What the parts of a mapped task are called in the UI, instead of 0, 1, 2."""

PART_NAME = "{{ part_name }}"
"""To be given as ``map_index_template``; the running part then names itself by :func:`name_part`."""


def name_part(name: str) -> None:
    """Name the running part of a mapped task: a source, a target, a span, an answer."""
    from airflow.sdk import get_current_context

    # Airflow renders the template from this very mapping; its type knows the keys of Airflow alone.
    get_current_context()["part_name"] = name  # type: ignore[typeddict-unknown-key]
