"""What a method holds of a network: a lazy, immutable handle."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from torch import Tensor

from ticketbench.masks import Mask
from ticketbench.methods.state import State, Tensors, derive


class Keep:
    """The default of `replace(optimizer=)`: leave the optimizer's state as it is."""

    def __repr__(self) -> str:
        return "as it is"


KEEP = Keep()


def _unread(trainings: frozenset[str]) -> None:
    """Nobody keeps account of what is read."""


@dataclass
class _Held:
    """What a checkpoint is, out of the reach of who holds it."""

    key: str | None
    step: int
    load: Callable[[], State]
    trainings: frozenset[str]
    on_read: Callable[[frozenset[str]], None]


class Checkpoint:
    """A network at a moment: mask, weights, buffers, optimizer state, step.

    Nothing is loaded until a tensor is asked for, and every tensor given out is a copy on the CPU, so
    editing one in place changes nothing but the copy; `replace` makes a new checkpoint. None of its attributes
    can be set.
    """

    __slots__ = ("__held", "__weakref__")
    __held: _Held

    def __init__(
        self,
        key: str | None,
        step: int,
        load: Callable[[], State],
        *,
        trainings: frozenset[str] = frozenset(),
        on_read: Callable[[frozenset[str]], None] = _unread,
    ):
        """For the harness. `key` is the digest of the derivation, None to take the content's; `trainings` are
        the trainings it comes from, reported to `on_read` when a tensor is looked at."""
        object.__setattr__(self, "_Checkpoint__held", _Held(key, step, load, trainings, on_read))

    def __setattr__(self, name: str, _: Any) -> None:
        raise AttributeError(f"checkpoint.{name}: a checkpoint cannot be changed; replace makes another")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: Any) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<checkpoint {self.key[:12]} at step {self.step}>"

    @property
    def key(self) -> str:
        """Digest: of how it was made where the harness made it, of its content where a method did."""
        if self.__held.key is None:
            self.__held.key = self.state().digest()
        return self.__held.key

    @property
    def step(self) -> int:
        """How many optimizer steps of the task's training lie behind it."""
        return self.__held.step

    @property
    def trainings(self) -> frozenset[str]:
        """For the harness: the trainings that it comes from."""
        return self.__held.trainings

    @property
    def mask(self) -> Mask:
        """Which prunable weights are kept: `{name: bool tensor of the weight's shape}`, in network order."""
        return _copies(self._read().mask)

    @property
    def weights(self) -> Tensors:
        """All parameters by the names of `named_parameters()`; pruned ones are exactly zero."""
        return _copies(self._read().weights)

    @property
    def prunable(self) -> Tensors:
        """The parameters that a mask covers, in network order."""
        state = self._read()
        return {name: state.weights[name].clone() for name in state.mask}

    @property
    def buffers(self) -> Tensors:
        """All buffers (batch-norm statistics) by name."""
        return _copies(self._read().buffers)

    @property
    def extra(self) -> Tensors:
        """The tensors that an objective trains beside the weights."""
        return _copies(self._read().extra)

    def replace(
        self,
        *,
        mask: Mask | None = None,
        weights: Mapping[str, Tensor] | None = None,
        buffers: Mapping[str, Tensor] | None = None,
        step: int | None = None,
        optimizer: Keep | Literal[None] = KEEP,
        extra: Mapping[str, Tensor] | None = None,
    ) -> "Checkpoint":
        """A new checkpoint with these parts replaced; what is not given stays as it is.

        Weights and optimizer state outside the mask become exactly zero. A mask may grow: what it takes in
        starts at zero. `weights` and `buffers` may name only some; `optimizer=None` starts a fresh one.

        Raises:
            ValueError: names or shapes that the network does not have, or a negative step.
        """
        if optimizer is not None and not isinstance(optimizer, Keep):
            raise ValueError("optimizer: leave it out to keep its state, or give None to start a fresh one")
        given: dict[str, Any] = {
            "mask": mask,
            "weights": weights,
            "buffers": buffers,
            "step": step,
            "fresh_optimizer": optimizer is None,
            "extra": extra,
        }
        old = self.state()
        new = derive(old, **given)
        if new is old:
            return self
        return Checkpoint(None, new.step, lambda: new, trainings=self.trainings, on_read=self.__held.on_read)

    def read_by(self, on_read: Callable[[frozenset[str]], None]) -> bool:
        """For the harness: whether this is whom a look at its tensors is reported to."""
        return self.__held.on_read == on_read

    def state(self) -> State:
        """For the harness: the tensors themselves, not to be edited, and read on nobody's account."""
        return self.__held.load()

    def _read(self) -> State:
        self.__held.on_read(self.trainings)
        return self.state()


def _copies(tensors: Mapping[str, Tensor]) -> Tensors:
    return {name: tensor.clone() for name, tensor in tensors.items()}
