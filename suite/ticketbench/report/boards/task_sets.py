"""Named, versioned sets of tasks over which methods are compared (`leaderboard/sets.toml`)."""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from ticketbench.errors import TicketbenchError
from ticketbench.task.base import Spec
from ticketbench.task.references import DEFAULT_SETTING


class Member(Spec):
    """A task of a set: tickets found and trained on one of its settings, in one version of it."""

    id: str
    version: int = Field(ge=1)
    setting: str = DEFAULT_SETTING
    numerics: str = "fp32"

    @property
    def called(self) -> str:
        """The task's id, and its setting where it has several."""
        return self.id if self.setting == DEFAULT_SETTING else f"{self.id} ({self.setting})"


class TaskSet(Spec):
    """Tasks that count the same in one table. Another choice of them is another set, or another version of it."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    version: int = Field(ge=1)
    title: str
    tasks: Annotated[tuple[Member, ...], Field(min_length=1)]


class _File(Spec):
    sets: tuple[TaskSet, ...] = ()


def read_sets(path: Path) -> tuple[TaskSet, ...]:
    """The sets of a file. Raises `TicketbenchError` where it cannot be read, or names a set or a task twice."""
    try:
        found = _File.model_validate(tomllib.loads(path.read_text("utf-8"))).sets
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TicketbenchError(f"{path}: is not a readable TOML file ({error}).") from None
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise TicketbenchError(f"{path}: {wrong}.") from None
    if len({(each.name, each.version) for each in found}) < len(found):
        raise TicketbenchError(f"{path}: has two sets of one name and version.")
    for each in found:
        if len({(member.id, member.setting, member.numerics) for member in each.tasks}) < len(each.tasks):
            raise TicketbenchError(f"{path}: set {each.name} has a task twice.")
    return found
