"""Read what the CloudFormation template lets each role do, for the policies of another S3 server."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

TEMPLATE = Path(__file__).parents[2] / "infra" / "cloudformation" / "lake.yaml"
# Bucket resources of the template, and the buckets that stand for them in a test.
BUCKETS = {"LakeBucket": "lake", "ListBucket": "readers"}
# SeaweedFS knows fewer verbs; its Write includes deleting.
_VERBS = {
    "s3:GetObject": "Read",
    "s3:ListBucket": "List",
    "s3:PutObject": "Write",
    "s3:DeleteObject": "Write",
    "s3:AbortMultipartUpload": "Write",
}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's own tags, kept as plain text."""


_Loader.add_multi_constructor("!", lambda loader, _, node: loader.construct_scalar(node))


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role of the template, in the words of SeaweedFS: ``Write:lake/raw_*`` and the like."""

    name: str
    actions: tuple[str, ...]

    @property
    def credentials(self) -> tuple[str, str]:
        return f"{self.name.lower()}key", f"{self.name.lower()}-secret-0123456789"

    @property
    def identity(self) -> dict[str, object]:
        key_id, secret = self.credentials
        return {
            "name": self.name,
            "credentials": [{"accessKey": key_id, "secretKey": secret}],
            "actions": list(self.actions),
        }


def read_template() -> dict[str, dict[str, object]]:
    document: dict[str, dict[str, object]] = yaml.load(TEMPLATE.read_text("utf-8"), _Loader)
    return document


def read_roles() -> dict[str, Role]:
    """Return the template's roles by name, without the word Role."""
    roles = {}
    for name, resource in read_template()["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role":
            short = name.removesuffix("Role")
            roles[short] = Role(name=short, actions=tuple(sorted(set(_list_actions(resource)))))
    return roles


def _list_actions(resource: dict[str, object]) -> Iterator[str]:
    for policy in resource["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            for action in _as_list(statement["Action"]):
                if action.startswith("kms:"):
                    continue
                for target in _as_list(statement["Resource"]):
                    yield f"{_VERBS[action]}:{_place(target)}"


def _place(target: str) -> str:
    bucket, _, prefix = target.replace("${", "").replace("}", "").partition("/")
    name = BUCKETS[bucket.removesuffix(".Arn")]
    # SeaweedFS knows a bucket or what a key starts with, no single key.
    return f"{name}/{prefix.removesuffix('*')}*" if prefix else name


def _as_list(value: object) -> list[str]:
    return value if isinstance(value, list) else [value]
