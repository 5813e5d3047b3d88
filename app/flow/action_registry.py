"""The action types that exist: found by walking a package, one file per action."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from app.errors import CallscribeError
from app.flow.action import ActionSpec

IsSet = Callable[[str], bool]


class ActionRegistryError(CallscribeError):
    """The actions do not fit together: a programming error that stops the start."""

    code = "ACTION_REGISTRY"


class ActionRegistry:
    """Action types by name, in alphabetical order.

    `is_set` tells whether a setting (`CALLSCRIBE_...`) is configured; without it every setting counts as configured.
    """

    def __init__(self, specs: Iterable[ActionSpec], is_set: IsSet | None = None) -> None:
        self._is_set = is_set
        self._specs: dict[str, ActionSpec] = {}
        for spec in sorted(specs, key=lambda each: each.name):
            other = self._specs.get(spec.name)
            if other is not None:
                raise ActionRegistryError(
                    f"the action {spec.name} is defined in {other.module} and in {spec.module}; expected one of them"
                )
            self._specs[spec.name] = spec

    def find(self, type_name: str) -> ActionSpec | None:
        """Return the action type, None when this version has no such type."""
        return self._specs.get(type_name)

    def missing_setting(self, spec: ActionSpec, option: Mapping[str, object]) -> str:
        """Return the setting that an action with this raw option needs and that is not configured, "" for none."""
        setting = spec.setting_for(option)
        return setting if setting and self._is_set is not None and not self._is_set(setting) else ""

    def __iter__(self) -> Iterator[ActionSpec]:
        return iter(self._specs.values())

    @property
    def types(self) -> tuple[str, ...]:
        """The names of all action types."""
        return tuple(self._specs)


def load_actions(package: ModuleType, is_set: IsSet | None = None) -> ActionRegistry:
    """Import every module of `package` and return the registry of the actions that are defined in them.

    An import error passes through; ActionRegistryError when a module defines no action or a name occurs twice.
    """
    specs: list[ActionSpec] = []
    for module_name in sorted(found.name for found in iter_modules(package.__path__, f"{package.__name__}.")):
        module = import_module(module_name)
        # An action that another module imports belongs to the module that defines it.
        own = [each for each in vars(module).values() if isinstance(each, ActionSpec) and each.module == module_name]
        if not own:
            raise ActionRegistryError(f"{module_name} defines no action; expected one with the @action decorator")
        specs.extend(own)
    return ActionRegistry(specs, is_set)
