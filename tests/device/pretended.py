"""A pretended GPU: the CUDA path of the library, or Apple's, run on a machine without one.

`pretended.cpp` tells PyTorch that there is a device ``cuda:0`` or ``mps:0``; it must be loaded
before PyTorch. A tensor of the device is a `Pretended` around a tensor of the CPU, and operations
on it are done there: so results can be compared with the CPU's. Operations that mix devices fail,
as on a GPU. So do sums whose order varies on a GPU, and what Apple's does not have, such as
float64. Whatever would make the host wait for the GPU is noted with its place in the code.
"""

import os
import traceback
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from merlib.model import folds

aten = torch.ops.aten
COPIES = {aten._to_copy.default, aten.copy_.default}
INDEXED = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default}
"""Operations whose indices may lie on the CPU: they are copied, and the host waits for it."""
WAITS = {
    aten._local_scalar_dense.default, aten.nonzero.default, aten.masked_select.default,
    aten._unique2.default, aten.bincount.default, aten.equal.default,
    aten.repeat_interleave.Tensor,
}  # fmt: skip
"""Operations whose result, or its shape, the host must know."""
VARY = {
    aten._adaptive_avg_pool2d_backward.default, aten.adaptive_max_pool2d_backward.default,
    aten._adaptive_avg_pool3d_backward.default, aten.avg_pool3d_backward.default,
    aten.grid_sampler_2d_backward.default, aten.grid_sampler_3d_backward.default,
    aten.upsample_linear1d_backward.default, aten.upsample_bilinear2d_backward.default,
    aten.upsample_bicubic2d_backward.default, aten.upsample_trilinear3d_backward.default,
    aten.reflection_pad1d_backward.default, aten.reflection_pad2d_backward.default,
    aten._scaled_dot_product_efficient_attention_backward.default,
    aten._scaled_dot_product_flash_attention_backward.default, aten._embedding_bag_backward.default,
    aten.nll_loss2d_forward.default, aten.histc.default, aten.cumsum.default,
}  # fmt: skip
"""Operations that have no deterministic form on a GPU, by PyTorch's own list in
``use_deterministic_algorithms``. A median is left out: its place may vary, but not its value."""


GPU = [torch.device("cuda:0")]
HOLDS = [torch.device("cpu")]
"""Where values are: ``meta`` has none, and so a step of any size is counted in no time."""

MEMORY = 2**36
"""Bytes of the GPU, all of them free."""


class Pretended(Tensor):
    """A tensor of the GPU whose values are in ``held``, a tensor of the CPU."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor):
        with torch.inference_mode(False):  # it may be a view of a tensor of training
            made = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
                cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(),
                dtype=held.dtype, device=GPU[0],
            )  # fmt: skip
        made.held = held
        return made

    def __repr__(self, *, tensor_contents=None) -> str:
        return f"Pretended({self.held})"

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return on_cpu(operation, args, kwargs or {})


class Machine(TorchDispatchMode):
    """Notes the waits of operations, and makes the tensors that are asked for on the GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [one for one in leaves((args, kwargs)) if isinstance(one, Tensor)]
        gpu = [one for one in tensors if isinstance(one, Pretended)]
        others = [one for one in tensors if not isinstance(one, Pretended)]
        if gpu and operation not in COPIES | INDEXED and any(one.ndim for one in others):
            raise RuntimeError(f"{operation}: tensors of the CPU and the GPU\n{place()}")
        if gpu and operation in VARY:
            raise RuntimeError(f"{operation}: a sum in an order that varies\n{place()}")
        found = on_cpu(operation, args, kwargs)
        if GPU[0].type == "mps":
            refuse(operation, args, found)
        # A copy within the GPU goes from its tensors alone to one of its tensors.
        ends = [*tensors, found] if operation in COPIES else []
        between = len({isinstance(one, Pretended) for one in ends}) > 1
        by_mask = operation in INDEXED and any(
            one is not None and (one.dtype is torch.bool or not isinstance(one, Pretended))
            for one in args[1]
        )
        if between or gpu and (operation in WAITS or by_mask):
            self.waits.append(f"{operation} {place()}")
        return found


def refuse(operation, args, found) -> None:
    """Raise an error for what PyTorch does not do on Apple's GPU."""
    both = [one for one in leaves((args, found)) if isinstance(one, Pretended)]
    if any(one.dtype in (torch.float64, torch.complex128) for one in both):
        raise TypeError(f"{operation}: MPS has no float64\n{place()}")
    if both and operation is aten.grid_sampler_2d.default and args[3] == 1:
        raise RuntimeError(f"{operation}: MPS has no border before PyTorch 2.13\n{place()}")
    if both and operation is aten._adaptive_avg_pool2d.default:
        raise RuntimeError(f"{operation}: MPS has only windows of one size\n{place()}")
    if operation in BATCH_NORMS and any(channels_last(one) for one in both):
        raise RuntimeError(f"{operation}: MPS has no slope of channels last\n{place()}")


class Counted(TorchDispatchMode):
    """Counts what the GPU does: kernels, the bytes that they read and write, the most new bytes.

    Views and new memory are no kernels. Each other operation counts as one kernel, so this is a
    little less than a GPU starts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kernels = self.bytes = self.now = self.peak = 0
        self.tensors: Counter[int] = Counter()  # of each memory

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        found = operation(*args, **(kwargs or {}))
        read, made = (
            [one for one in leaves(tree) if isinstance(one, Pretended)]
            for tree in ((args, kwargs), found)
        )
        known = {id(one) for one in read}
        for one in made if not operation.is_view else ():
            if id(one) in known:
                continue  # changed in place
            memory = one.held.untyped_storage()
            key, size = memory._cdata, memory.nbytes()
            self.now += size if not self.tensors[key] else 0
            self.tensors[key] += 1
            weakref.finalize(one.held, self.freed, key, size)
        self.peak = max(self.peak, self.now)
        if not operation.is_view and "empty" not in operation.name():
            self.kernels += 1
            self.bytes += sum(one.numel() * one.element_size() for one in [*read, *made])
        return found

    def freed(self, key: int, size: int) -> None:
        """Note that a tensor of a memory is gone."""
        self.tensors[key] -= 1
        self.now -= size if not self.tensors[key] else 0


class Numbers(TorchFunctionMode):
    """Lets `Machine` see how numbers come to the GPU and back: PyTorch hides what it does there."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is Tensor.tolist:
            return args[0].cpu().tolist()
        if function is torch.tensor and "device" in kwargs:
            device = kwargs.pop("device")
            return function(*args, **kwargs).to(device)
        return function(*args, **kwargs)


def on_cpu(operation, args, kwargs) -> Any:
    """Return what an operation returns, done on the CPU; tensors stay on their device."""
    there = leaves((args, kwargs))
    given = {id(one.held): one for one in there if isinstance(one, Pretended)}
    asked = [one for one in there if isinstance(one, torch.device)]
    gpu = asked[0].type != "cpu" if asked else bool(given)
    if operation is aten.copy_.default:
        gpu = isinstance(args[0], Pretended)
    bare = with_leaves((args, kwargs), bared)
    if operation is aten._fused_sgd_.default and HOLDS[0].type == "meta":
        return None  # PyTorch has no shapes of it, and nothing but values would change
    found = OWN.get(operation, operation)(*bare[0], **bare[1])
    if not gpu:
        return found

    def pretended(one):
        # What an operation changes in place is the tensor that it was given.
        if not isinstance(one, Tensor):
            return one
        return given[id(one)] if id(one) in given else Pretended(one)

    return with_leaves(found, pretended)


def bared(one: Any) -> Any:
    """Return what is there instead of a tensor of the GPU, or of the GPU itself."""
    if isinstance(one, Pretended):
        return one.held
    return HOLDS[0] if isinstance(one, torch.device) and one.type != "cpu" else one


def leaves(tree: Any) -> list[Any]:
    """Return what is in tuples, lists and dictionaries; PyTorch's own way takes half of a test."""
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    if not isinstance(tree, tuple | list):
        return [tree]
    return [leaf for one in tree for leaf in leaves(one)]


def with_leaves(tree: Any, changed: Callable[[Any], Any]) -> Any:
    """Return the same tuples, lists and dictionaries with other `leaves`."""
    if isinstance(tree, tuple | list):
        return type(tree)(with_leaves(one, changed) for one in tree)
    if isinstance(tree, dict):
        return {name: with_leaves(one, changed) for name, one in tree.items()}
    return changed(tree)


def plain_attention(*args):
    """Do attention by products alone."""
    return aten._scaled_dot_product_attention_math(*args)[0]


def lstm_cell(inputs, hidden, cell, input_bias=None, hidden_bias=None):
    """Do the LSTM's cell that only a GPU has as one operation: (state, cell, gates)."""
    gates = inputs + hidden
    gates = gates if input_bias is None else gates + input_bias + hidden_bias
    i, f, g, o = gates.chunk(4, dim=1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    after = f * cell + i * g
    return o * after.tanh(), after, torch.cat([i, f, g, o], dim=1)


def lstm_cell_backward(slope_state, slope_cell, cell, after, gates, has_bias):
    """Return the slopes of gates, cell and bias of `lstm_cell`."""
    i, f, g, o = gates.chunk(4, dim=1)
    squeezed = after.tanh()
    of_state = torch.zeros_like(cell) if slope_state is None else slope_state
    of_cell = of_state * o * (1 - squeezed**2)
    of_cell = of_cell if slope_cell is None else of_cell + slope_cell
    slopes = [
        of_cell * g * i * (1 - i), of_cell * cell * f * (1 - f), of_cell * i * (1 - g**2),
        of_state * squeezed * o * (1 - o),
    ]  # fmt: skip
    together = torch.cat(slopes, dim=1)
    return together, of_cell * f, together.sum(dim=0) if has_bias else None


BATCH_NORMS = {aten.native_batch_norm_backward.default, aten.native_batch_norm.default}


def channels_last(x: Tensor) -> bool:
    """Return whether a tensor is in the layout channels last, and in no other."""
    last = x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last)
    return last and not x.is_contiguous()


def convolution_backward(slope, x, weights, *others):
    """Return the slopes of a convolution, computed in float32.

    The CPU's own kernel for bfloat16 in PyTorch 2.13 reads memory that nobody wrote if a map of one
    pixel is convolved with stride 2, and the slope of the weights is then not always a number.
    """
    found = aten.convolution_backward.default(slope.float(), x.float(), weights.float(), *others)
    return tuple(one if one is None else one.to(x.dtype) for one in found)


OWN = {
    aten.convolution_backward.default: convolution_backward,
    aten._thnn_fused_lstm_cell.default: lstm_cell,
    aten._thnn_fused_lstm_cell_backward_impl.default: lstm_cell_backward,
}


def place() -> str:
    """Return file and line of the library's code that is being run."""
    for frame, line in traceback.walk_stack(None):
        if "/merlib/" in frame.f_code.co_filename:
            return f"{Path(frame.f_code.co_filename).name}:{line}"
    return "outside"


@contextmanager
def machine(
    values: bool = True, kind: str = "cuda", capability: tuple[int, int] = (9, 0)
) -> Iterator[Machine]:
    """Work on a machine with a pretended GPU; without values, its tensors have only shapes.

    Its ``kind`` is cuda or mps; the compute capability is that of a CUDA GPU.
    """
    of_cuda = {
        "is_available": lambda: kind == "cuda",
        "is_bf16_supported": lambda *_: True,
        "_lazy_init": lambda: None,
        "get_device_capability": lambda *_: capability,
        "get_device_name": lambda *_: "pretended GPU",
        "mem_get_info": lambda *_: (MEMORY, MEMORY),
        "get_rng_state": lambda *_: torch.zeros(16, dtype=torch.uint8),
        "set_rng_state": lambda *_: None,
        "manual_seed_all": lambda *_: None,
        "device_count": lambda: 1,
        "get_device_properties": lambda *_: SimpleNamespace(total_memory=MEMORY),
        "current_device": lambda: 0,
    }
    of_mps = {
        "get_rng_state": lambda *_: torch.zeros(16, dtype=torch.uint8),
        "set_rng_state": lambda *_: None,
        "manual_seed": lambda _: None,
    }
    # Only a PyTorch that is built for MPS knows how attention is computed there.
    name = "scaled_dot_product_attention"
    theirs = plain_attention if kind == "mps" else getattr(functional, name)
    attention = mock.patch.object(functional, name, theirs)
    there = mock.patch.object(torch.backends.mps, "is_available", lambda: kind == "mps")
    # A graph of operations cannot be pretended: each step is done as the first ones are.
    at_once = mock.patch.object(
        folds.Recorded, "__call__", lambda self, *given: self.function(*given)
    )
    convert = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    HOLDS[0], GPU[0] = torch.device("cpu" if values else "meta"), torch.device(kind, 0)
    try:
        with (
            mock.patch.dict(os.environ, PRETENDED=kind),
            mock.patch.multiple(torch.cuda, **of_cuda), mock.patch.multiple(torch.mps, **of_mps),
            attention, there, at_once, Numbers(),
            Machine() as found,
        ):  # fmt: skip
            yield found
    finally:
        HOLDS[0], GPU[0] = torch.device("cpu"), torch.device("cuda:0")
        torch.__future__.set_overwrite_module_params_on_conversion(convert)
