"""Contract: what a task says, and how its TOML file is read."""

from ticketbench.task.base import Spec
from ticketbench.task.data import Data, Environment, Images, Shape, Text, Translation
from ticketbench.task.files import find_task, find_tasks, load_task, shipped_tasks, task_schema
from ticketbench.task.recipe import (
    SGD,
    Adam,
    Agent,
    AnyOptimizer,
    Ladder,
    Network,
    Optimizer,
    RMSprop,
    Schedule,
    Training,
)
from ticketbench.task.references import Against, Reference
from ticketbench.task.spec import TIERS, Scoring, Task

__all__ = [
    "SGD",
    "TIERS",
    "Adam",
    "Against",
    "Agent",
    "AnyOptimizer",
    "Data",
    "Environment",
    "Images",
    "Ladder",
    "Network",
    "Optimizer",
    "RMSprop",
    "Reference",
    "Schedule",
    "Scoring",
    "Shape",
    "Spec",
    "Task",
    "Text",
    "Training",
    "Translation",
    "find_task",
    "find_tasks",
    "load_task",
    "shipped_tasks",
    "task_schema",
]
