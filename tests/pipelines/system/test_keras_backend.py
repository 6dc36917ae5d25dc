"""Which backend Keras takes, told without importing it."""

import json
import os
from pathlib import Path

import pytest

from pipelines.system.keras_backend import keras_backend, keras_home


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """A home with nothing in it, and no settings in the environment."""
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def settings_in(folder: Path, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "keras.json").write_text(text)


def test_it_is_tensorflow_if_nothing_else_is_said():
    assert keras_backend() == "tensorflow"


def test_it_is_that_of_the_settings(home, monkeypatch):
    settings_in(home / ".keras", json.dumps({"floatx": "float32", "backend": "jax"}))
    assert keras_backend() == "jax"
    settings_in(home / "other", json.dumps({"backend": "torch"}))
    monkeypatch.setenv("KERAS_HOME", str(home / "other"))
    assert keras_backend() == "torch"
    monkeypatch.setenv("KERAS_HOME", "~/.keras")
    assert keras_backend() == "jax"


def test_the_environment_goes_before_the_settings(home, monkeypatch):
    settings_in(home / ".keras", json.dumps({"backend": "jax"}))
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert keras_backend() == "torch"
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert keras_backend() == "jax"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"floatx": "float32"}'])
def test_settings_that_say_nothing_are_none(home, text):
    settings_in(home / ".keras", text)
    assert keras_backend() == "tensorflow"


def test_a_home_that_cannot_be_written_is_not_kerass(home, monkeypatch):
    assert keras_home() == home / ".keras"
    monkeypatch.setattr(os, "access", lambda *_args: False)
    assert keras_home() == Path("/tmp/.keras")
