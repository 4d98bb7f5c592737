"""The tasks that a method is tried on: some of the shipped ones, shortened in memory to what takes a moment."""

from ticketbench.task import Schedule, Task, find_tasks
from ticketbench.task.settings import DataChange, Setting

STEPS, GRID, REWIND, RUNGS = 30, 15, 10, 3


def shortened(task: Task, batch_size: int | None = None, rungs: int = RUNGS, **options: int | list[int]) -> Task:
    """The task in 30 steps and three rungs at most: same data, optimizer and scope, and the network in these sizes.

    A task with settings is taken in its first. A warm-up stays one, and so do milestones, in the last quarter.
    """
    task = task.in_setting(task.setting_names[0])
    schedule = task.training.schedule
    short = Schedule(
        warmup=min(schedule.warmup, GRID // 2),
        milestones=(STEPS * 3 // 4,) if schedule.milestones else (),
        factor=schedule.factor,
    )
    training = {"steps": STEPS, "epochs": None, "evaluate_every": GRID, "rewind_step": REWIND, "schedule": short}
    if batch_size is not None:
        training["batch_size"] = batch_size
    network = {"options": {**task.network.options, **options}}
    return task.model_copy(
        update={
            "training": task.training.model_copy(update=training),
            "network": task.network.model_copy(update=network),
            "ladder": task.ladder.model_copy(update={"rounds": min(task.ladder.rounds, rungs)}),
        }
    )


def perceptron() -> Task:
    """digits/mlp with one hidden layer of 12: linear layers, pruned layer by layer."""
    return shortened(find_tasks("digits/mlp")[0], hidden=[12])


def convolutions() -> Task:
    """digits/conv at width 2, 10 examples a step, two rungs: convolutions, batch norm, global scope."""
    return shortened(find_tasks("digits/conv")[0], batch_size=10, rungs=2, width=2)


def halves(task: Task) -> Task:
    """A task in two settings, a half of the training examples each, on its first rung."""
    halved = {name: Setting(data=DataChange(part=part)) for name, part in (("first", "1/2"), ("second", "2/2"))}
    ladder = task.ladder.model_copy(update={"rounds": 1})
    return task.model_copy(update={"settings": halved, "ladder": ladder})
