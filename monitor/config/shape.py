"""Which keys, types and bounds the settings classes allow at a place of the file.

A *spot* is what may stand at a place: the annotations of the settings classes, unions flattened.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from monitor.config.yaml_marks import Node

Spot: TypeAlias = tuple[Any, ...]


def leaves(spot: Spot) -> Iterator[Any]:
    """Yield every type that may stand at a spot or as an item of a list there."""
    for annotation in spot:
        origin: Any = get_origin(annotation)
        if origin is Annotated:
            yield from leaves(get_args(annotation)[:1])
        elif origin in (Union, UnionType, list, tuple, set, frozenset):
            yield from leaves(tuple(arg for arg in get_args(annotation) if arg is not Ellipsis))
        else:
            yield annotation


def models(spot: Spot, node: Node | None = None) -> list[type[BaseModel]]:
    """Return the settings classes at a spot; where ``type`` tells them apart, the one that a mapping names, if any."""
    found = [leaf for leaf in leaves(spot) if isinstance(leaf, type) and issubclass(leaf, BaseModel)]
    tag = node.get("type") if node else None
    if tag is None:
        return found
    types = {model: _literals(model.model_fields.get("type")) for model in found}
    return [model for model in found if not types[model] or tag.value in types[model]]


def field_at(spot: Spot, key: str, node: Node | None = None) -> FieldInfo | None:
    """Return the declaration of a key at a spot, if any class there has it."""
    found = (fields(model).get(key) for model in models(spot, node))
    return next((info for info in found if info is not None), None)


def member(spot: Spot, key: str, node: Node | None = None) -> Spot:
    """Return the spot below a key; empty if the key is unknown there."""
    infos = (fields(model).get(key) for model in models(spot, node))
    below = [info.annotation for info in infos if info is not None]
    below += [get_args(leaf)[1] for leaf in leaves(spot) if get_origin(leaf) is dict]
    return tuple(below)


def known_keys(spot: Spot, node: Node | None = None) -> list[str]:
    """Return the keys that a mapping at a spot may have, in the order they are declared."""
    return list(dict.fromkeys(key for model in models(spot, node) for key in fields(model)))


def fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return a class's declarations by the key an operator writes."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def is_secret(spot: Spot) -> bool:
    """Say whether a secret may stand at a spot."""
    return any(leaf is SecretStr for leaf in leaves(spot))


def is_section(spot: Spot) -> bool:
    """Say whether only a mapping with settings may stand at a spot: neither null nor a plain value."""
    found, settings = list(leaves(spot)), models(spot)
    rest = [leaf for leaf in found if leaf not in settings and get_origin(leaf) is not dict]
    return bool(settings) and not rest


def _literals(info: FieldInfo | None) -> tuple[Any, ...]:
    if info is None:
        return ()
    return tuple(arg for leaf in leaves((info.annotation,)) if get_origin(leaf) is Literal for arg in get_args(leaf))
