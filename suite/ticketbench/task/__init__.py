"""Contract: what a task says, and how its TOML file is read."""

from ticketbench.task.base import Spec
from ticketbench.task.data import (
    Data,
    Environment,
    Images,
    ImagesName,
    Shape,
    Text,
    TextName,
    Translation,
    TranslationName,
)
from ticketbench.task.files import find_task, find_tasks, load_task, shipped_tasks, task_schema
from ticketbench.task.recipe import (
    SGD,
    Adam,
    Agent,
    AnyOptimizer,
    Ladder,
    Network,
    NetworkName,
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
    "ImagesName",
    "Ladder",
    "Network",
    "NetworkName",
    "Optimizer",
    "RMSprop",
    "Reference",
    "Schedule",
    "Scoring",
    "Shape",
    "Spec",
    "Task",
    "Text",
    "TextName",
    "Training",
    "Translation",
    "TranslationName",
    "find_task",
    "find_tasks",
    "load_task",
    "shipped_tasks",
    "task_schema",
]
