"""The part of the Open Data Contract Standard v3.1 that our contracts use, and our argument names.

ODCS leaves ``arguments`` and the words of ``severity`` to the user. Unknown names are errors here.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from data_contracts.model import Severity

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """Any mapping of the document."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class WhereArgument(Section):
    """The rows a rule speaks about."""

    property: Name
    is_null: bool


class Arguments(Section):
    """Arguments of the standard's metrics; ``ignoring`` is ours, see ``model.UniqueKey``."""

    valid_values: tuple[str, ...] | None = None
    pattern: str | None = None
    properties: tuple[Name, ...] | None = None
    ignoring: tuple[Name, ...] = ()


class Implementation(Section):
    """A check that the standard's metrics can't state (``type: custom``, ``engine: prefail``)."""

    check: Literal[
        "range", "given", "empty", "json", "equalsDay", "notBeforeDay", "withinLatency", "rowCountOfUsual"
    ]
    minimum: float | None = None
    maximum: float | None = None
    where: WhereArgument | None = None


class Quality(Section):
    """One rule. ``name`` is a predicate, ``business_impact`` the reason for the rule."""

    id: Name
    name: Text
    type: Literal["library", "custom"] = "library"
    metric: Literal["nullValues", "invalidValues", "duplicateValues", "rowCount"] | None = None
    must_be: Literal[0] | None = None
    must_be_greater_or_equal_to: int | None = None
    must_be_less_or_equal_to: int | None = None
    arguments: Arguments = Arguments()
    engine: Literal["prefail"] | None = None
    implementation: Implementation | None = None
    dimension: Literal[
        "accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"
    ]
    severity: Severity
    business_impact: Text


class CustomProperty(Section):
    """A name and value that the standard has no word for."""

    property: Text
    value: str | float
    description: str | None = None


class Property(Section):
    """One column."""

    name: Name
    logical_type: str
    physical_type: str
    description: Text
    required: bool = False
    primary_key: bool = False
    primary_key_position: int = -1
    partitioned: bool = False
    classification: str | None = None
    examples: tuple[str | float | bool, ...] = ()
    custom_properties: tuple[CustomProperty, ...] = ()
    quality: tuple[Quality, ...] = ()


class SchemaObject(Section):
    """The dataset's table."""

    name: Name
    physical_type: Literal["parquet"]
    data_granularity_description: Text
    description: Text
    properties: tuple[Property, ...] = Field(min_length=1)
    quality: tuple[Quality, ...] = ()


class Description(Section):
    """What the data is for, and what it is not."""

    purpose: Text
    limitations: Text
    usage: Text


class Team(Section):
    """Who answers for the data."""

    name: Text
    description: str | None = None


class ServiceLevel(Section):
    """One promise about time."""

    property: Literal["latency", "frequency"]
    value: float
    unit: Literal["d"]
    element: str | None = None
    description: str | None = None


class Document(Section):
    """One contract file; one file holds one dataset."""

    api_version: Literal["v3.1.0"]
    kind: Literal["DataContract"]
    id: Text
    name: Text
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    status: Literal["draft", "active", "deprecated"]
    domain: Text
    data_product: Text
    description: Description
    team: Team
    schema_: tuple[SchemaObject, ...] = Field(alias="schema", min_length=1, max_length=1)
    sla_properties: tuple[ServiceLevel, ...]
    custom_properties: tuple[CustomProperty, ...]
