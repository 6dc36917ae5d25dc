"""Whatever an image holds has a licence under which it may be shipped, and the page says which."""

from importlib.metadata import PathDistribution, distribution

import pytest

from supply_chain import licence_page
from supply_chain.bundled import COPYLEFT, libraries, parts_of_ffmpeg
from supply_chain.licences import is_allowed, is_expression, licence_of
from supply_chain.locks import FOLDER, pins, shipped


def package(folder, *fields, files=()):
    """A package that is as good as installed, of metadata and empty files."""
    info = folder / "made_up-1.0.dist-info"
    info.mkdir(exist_ok=True)
    said = ["Metadata-Version: 2.4", "Name: made-up", "Version: 1.0", *fields]
    (info / "METADATA").write_text("\n".join(said), encoding="utf-8")
    for file in files:  # since Python 3.12 what is not there is not listed
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files), encoding="utf-8")
    return PathDistribution(info)


@pytest.mark.acceptance
def test_the_page_is_what_the_locks_and_the_packages_say():
    page = licence_page.PAGE.read_text(encoding="utf-8")
    assert page == licence_page.page(), "make licences was not run"
    everywhere = "trainer, worker, submit, dataflow, GPU worker"
    assert f"| ncnn | 1.0.20261020 | BSD-3-Clause | {everywhere} |" in page
    assert "| google-cloud-storage | 3.17.1 | Apache-2.0 | dataflow |" in page
    assert "| libhwloc | BSD-3-Clause | openvino |" in page
    assert "| libcrc32c | BSD-3-Clause | google-crc32c |" in page
    for lock in FOLDER.glob("*.lock"):
        for name, version in pins(lock).items():
            assert f"| {name} | {version} | " in page


def test_what_is_shipped_is_told_by_image():
    found = shipped()
    assert found["apache-beam"][1] == ("worker", "submit", "dataflow", "GPU worker")
    assert found["google-cloud-storage"][1] == ("dataflow",)
    assert found["scikit-learn"][1] == ("trainer",)
    assert found["nvidia-cudnn-cu12"][1] == ("GPU worker",)
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        (["License-Expression: MIT OR Apache-2.0", "License: GPL"], "MIT OR Apache-2.0"),
        (["License: Apache License 2.0"], "Apache-2.0"),
        (["License: MPL-2.0 AND MIT"], "MPL-2.0 AND MIT"),
        (["License: Dual", "Classifier: License :: OSI Approved :: MIT License"], "MIT"),
    ],
)
def test_a_licence_is_read_from_the_metadata(tmp_path, fields, licence):
    assert licence_of(package(tmp_path, *fields)) == licence


@pytest.mark.parametrize(
    "fields",
    [
        [],
        ["License: BSD"],
        ["Classifier: License :: OSI Approved :: BSD License"],
        [
            "Classifier: License :: OSI Approved :: MIT License",
            "Classifier: License :: OSI Approved :: Apache Software License",
        ],
    ],
)
def test_a_licence_that_nobody_can_tell_must_be_read(tmp_path, fields):
    with pytest.raises(LookupError, match="made-up does not tell its licence; read it"):
        licence_of(package(tmp_path, *fields))


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("(AGPL-3.0-only AND MIT) OR (MIT AND Zlib)", True),
        ("LicenseRef-NVIDIA-Proprietary", False),
    ],
)
def test_which_expressions_may_be_shipped(expression, allowed):
    assert is_expression(expression)
    assert is_allowed(expression) == allowed


def test_a_package_under_another_licence_makes_no_page(monkeypatch, tmp_path):
    monkeypatch.setattr(licence_page, "shipped", lambda: {"made-up": ("1.0", ("trainer",))})
    given = package(tmp_path, "License-Expression: AGPL-3.0-only")
    monkeypatch.setattr(licence_page, "distribution", lambda name: given)
    with pytest.raises(LookupError, match=r"made-up 1\.0 is under AGPL-3\.0-only"):
        licence_page.page()
    package(tmp_path, "License-Expression: MIT", files=["made_up.libs/libx264-0123abcd.so.164"])
    with pytest.raises(LookupError, match=r"made-up brings made_up\.libs/libx264"):
        licence_page.page()
    package(tmp_path, "License-Expression: MIT", files=["made_up.libs/libnew-0123abcd.so.1"])
    with pytest.raises(LookupError, match=r"libnew-0123abcd\.so\.1 along; read its licence"):
        licence_page.page()
    monkeypatch.setattr(licence_page, "shipped", lambda: {"made-up": ("1.0", ("dataflow",))})
    with pytest.raises(LookupError, match=r"made-up 1\.0 is not installed; add it to google_lib"):
        licence_page.page()
    monkeypatch.setattr(licence_page, "shipped", lambda: {"made-up": ("1.1", ("trainer",))})
    with pytest.raises(LookupError, match=r"1\.1 is locked, 1\.0 installed"):
        licence_page.page()


def test_ffmpeg_is_known_by_its_files(tmp_path):
    ours = ["m.libs/libavif-1.so.1", "m/libaverage.so", "m/x264.py", "m/libavcodec.txt"]
    theirs = ["m.libs/libavcodec-1f.so.62", "m/lib/libswscale.so", "m.libs/libx265-0a.so.2"]
    assert parts_of_ffmpeg(package(tmp_path, files=ours + theirs)) == theirs
    assert not COPYLEFT.match("libavif.so")


def test_libraries_are_known_by_the_names_of_their_authors():
    assert {name for name, _ in libraries(distribution("numpy"))} == {
        *("libgfortran", "libquadmath", "libscipy_openblas")
    }
    assert {name for name, _ in libraries(distribution("openvino"))} == {
        *("libhwloc", "libopenvino", "libtbb")
    }
