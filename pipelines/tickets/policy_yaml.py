"""Read YAML so that a slip of the writer is an error: a part that stands there twice, a day that does not exist."""

from collections.abc import Hashable

import yaml


class _PolicyLoader(yaml.SafeLoader):
    """Days stay text, for the policy's own types to check."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.yaml_implicit_resolvers = {
            first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
            for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """Return the mapping; YAML itself would silently keep the last of two equal names."""
        names: set[str] = set()
        for key, _ in node.value:
            if key.value in names:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} stands there twice", key.start_mark
                )
            names.add(key.value)
        return super().construct_mapping(node, deep=deep)


def load_policy_yaml(text: str) -> object:
    """Return what the document says; ``yaml.YAMLError`` if it is not valid or says something twice."""
    loaded: object = yaml.load(text, Loader=_PolicyLoader)  # noqa: S506 a SafeLoader
    return loaded
