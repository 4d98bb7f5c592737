"""Which series a ranking compares, and which it keeps apart (docs/rulebook.md, sections 6 and 7)."""

from collections.abc import Mapping

from ticketbench.report.boards.board import Board, Series
from ticketbench.report.statistics.differences import RANK_SEEDS
from ticketbench.results import SCORED, Row

TRAINED = "trained by the task’s recipe"
AS_IT_IS = "scored as they are, not trained"
FAMILIES = (TRAINED, AS_IT_IS)
OWN_RECIPE = "own recipe: its tickets come of a training of its own, and the task’s trained them for less than T / 10"
LEAST_OWN = 0.1  # of T that the task's recipe has to train a ticket with weights of another recipe


def family(series: Series) -> str:
    """Which others a series is compared with: those whose tickets the task trained, or those scored as they are."""
    steps = [row["training_steps"] for row in series.rows if row["status"] in SCORED]
    return AS_IT_IS if steps and all(each == 0 for each in steps) else TRAINED


def kept_apart(series: Series, board: Board, own_recipes: Mapping[str, bool]) -> str:
    """Why a series has no rank on any score; empty where nothing speaks against one.

    Args:
        own_recipes: by method, whether its file trains with an objective or a recipe of its own; a method that is not
            there has a file that nobody has read.
    """
    if series.carried:
        return f"its tickets carry weights of {board.found_on}"
    if own_recipes.get(series.method, True) and any(map(hardly_trained, series.rows)):
        read = series.method in own_recipes
        return OWN_RECIPE if read else "its tickets may come of a recipe of its own: its file was not read"
    scored = [row["training_steps"] == 0 for row in series.rows if row["status"] in SCORED]
    if any(scored) and not all(scored):
        return "some of its tickets are scored as they are, others trained"
    if len(series.seeds) < RANK_SEEDS:
        return f"{len(series.seeds)} seed{'s' if len(series.seeds) > 1 else ''}: a rank needs {RANK_SEEDS}"
    return ""


def hardly_trained(row: Row) -> bool:
    """Whether a ticket carries trained weights, and the task's recipe trained it for less than a tenth of T."""
    start, trained = row["start_step"] or 0, row["training_steps"] or 0
    return row["status"] in SCORED and bool(row["carried"]) and trained < LEAST_OWN * (start + trained)
