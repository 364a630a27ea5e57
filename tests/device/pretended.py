"""A pretended GPU: the CUDA path of the library, run on a machine without one.

`pretended.cpp` tells PyTorch that there is a device ``cuda:0``; it must be loaded before PyTorch. A
tensor of that device is a `Pretended` around a tensor of the CPU, and operations on it are done
there: so results can be compared with the CPU's. Operations that mix devices fail, as on a GPU, and
whatever would make the host wait for the GPU is noted with its place in the code.
"""

import traceback
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from merlib.model import folds

aten = torch.ops.aten
GPU = torch.device("cuda:0")
COPIES = {aten._to_copy.default, aten.copy_.default}
INDEXED = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default}
"""Operations whose indices may lie on the CPU: they are copied, and the host waits for it."""
WAITS = {
    aten._local_scalar_dense.default, aten.nonzero.default, aten.masked_select.default,
    aten._unique2.default, aten.bincount.default, aten.equal.default,
    aten.repeat_interleave.Tensor,
}  # fmt: skip
"""Operations whose result, or its shape, the host must know."""


HOLDS = [torch.device("cpu")]
"""Where values are: ``meta`` has none, and so a step of any size is counted in no time."""


class Pretended(Tensor):
    """A tensor of ``cuda:0`` whose values are in ``held``, a tensor of the CPU."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor):
        with torch.inference_mode(False):  # it may be a view of a tensor of training
            made = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
                cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(),
                dtype=held.dtype, device=GPU,
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
        tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
        gpu = [one for one in tensors if isinstance(one, Pretended)]
        others = [one for one in tensors if not isinstance(one, Pretended)]
        if gpu and operation not in COPIES | INDEXED and any(one.ndim for one in others):
            raise RuntimeError(f"{operation}: tensors of the CPU and the GPU\n{place()}")
        found = on_cpu(operation, args, kwargs)
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
            [one for one in tree_leaves(tree) if isinstance(one, Pretended)]
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
    leaves = tree_leaves((args, kwargs))
    given = {id(one.held): one for one in leaves if isinstance(one, Pretended)}
    asked = [one for one in leaves if isinstance(one, torch.device)]
    gpu = asked[0].type == "cuda" if asked else bool(given)
    if operation is aten.copy_.default:
        gpu = isinstance(args[0], Pretended)
    bare = tree_map_only(Pretended, lambda one: one.held, (args, kwargs))
    bare = tree_map_only(torch.device, lambda one: HOLDS[0] if one.type == "cuda" else one, bare)
    if operation is aten._fused_sgd_.default and HOLDS[0].type == "meta":
        return None  # PyTorch has no shapes of it, and nothing but values would change
    found = FUSED.get(operation, operation)(*bare[0], **bare[1])
    if not gpu:
        return found
    # What an operation changes in place is the tensor that it was given.
    return tree_map_only(
        Tensor, lambda one: given[id(one)] if id(one) in given else Pretended(one), found
    )


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


FUSED = {
    aten._thnn_fused_lstm_cell.default: lstm_cell,
    aten._thnn_fused_lstm_cell_backward_impl.default: lstm_cell_backward,
}


def place() -> str:
    """Return file and line of the library's code that is being run."""
    frames = [f for f in traceback.extract_stack() if "/merlib/" in f.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "outside"


@contextmanager
def machine(values: bool = True) -> Iterator[Machine]:
    """Work on a machine with a pretended GPU; without values, its tensors have only shapes."""
    of_cuda = {
        "is_available": lambda: True,
        "is_bf16_supported": lambda *_: True,
        "_lazy_init": lambda: None,
        "get_device_capability": lambda *_: (9, 0),
        "get_device_name": lambda *_: "pretended GPU",
        "mem_get_info": lambda *_: (2**36, 2**36),
        "get_rng_state": lambda *_: torch.zeros(16, dtype=torch.uint8),
        "set_rng_state": lambda *_: None,
        "manual_seed_all": lambda *_: None,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
    }
    # A graph of operations cannot be pretended: each step is done as the first ones are.
    at_once = mock.patch.object(
        folds.Recorded, "__call__", lambda self, *given: self.function(*given)
    )
    convert = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    HOLDS[0] = torch.device("cpu" if values else "meta")
    try:
        with mock.patch.multiple(torch.cuda, **of_cuda), at_once, Numbers(), Machine() as found:
            yield found
    finally:
        HOLDS[0] = torch.device("cpu")
        torch.__future__.set_overwrite_module_params_on_conversion(convert)
