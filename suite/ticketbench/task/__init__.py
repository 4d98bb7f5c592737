"""Contract: what a task says, and how its TOML file is read."""

from ticketbench.task.files import find_tasks, load_task, shipped_tasks, task_schema
from ticketbench.task.recipe import SGD, Adam, Data, Ladder, Network, Optimizer, Schedule, Shape, Spec, Training
from ticketbench.task.references import Against, Reference
from ticketbench.task.spec import Scoring, Task

__all__ = [
    "SGD",
    "Adam",
    "Against",
    "Data",
    "Ladder",
    "Network",
    "Optimizer",
    "Reference",
    "Schedule",
    "Scoring",
    "Shape",
    "Spec",
    "Task",
    "Training",
    "find_tasks",
    "load_task",
    "shipped_tasks",
    "task_schema",
]
