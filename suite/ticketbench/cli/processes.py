"""How many processes a command starts where it is not told."""


def cores() -> int:
    """How many cores this process may use, which in a container or under a scheduler are not all there are."""
    from joblib import cpu_count

    return int(cpu_count())


def processes_for(device: str) -> int:
    """How many trainings run side by side on a device: one a core, and on a GPU one."""
    return 1 if device.startswith("cuda") else cores()
