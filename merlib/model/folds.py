"""Folds of a small network trained as one batched computation.

A network of a few thousand weights cannot keep a processor busy: most of the time is spent on
starting operations. Here the networks of several folds are stacked, and every operation is done for
all of them at once. Each fold has the same weights, batches, augmentation and dropout as when it is
trained alone, so the result is the same up to the rounding of sums. On a GPU the dropout is drawn
there, of all folds at once: it is as random, but not what a fold draws alone. Convolutions are
matrix products there, since those of many small groups of channels are slow, and a step is recorded
as a whole if that is faster there.
"""

import copy
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, ClassVar, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from merlib.files import say

from .training import Diverged, decaying, with_momentum

VERSION = 1  # raised when this step computes something else, see merlib.versions

padded: Callable[..., Tensor] = partial(nn.utils.rnn.pad_sequence, batch_first=True)
"""Return tensors (N_f, ...) as one tensor (F, B, ...); shorter ones are filled with zeros."""

AfterFoldsEpoch = Callable[[int, int, np.ndarray], None]
"""Gets an epoch, the number of a fold, and the probabilities (N, K) of its test clips."""


COPIES = 16
"""Numbers that a training of folds together keeps for each weight, at most: the weight, its slope
and what the optimiser notes; before a step, the weight and the notes again; three times the same
while a recording is tried. The rest is for what is computed between the layers."""


def fit_on_a_gpu(build: Callable[[], nn.Module]) -> int:
    """Return how many networks train together in the memory of the first GPU, by their weights."""
    with torch.device("meta"):  # without values
        weights = sum(one.numel() for one in build().parameters())
    memory = torch.cuda.get_device_properties(0).total_memory
    return max(1, memory // (4 * COPIES * weights))


class Together:
    """The networks of several folds, stacked.

    ``weights`` and ``buffers`` are tensors (F, ...) by name. ``states`` holds the state of the
    random generator from which each fold draws its dropout.
    """

    def __init__(self, networks: Sequence[nn.Module], states: Sequence[Tensor], example: Tensor):
        given = [prepared(network, example.device).train() for network in networks]
        self.weights, self.buffers = stack_module_state(given)
        self.states, self.network = list(states), given[0]
        self.norms = [m for m in self.network.modules() if isinstance(m, WeightedBatchNorm)]
        named = self.network.named_modules()
        self.dropouts = {name: m for name, m in named if isinstance(m, GivenDropout)}
        self.network(example)  # sets the shapes of the dropout layers

    def parameter_groups(self, weight_decay: float) -> list[dict]:
        """Return two groups for the optimiser, as `decaying` does for one network."""
        return decaying(self.weights.values(), weight_decay, dimensions=2)

    def forward(self, x: Tensor, counts: Tensor, whole: bool) -> Tensor:
        """Return logits (F, B, K) of clips (F, B, ...), in training.

        Clips of count 0 (F, B) only fill a batch; a batch is ``whole`` if it has none.
        """

        def one(weights: dict, buffers: dict, x: Tensor, counts: Tensor) -> Tensor:
            for norm in self.norms:
                norm.whole, norm.counts = whole, counts
            return functional_call(self.network, (weights, buffers), (x,))

        return vmap(one)(self.weights, self.buffers | self.masks(counts), x, counts)

    def masks(self, counts: Tensor) -> dict[str, Tensor]:
        """Draw the masks (F, B, ...) of the dropout layers: on a CPU each fold's own."""
        if counts.device.type != "cpu":
            # Thousands of small draws would take longer than the rest of a step.
            kept = {name: (layer.shape, 1 - layer.p) for name, layer in self.dropouts.items()}
            return {
                f"{name}.mask": counts.new_empty(*counts.shape, *shape).bernoulli_(p) / p
                for name, (shape, p) in kept.items()
            }
        drawn: dict[str, list[Tensor]] = {f"{name}.mask": [] for name in self.dropouts}
        for fold, rows in enumerate(counts.sum(dim=1).int().tolist()):
            torch.set_rng_state(self.states[fold])
            for masks, layer in zip(drawn.values(), self.dropouts.values(), strict=True):
                mask = torch.empty(rows, *layer.shape)
                masks.append(mask.bernoulli_(1 - layer.p).div_(1 - layer.p))
            self.states[fold] = torch.get_rng_state()
        return {name: padded(masks) for name, masks in drawn.items()}

    def drawn(
        self,
        draw: Callable[[int], tuple[Tensor, ...]],
        batches: Sequence[Sequence[Tensor]],
        device: torch.device,
    ) -> list[tuple[Tensor, ...]]:
        """Return what each fold draws for an epoch, by its own state: (F * B, ...) for each step.

        ``batches`` are the rows of each fold, in equally many steps.
        """
        folds = []
        for fold, steps in enumerate(batches):
            torch.set_rng_state(self.states[fold])
            folds.append([draw(len(rows)) for rows in steps])
            self.states[fold] = torch.get_rng_state()
        kinds = [
            [
                moves.flatten(0, 1)
                for moves in stacked([[one[kind] for one in fold] for fold in folds], device)
            ]
            for kind in range(len(folds[0][0]))
        ]
        return list(zip(*kinds, strict=True)) or [() for _ in batches[0]]

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """Return those (F, B, K) of clips (F, B, ...), as each fold predicts them."""
        self.network.eval()

        def one(weights: dict, buffers: dict, x: Tensor) -> Tensor:
            return functional_call(self.network, (weights, buffers), (x,))

        found = vmap(one)(self.weights, self.buffers, x)
        self.network.train()
        return found

    def finite(self) -> Tensor:
        """Return whether all weights and statistics of each fold (F,) are finite."""
        values = [*self.weights.values(), *self.buffers.values()]
        good = [value.isfinite().reshape(len(value), -1).all(dim=1) for value in values]
        return torch.stack(good).all(dim=0)

    def state_dict(self, fold: int) -> dict[str, Tensor]:
        """Return the tensors of one fold's network."""
        both = (self.weights | self.buffers).items()
        masks = {f"{name}.mask" for name in self.dropouts}
        return {name: value[fold].detach().clone() for name, value in both if name not in masks}


class Trainer:
    """Takes the steps of networks that train together, by cross entropy.

    ``move`` returns training clips (N, ...) moved at random, from the clips and what `step` is
    given for it. ``prior`` is added to the logits in the loss. Folds with unequal numbers of steps
    need a ``pace`` in each step, and an optimiser whose step is in proportion to its rate: SGD.
    """

    def __init__(
        self,
        together: Together,
        optimiser: torch.optim.Optimizer,
        move: Callable[..., Tensor],
        prior: Tensor | float = 0.0,
    ):
        self.together, self.move, self.prior = together, move, prior
        self.optimiser = recordable(with_momentum(optimiser))
        self.total = torch.zeros(
            len(together.states), device=next(iter(together.weights.values())).device
        )
        self.step = Recorded(self.take, "a step of training", self.changed)
        self.logits = Recorded(together.logits, "a prediction")

    def changed(self) -> list[Tensor]:
        """Return the tensors that a step changes."""
        network = self.together
        noted = kept_by(self.optimiser)
        return [*network.weights.values(), *network.buffers.values(), *noted, self.total]

    def take(
        self,
        clips: Tensor,
        labels: Tensor,
        counts: Tensor,
        whole: bool,
        pace: Tensor | None,
        *drawn: Tensor,
    ) -> None:
        """Take a step by clips (F, B, ...), their labels and counts (F, B); see `Together`.

        ``pace`` (F,) is the share of the step that each fold takes; a fold of share 0 rests.
        """
        before = [] if pace is None else [one.detach().clone() for one in self.paced()]
        moved = self.move(clips.flatten(0, 1), *drawn).unflatten(0, counts.shape)
        logits = self.together.forward(moved, counts, whole) + self.prior
        losses = mean_losses(logits, labels, counts)
        losses.sum().backward()
        self.optimiser.step()
        self.optimiser.zero_grad()
        clips_of_step = counts.sum(dim=1)
        if pace is not None:
            self.keep_pace(before, pace)
            clips_of_step = clips_of_step * (pace > 0)
        self.total += losses.detach() * clips_of_step

    def paced(self) -> list[Tensor]:
        """Return the tensors (F, ...) of the folds that a step changes, weights first."""
        masks = {f"{name}.mask" for name in self.together.dropouts}
        buffers = [one for name, one in self.together.buffers.items() if name not in masks]
        return [*self.together.weights.values(), *buffers, *kept_by(self.optimiser)]

    @torch.no_grad()
    def keep_pace(self, before: Sequence[Tensor], pace: Tensor) -> None:
        """Undo the part of a step that a fold does not take.

        A weight moves by its share of the step. What is noted beside it, such as momentum, is not
        touched by a rate: it stays as it was only if the fold rests.
        """
        for k, (then, now) in enumerate(zip(before, self.paced(), strict=True)):
            share = pace.view(-1, *(1,) * (now.ndim - 1))
            if k < len(self.together.weights):
                now.copy_(torch.lerp(then, now, share))
            else:
                now.copy_(torch.where(share > 0, now, then))

    def end_epoch(
        self,
        number: int,
        folds: Sequence["Trained"],
        tests: Tensor,
        after_epoch: AfterFoldsEpoch | None,
    ) -> None:
        """Tell folds their loss in an epoch, and ``after_epoch`` the answers to their tests."""
        total = torch.where(self.together.finite(), self.total, math.nan).tolist()
        self.total.zero_()
        for fold, loss in zip(folds, total, strict=True):
            fold.end_epoch(number, loss)
        if after_epoch is not None:
            found = self.logits(tests).cpu().double().softmax(dim=2)  # MPS has no float64
            for fold, some in zip(folds, found.numpy(), strict=True):
                after_epoch(number, fold.number, some[: len(fold.test)])


class Trained:
    """A fold that `Trainer` trains: what the folds of all networks share."""

    classifier: Any  # takes the losses and the network
    number: int  # of the fold, from 0
    codes: np.ndarray  # numbers of the training clips' classes
    test: Tensor  # a row for each test clip
    steps: int  # in an epoch
    learning_rate: float

    def end_epoch(self, number: int, loss: float) -> None:
        """Note the sum of the losses of an epoch; raise `Diverged` if it is not finite."""
        self.classifier.loss_.append(loss / len(self.codes))
        if not math.isfinite(loss):
            del self.classifier.network_
            raise Diverged(number, self.learning_rate, self.number)


Some = TypeVar("Some", bound=Trained)


def alike(folds: Iterable[Some], paced: bool = False) -> list[list[Some]]:
    """Return groups of folds with the same number of classes, and of steps unless ``paced``."""
    groups: dict[tuple[int, int], list[Some]] = defaultdict(list)
    for fold in folds:
        groups[0 if paced else fold.steps, len(fold.classifier.classes_)].append(fold)
    return list(groups.values())


def recordable(optimiser: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Return an optimiser whose steps can be `Recorded`: on a GPU its rates are tensors."""
    for group in optimiser.param_groups:
        device = group["params"][0].device
        if device.type == "cuda":
            group["lr"] = torch.tensor(group["lr"], device=device)
            if "capturable" in group:
                group["capturable"] = True
    return optimiser


def kept_by(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    """Return the tensors that an optimiser changes beside the weights, such as momentum."""
    states = optimiser.state.values()
    return [one for state in states for one in state.values() if isinstance(one, Tensor)]


class Recorded:
    """A function of tensors that a GPU does again by itself, as a CUDA graph.

    A step is thousands of short operations, and a GPU would wait for Python between them. So after
    a few calls with the same shapes the operations are recorded; then they run on new values in one
    call. The function depends on its arguments alone, and on tensors that it changes in place:
    ``changed`` returns these. What it returns is written over by the next call.

    Not every driver and card gains by it. So a recording is first run beside the function itself,
    from the same state; it is kept if it gives the same and is faster. The terminal says so, once.
    On a CPU the function is simply called. ``name`` is what one call is.
    """

    CALLS = 3
    """Calls before it is recorded: the first ones make the state of an optimiser."""

    TOLD: ClassVar[set[tuple[str, str]]] = set()
    """What this process has told already: the name of a function, and how it is called."""

    def __init__(
        self, function: Callable, name: str, changed: Callable[[], Iterable[Tensor]] = tuple
    ):
        self.function, self.name, self.changed = function, name, changed
        self.calls: Counter = Counter()
        self.graphs: dict[tuple, Graph | None] = {}  # None: it is called as before

    def __call__(self, *given: Any) -> Any:
        """Return what the function returns for tensors, and perhaps other values."""
        if not can_record(given[0]):
            return self.function(*given)
        key = tuple(one.shape if isinstance(one, Tensor) else one for one in given)
        self.calls[key] += 1
        if self.calls[key] == self.CALLS + 1:
            return self.recorded(key, given)
        graph = self.graphs.get(key)
        return self.plain(*given) if graph is None else graph(*given)

    def plain(self, *given: Any) -> Any:
        """Call the function in the stream in which it is recorded."""
        with beside():
            return self.function(*given)

    def recorded(self, key: tuple, given: Sequence[Any]) -> Any:
        """Record the operations, and keep them if that is good; return what the function returns.

        In the end all is as after a single call of the function itself.
        """
        self.graphs[key] = None
        # Graphs of other shapes share their memory: nothing in it lasts from call to call.
        pool = next((one.graph.pool() for one in self.graphs.values() if one is not None), None)
        try:
            graph = Graph(self.function, given, pool)
        except RuntimeError as error:
            for one in self.changed():
                one.grad = None  # of the recording that failed
            self.tell("not recorded", str(error).partition("\n")[0])
            return self.plain(*given)
        before, random = [one.clone() for one in self.changed()], random_state(given[0])
        values: dict[str, list[Tensor]] = {}
        seconds = {"recorded": math.inf, "called": math.inf}
        for _ in range(self.CALLS):
            for way, call in (("recorded", graph), ("called", self.plain)):
                self.restore(before)
                set_random_state(given[0], random)
                begun = finished()
                found = call(*given)
                seconds[way] = min(seconds[way], finished() - begun)
                returned = () if found is None else (found,)
                values[way] = [one.detach().clone() for one in (*self.changed(), *returned)]
        told = " and ".join(f"{1000 * t:.1f} ms {way}" for way, t in seconds.items())
        if not all(map(same, values["recorded"], values["called"])):
            self.tell("not recorded", "that gives other numbers")
        elif seconds["recorded"] < seconds["called"]:
            self.graphs[key] = graph
            self.tell("recorded", told)
        else:
            self.tell("not recorded", told)
        return found

    def tell(self, how: str, why: str) -> None:
        """Say how the function is called, and why: once in a process."""
        if (self.name, how) not in self.TOLD:
            self.TOLD.add((self.name, how))
            say(f"{self.name} is {how} for the GPU: {why}")

    @torch.no_grad()
    def restore(self, before: Sequence[Tensor]) -> None:
        """Give the tensors that the function changes the values that they had."""
        for now, then in zip(self.changed(), before, strict=True):
            now.copy_(then)


class Graph:
    """The operations of a function as a CUDA graph, for arguments of the shapes of ``given``."""

    def __init__(self, function: Callable, given: Sequence[Any], pool: Any):
        self.kept = [one.clone() if isinstance(one, Tensor) else one for one in given]
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, pool=pool, stream=side_stream()):
            self.found = function(*self.kept)

    def __call__(self, *given: Any) -> Any:
        """Do them again with other values, and return what the function returns."""
        for old, new in zip(self.kept, given, strict=True):
            if isinstance(old, Tensor):
                old.copy_(new)
        self.graph.replay()
        return self.found


def can_record(x: Tensor) -> bool:
    """Return whether the operations on a tensor can be recorded."""
    return x.is_cuda


def same(one: Tensor, other: Tensor) -> bool:
    """Return whether two tensors are equal up to rounding."""
    return torch.allclose(one, other, rtol=1e-4, atol=1e-6, equal_nan=True)


def finished() -> float:
    """Wait until the GPU has done all that was begun; return the time in seconds."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def random_state(x: Tensor) -> Tensor:
    """Return the state of the random generator of a tensor's device."""
    return torch.cuda.get_rng_state(x.device) if x.is_cuda else torch.get_rng_state()


def set_random_state(x: Tensor, state: Tensor) -> None:
    """Set the state of the random generator of a tensor's device."""
    if x.is_cuda:
        torch.cuda.set_rng_state(state, x.device)
    else:
        torch.set_rng_state(state)


@cache
def side_stream() -> torch.cuda.Stream:
    """Return the stream of operations that are recorded later: gradients remember theirs."""
    # PyTorch warns that weights are made in another stream; each recording is checked anyway.
    torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(False)
    return torch.cuda.Stream()


@contextmanager
def beside() -> Iterator[None]:
    """Work in the side stream, after what was begun and before what comes."""
    stream, main = side_stream(), torch.cuda.current_stream()
    stream.wait_stream(main)
    with torch.cuda.stream(stream):
        yield
    main.wait_stream(stream)


def stacked(
    epoch: Sequence[Sequence[Tensor]], device: torch.device, filler: float = 0.0
) -> list[Tensor]:
    """Return what each fold has for the steps of an epoch as one tensor (F, B, ...) for each step.

    All go to the device in one copy, so that no step of a GPU waits.
    """
    steps = [padded(step, padding_value=filler) for step in steps_of(epoch)]
    moved = torch.cat([step.flatten() for step in steps]).to(device)
    parts = moved.split([step.numel() for step in steps])
    return [part.view(step.shape) for part, step in zip(parts, steps, strict=True)]


def steps_of(epoch: Sequence[Sequence[Tensor]]) -> Iterator[list[Tensor]]:
    """Yield what all folds have for each step; the last of a fold again if it has no more."""
    for step in range(max(map(len, epoch))):
        yield [fold[min(step, len(fold) - 1)] for fold in epoch]


def plan(
    batches: Sequence[Sequence[Tensor]], device: torch.device
) -> Iterator[tuple[Tensor, Tensor, bool]]:
    """Yield rows (F, B), counts (F, B), and whether the batch is whole, of each step of an epoch.

    ``batches`` are the rows of each fold in each of its steps; see `Together.forward`.
    """
    whole = [len({len(rows) for rows in step}) == 1 for step in steps_of(batches)]
    for rows, full in zip(stacked(batches, device, -1), whole, strict=True):
        yield rows.clamp(min=0), (rows >= 0).float(), full


def mean_losses(logits: Tensor, labels: Tensor, counts: Tensor) -> Tensor:
    """Return the mean cross entropy of each fold (F,), of the clips that count.

    Logits are (F, B, K), labels and counts (F, B).
    """
    each = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return (each.view_as(counts) * counts).sum(dim=1) / counts.sum(dim=1)


def prepared(network: nn.Module, device: torch.device, products: bool = False) -> nn.Module:
    """Return a copy of a network where dropout gets its masks and batch norm its rows as inputs.

    With ``products``, and always on a GPU, its convolutions are `ProductConv`.
    """
    products = products or device.type != "cpu"
    # Stacked weights have a layout of their own.
    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format)  # type: ignore
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Dropout | nn.Dropout2d) and child.p > 0:
                setattr(parent, name, GivenDropout(child))
            elif isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                setattr(parent, name, WeightedBatchNorm(child))
            elif isinstance(child, nn.Conv2d) and products:
                setattr(parent, name, ProductConv(child))
    return network.to(device)


class ProductConv(nn.Module):
    """A convolution as the product of its weights and the patches of all clips."""

    def __init__(self, convolution: nn.Conv2d):
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.stride, self.kernel_size = convolution.stride, convolution.kernel_size
        rows, columns = cast(tuple[int, int], convolution.padding)
        self.around = (columns, columns, rows, rows)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, C', H', W') of features (N, C, H, W)."""
        height, width = self.kernel_size
        x = functional.pad(x.movedim(1, 0), self.around)  # (C, N, H, W)
        patches = x.unfold(2, height, self.stride[0]).unfold(3, width, self.stride[1])
        patches = patches.movedim((4, 5), (1, 2))  # (C, height, width, N, H', W')
        shape = patches.shape[3:]
        y = self.weight.flatten(1) @ patches.flatten(3).flatten(0, 2)
        y = y if self.bias is None else y + self.bias[:, None]
        return y.unflatten(1, shape).movedim(0, 1).contiguous()


class GivenDropout(nn.Module):
    """Dropout with a given mask of 0 and 1 / (1 - p)."""

    mask: Tensor

    def __init__(self, dropout: nn.Dropout | nn.Dropout2d):
        super().__init__()
        self.p, self.maps = dropout.p, isinstance(dropout, nn.Dropout2d)  # whole maps are dropped
        self.register_buffer("mask", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return the masked features, in training; note their shape for one clip."""
        if not self.training:
            return x
        self.shape = (x.shape[1], 1, 1) if self.maps else tuple(x.shape[1:])
        return x * self.mask


class WeightedBatchNorm(nn.Module):
    """Batch norm in training, over the clips that count; the others fill a batch.

    Each of ``counts`` (B,) is that of a clip, or of each of its frames. If the batch is ``whole``,
    all count, and PyTorch's own norm is the fastest way to the same result.
    """

    counts: Tensor
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: Any):
        super().__init__()
        self.weight, self.bias, self.whole = norm.weight, norm.bias, True
        self.eps, self.momentum = norm.eps, norm.momentum
        for name, value in norm.named_buffers():
            self.register_buffer(name, value)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised features (N, C, ...); in training, update the statistics."""
        running, affine = (self.running_mean, self.running_var), (self.weight, self.bias)
        if not self.training:
            return functional.batch_norm(x, *running, *affine, False, self.momentum, self.eps)
        self.num_batches_tracked.add_(1)
        if self.whole:
            return functional.batch_norm(x, *running, *affine, True, self.momentum, self.eps)
        axes, ones = (0, *range(2, x.ndim)), (1,) * (x.ndim - 2)
        rows = self.counts.repeat_interleave(len(x) // len(self.counts)).view(-1, 1, *ones)
        count = rows.sum() * x[0, 0].numel()
        mean = (x * rows).sum(dim=axes) / count
        centred = x - mean.view(-1, *ones)
        variance = (centred.square() * rows).sum(dim=axes) / count
        unbiased = variance * count / (count - 1)  # as PyTorch keeps it
        self.running_mean.mul_(1 - self.momentum).add_(self.momentum * mean.detach())
        self.running_var.mul_(1 - self.momentum).add_(self.momentum * unbiased.detach())
        scale = self.weight / (variance + self.eps).sqrt()
        return centred * scale.view(-1, *ones) + self.bias.view(-1, *ones)
