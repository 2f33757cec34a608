"""How the pages of a day are filled in: escaping, a name that is not there is an error, numbers as people read them."""

from functools import cache

import jinja2

from features.words import name_kind
from pipelines.report.plots import draw_series
from pipelines.report.wording import capitalize_first, format_level, format_moment, format_risk


def load_template(name: str) -> jinja2.Template:
    """Return a template of ``pipelines/report/templates``."""
    return _environment().get_template(name)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipelines.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        risk=format_risk,
        level=format_level,
        moment=format_moment,
        capitalize_first=capitalize_first,
        kind=name_kind,
    )
    environment.globals["draw_series"] = draw_series
    return environment
