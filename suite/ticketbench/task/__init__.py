"""Contract: what a task says, and how its TOML file is read."""

from ticketbench.task.files import find_tasks, load_task, shipped_tasks, task_schema
from ticketbench.task.spec import (
    SGD,
    Adam,
    Data,
    Ladder,
    Network,
    Optimizer,
    Reference,
    Schedule,
    Scoring,
    Task,
    Training,
)

__all__ = [
    "SGD",
    "Adam",
    "Data",
    "Ladder",
    "Network",
    "Optimizer",
    "Reference",
    "Schedule",
    "Scoring",
    "Task",
    "Training",
    "find_tasks",
    "load_task",
    "shipped_tasks",
    "task_schema",
]
