"""Published numbers and claims that a task is held against."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ticketbench.task.base import Spec

DEFAULT_SETTING = "default"

# The numbers of a result row that say something of a ticket: `column` is one of them. The schema of results lies in
# a layer above this one.
COLUMNS = (
    "density_asked",
    "density",
    "kept",
    "prunable",
    "parameters",
    "start_step",
    "test_final",
    "test_best",
    "validation_final",
    "validation_best",
    "loss_validation_best",
    "best_step",
    "test_examples",
    "path_length",
    "distance_moved",
    "search_steps",
    "search_examples",
    "search_seconds",
    "training_steps",
    "wall_seconds",
    "device_seconds",
    "peak_memory_bytes",
    "flops",
    "flops_dense",
    "bytes_dense",
    "bytes_sparse",
    "latency",
)


class Against(Spec):
    """The other side of a claim: a method at a density, on the claim's own settings unless it says otherwise."""

    method: str
    density: Annotated[float, Field(gt=0, le=1)] = 1.0
    found_on: str | None = None
    trained_on: str | None = None


class Reference(Spec):
    """A published number or ordering that the task is held against.

    A value is held against ours at its density. A claim can be tested where it says `sign`, and `against` (another
    method, density or setting) or `bound` (a number): `column` of the one must be higher than, lower than or equal
    to that of the other.
    """

    cite: str = Field(description="Citation key in references.bib.")
    where: str = Field(description="Table, figure or section.")
    method: str
    found_on: str = DEFAULT_SETTING
    trained_on: str = DEFAULT_SETTING
    density: Annotated[float, Field(gt=0, le=1)] | None = None
    column: str | None = None
    value: float | None = None
    plus_minus: float | None = Field(default=None, description="The spread the source prints, as it prints it.")
    claim: str | None = Field(default=None, description="An ordering or another statement, in the source's sense.")
    sign: Literal["higher", "lower", "equal"] | None = Field(default=None, description="What the claim comes to.")
    against: Against | None = None
    bound: float | None = None
    differs: str | None = Field(
        default=None, description="How the source's recipe differs from the task's: then it is not comparable."
    )
    note: str | None = Field(default=None, description="What the source leaves open or does differently.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.value is None) == (self.claim is None):
            raise ValueError("say either value (with column and density) or claim")
        if self.value is not None and (self.column is None or self.density is None):
            raise ValueError("a value needs the column it is held against and its density")
        return self

    @model_validator(mode="after")
    def _can_be_tested(self) -> Self:
        others = [each for each in (self.against, self.bound) if each is not None]
        if self.sign is None and others:
            raise ValueError("against and bound need a sign: higher, lower or equal")
        if self.sign is not None:
            if self.claim is None or len(others) != 1:
                raise ValueError("a sign belongs to a claim, with either against or bound")
            if self.column is None or self.density is None:
                raise ValueError("a claim that is tested needs the column it is about and its density")
        return self
