"""bfloat16 and float16 on CPUs: who computes in them, how far off, and when they are refused."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from pipelines.contract import HALF_ERRORS, PARITY_BOUND
from pipelines.engines import choosing, half_precision, openvino_engine, racing, rounds
from pipelines.engines.choosing import choose_without_race
from pipelines.engines.half_precision import has_instructions, require_worthwhile
from pipelines.engines.keras_engine import KerasEngine
from pipelines.engines.kinds import CONVERTING
from pipelines.engines.opening import open_engine
from pipelines.engines.openvino_engine import DTYPE_FILE, load_openvino
from pipelines.engines.race_results import Choice, Trial, remember
from pipelines.engines.request import Computation
from pipelines.engines.trial import largest_error
from pipelines.errors import EngineError, UsageError
from pipelines.extract import main
from pipelines.planning.job import make_contract
from pipelines.system import processor
from tests.conftest import TINY
from tests.pipelines.engines.test_agreement import BASE, model_of, pixels

X86 = "flags\t\t: fpu avx2 avx512f avx512_bf16\n"
ARM = "Features\t: fp asimd bf16\n"


@pytest.fixture
def asked():
    contract = make_contract(replace(TINY, compute_dtype="bfloat16"))
    return Computation(contract, TINY.weights, 16, None)


@pytest.fixture(autouse=True)
def _no_card(monkeypatch):
    for module in (choosing, half_precision):
        monkeypatch.setattr(module, "visible_gpus", tuple)


@pytest.fixture
def cpuinfo(tmp_path, monkeypatch):
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "CPUINFO", path)
    return path


@pytest.mark.parametrize(
    ("text", "bfloat16", "float16"),
    [(X86, True, False), (ARM, True, False), ("flags : avx2 amx_fp16\n", False, True), (None,) * 3],
)
def test_instructions_are_those_that_linux_names(cpuinfo, text, bfloat16, float16):
    if text is not None:
        cpuinfo.write_text(f"processor : 0\n{text}\nprocessor : 1\nflags : none\n")
    known = text is not None
    assert has_instructions("bfloat16") is (bfloat16 if known else True)
    assert has_instructions("float16") is (float16 if known else True)


@pytest.mark.parametrize(
    ("dtype", "least"),
    [("bfloat16", 1e-4), pytest.param("float16", 1e-6, marks=pytest.mark.acceptance)],
)
def test_openvino_computes_in_it_within_the_bound_or_says_that_it_cannot(dtype, least, tmp_path):
    model, plain = model_of("VGG16", 48), KerasEngine(model_of("VGG16", 48), BASE, 8)
    kind = CONVERTING["openvino"]
    kind.convert(model, replace(BASE, compute_dtype=dtype), tmp_path)
    assert (tmp_path / DTYPE_FILE).read_text() == dtype
    listed = load_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if {"bfloat16": "BF16", "float16": "FP16"}[dtype] not in listed:
        with pytest.raises(EngineError, match=f"on this processor, not in {dtype}"):
            kind.open(tmp_path, 2, 8)
        return
    engine, images = kind.open(tmp_path, 2, 8), pixels(8, 48)
    found = engine.extract(images)
    assert found.dtype == np.float32
    assert least < largest_error(found, plain.extract(images)) < HALF_ERRORS[dtype]
    np.testing.assert_array_equal(engine.extract(images[3:4])[0], found[3])


def test_what_openvino_computes_in_another_dtype_silently_is_noticed(tmp_path):
    """Held to AVX-512 with bfloat16 alone, it takes bfloat16 where float16 is asked for."""
    kind = CONVERTING["openvino"]
    kind.convert(model_of("VGG16", 48), replace(BASE, compute_dtype="float16"), tmp_path)
    code = (
        "import sys; from pathlib import Path; from pipelines.engines.kinds import CONVERTING;"
        "CONVERTING['openvino'].open(Path(sys.argv[1]), 1, 4)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].endswith("on this processor, not in float16")


def test_a_conversion_beyond_the_bound_is_refused(asked, monkeypatch):
    monkeypatch.setitem(openvino_engine.HINTS, "bfloat16", "f32")  # so that it opens anywhere
    monkeypatch.setattr("pipelines.engines.opening.try_conversion", lambda *_: np.full((4, 512), 9))
    with pytest.raises(EngineError, match="cannot run VGG16: its features are off by"):
        open_engine(asked.by("openvino"))


def trial(engine, rate, dtype="float32", refusal=None):
    return Trial(engine, rate, 0.0, refusal, rate and rate / 2, 5, dtype)


FASTER = Choice("openvino", "", (trial("ncnn", 20.0), trial("openvino", 30.0, "bfloat16")))
SLOWER = Choice("openvino", "", (trial("ncnn", 20.0), trial("openvino", 10.0, "bfloat16")))
LEFT = Choice("keras", "", (trial("ncnn", 20.0), trial("openvino", None, "bfloat16", "off by 2")))


@pytest.mark.parametrize(
    ("choice", "flags", "said"),
    [
        (FASTER, {"avx512_bf16"}, None),
        (Choice("openvino", "10 images are too few for one"), {"avx512_bf16"}, None),
        (
            SLOWER,
            {"avx512_bf16"},
            "openvino did 5.0 to 10.0 images/s in it, and ncnn 10.0 to 20.0 in float32",
        ),
        (LEFT, {"amx_bf16"}, "openvino does not take part, off by 2"),
        (
            FASTER,
            {"avx2"},
            "this processor has no instructions for it (amx_bf16, avx512_bf16 or bf16)",
        ),
    ],
)
def test_what_gains_nothing_begins_no_table(asked, monkeypatch, capsys, choice, flags, said):
    monkeypatch.setattr(half_precision, "processor_flags", lambda: frozenset(flags))
    contract = asked.contract
    if said is None:
        require_worthwhile(choice, "auto", contract, new=True)
        assert capsys.readouterr().err == ""
        return
    with pytest.raises(UsageError) as refused:
        require_worthwhile(choice, "auto", contract, new=True)
    engine = "keras" if flags == {"avx2"} else "openvino"
    assert str(refused.value) == (
        f"--compute_dtype bfloat16 gains nothing here: {said}; leave it out, or name "
        f"--engine {engine} to have it all the same"
    )
    for wanted, new in (("auto", False), ("openvino", True)):
        require_worthwhile(choice, wanted, contract, new)
        assert f"compute dtype bfloat16 gains nothing here: {said}" in capsys.readouterr().err


def test_other_dtypes_are_not_looked_at(asked):
    plain = replace(asked.contract, compute_dtype="float32")
    require_worthwhile(SLOWER, "auto", plain, new=True)


def test_a_card_is_worth_it(asked, monkeypatch):
    monkeypatch.setattr(half_precision, "visible_gpus", lambda: ("0",))
    monkeypatch.setattr(half_precision, "sees_gpu", lambda: True)
    require_worthwhile(SLOWER, "auto", asked.contract, new=True)


@pytest.mark.parametrize(("flags", "engine"), [({"avx2"}, "keras"), ({"amx_bf16"}, "openvino")])
def test_openvino_computes_in_it_where_there_are_instructions(asked, monkeypatch, flags, engine):
    monkeypatch.setattr(half_precision, "processor_flags", lambda: frozenset(flags))
    found = choose_without_race("auto", asked)
    assert (None if found is None else found.engine) == (None if engine == "openvino" else engine)
    assert choosing._unraced(asked.contract) == engine
    remember(asked, FASTER)
    assert choose_without_race("auto", asked).engine == engine


def test_a_refusal_is_one_line_and_leaves_nothing(dataset, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(half_precision, "processor_flags", lambda: frozenset({"avx2"}))
    where = ["--input", str(dataset), "--table", str(tmp_path / "features")]
    what = ["--weights", "random:1", "--image_size", "32", "--compute_dtype", "bfloat16"]
    assert main([*where, *what]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: --compute_dtype bfloat16 gains nothing here: this processor")
    assert not (tmp_path / "features").exists()


@pytest.mark.acceptance
def test_a_race_in_half_precision_is_held_against_float32(asked, monkeypatch):
    """The real race, in processes of their own; which is faster depends on the processor."""
    monkeypatch.setattr(rounds, "MOST_ROUNDS", 2)
    images = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
    choice = racing.race(asked, images)
    trials = {(each.engine, each.compute_dtype): each for each in choice.trials}
    half = trials.pop(("openvino", "bfloat16"))
    assert set(trials) == {(name, "float32") for name in ("keras", "openvino", "ncnn")}
    for plain in trials.values():
        assert plain.refusal == racing.OUT
        assert plain.rounds == 2
        assert 0 < plain.slowest <= plain.images_per_second
    if half.refusal is not None:  # on a processor for which OpenVINO has no such code
        assert "not in bfloat16" in half.refusal
        assert choice.engine == "keras"
        return
    assert choice.won is half
    assert PARITY_BOUND < half.error < HALF_ERRORS["bfloat16"]
    assert "ncnn in float32 " in choice.describe()
    again = choosing.remembered(asked)
    assert (again.engine, again.trials) == (choice.engine, choice.trials)
