"""The choice of XLA by network."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

from models.conv import conv_network
from models.dense import dense_network
from models.inputs.scaled import Scaled
from runner import cores
from runner.agent import xla

X86 = "flags\t\t: fpu sse2 avx avx2 fma"
WITH_AVX512 = X86 + " avx512f avx512bw"
ARM = "Features\t: fp asimd evtstrm aes"


@pytest.fixture(params=["dense", "convolutions"])
def network(request: pytest.FixtureRequest) -> keras.Model:
    if request.param == "dense":
        return dense_network((2, 8), 2, inputs=[Scaled(factor=1.0)], hidden=[4], activation="relu")
    return conv_network(
        (2, 12, 12), 2, filters=[4], kernels=[4], strides=[4], hidden=[4], activation="relu",
        scale=1.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cpu_info", "for_convolutions"),
    [(X86, True), (WITH_AVX512, False), (ARM, False), ("", False), (None, False)],
    ids=["x86", "x86 with AVX-512", "ARM", "empty", "no such file"],
)
def test_dense_networks_always_convolutions_without_avx512(
    cpu_info: str | None,
    for_convolutions: bool,
    network: keras.Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "cpuinfo"
    if cpu_info is not None:
        file.write_text(f"processor\t: 0\n{cpu_info}\n")
    monkeypatch.setattr(cores, "_CPU_INFO", file)
    monkeypatch.setattr(xla, "GPUS", [])
    cores.cpu_features.cache_clear()
    try:
        assert xla.uses_xla(network, "auto") == (
            for_convolutions or not xla.has_convolution(network)
        )
    finally:
        cores.cpu_features.cache_clear()
