"""The CUDA path without a GPU: `on_gpu.py` in a process where PyTorch is told that there is one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent
RUN = """
import ctypes, sys

ctypes.CDLL(sys.argv[1])  # before PyTorch, which asks only once whether there is a GPU
import pytest

sys.exit(pytest.main(sys.argv[2:]))
"""


@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")
@pytest.mark.skipif(
    torch.backends.cuda.is_built() or torch.backends.mps.is_built(),
    reason="a PyTorch that knows real GPUs takes no pretended one",
)
def test_the_cuda_path_on_a_pretended_gpu(tmp_path):
    torch_folder, library = Path(torch.__file__).parent, tmp_path / "pretended.so"
    command = ["c++", "-shared", "-fPIC", "-std=c++20", f"-I{torch_folder / 'include'}"]
    command += [HERE / "pretended.cpp", f"-L{torch_folder / 'lib'}", "-ltorch_cpu", "-lc10"]
    command += [f"-Wl,-rpath,{torch_folder / 'lib'}", "-o", library]
    subprocess.run(command, check=True)
    run = [
        sys.executable,
        "-c",
        RUN,
        library,
        HERE / "on_gpu.py",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(run, capture_output=True, text=True, cwd=HERE.parent.parent)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
