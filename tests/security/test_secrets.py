"""A secret is found by reference, read late, and never shown."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.security import secrets
from bridge.security.secrets import Secret

VALUE = "correct-horse-battery"


def a_file(folder: Path, content: str = VALUE, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_text(content)
    path.chmod(mode)
    return path


def test_a_secret_of_the_environment_is_read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference made before the variable is set works once it is."""
    secret = Secret.parse("env:BRIDGE_TEST_SECRET")
    monkeypatch.setenv("BRIDGE_TEST_SECRET", VALUE)

    assert secret.text() == VALUE


@pytest.mark.parametrize(
    ("end", "kept"), [("\n", ""), ("\r\n", ""), ("\n\n", "\n"), (" ", " "), ("\r", "\r")]
)
def test_one_newline_at_the_end_is_trimmed(tmp_path: Path, end: str, kept: str) -> None:
    """Editors add one; anything else belongs to the secret."""
    path = a_file(tmp_path, VALUE + end)

    assert Secret.parse(f"file:{path}").read() == (VALUE + kept).encode()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """Whoever can read the file has the secret already."""
    path = a_file(tmp_path, mode=mode)

    with pytest.raises(ConfigError, match="chmod 600"):
        Secret.parse(f"file:{path}").read()


@pytest.mark.parametrize("mode", [0o444, 0o440, 0o400])
def test_a_mounted_secret_may_be_readable_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """Container platforms mount secrets with modes of their own; here a folder stands for /run/secrets."""
    monkeypatch.setattr(secrets, "MOUNTED", tmp_path)

    assert Secret.parse(f"file:{a_file(tmp_path, mode=mode)}").text() == VALUE


@pytest.mark.parametrize("mode", [0o464, 0o446, 0o666])
def test_a_mounted_secret_may_not_be_writable_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """Whoever writes a key decides who we trust."""
    monkeypatch.setattr(secrets, "MOUNTED", tmp_path)

    with pytest.raises(ConfigError, match="open to other users"):
        Secret.parse(f"file:{a_file(tmp_path, mode=mode)}").read()


def test_a_path_that_only_passes_through_the_mount_is_no_mounted_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the file really lies decides, not how it is reached."""
    mount = tmp_path / "mount"
    mount.mkdir()
    monkeypatch.setattr(secrets, "MOUNTED", mount)
    (mount / "link").symlink_to(a_file(tmp_path, mode=0o644))

    for path in (mount / "link", mount / ".." / "secret"):
        with pytest.raises(ConfigError, match="open to other users"):
            Secret.parse(f"file:{path}").read()


def test_a_missing_empty_or_odd_secret_is_said_plainly(tmp_path: Path) -> None:
    """An operator mends it from the sentence alone."""
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Secret.parse(f"file:{tmp_path}/nothing").read()
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        Secret.parse(f"file:{tmp_path}").read()
    with pytest.raises(ConfigError, match="not a regular file"):
        Secret.parse("file:/dev/null").read()
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ConfigError, match="not a regular file"):
        Secret.parse(f"file:{tmp_path}/pipe").read()
    with pytest.raises(ConfigError, match="is empty"):
        Secret.parse(f"file:{a_file(tmp_path, chr(10))}").read()
    with pytest.raises(ConfigError, match="larger than"):
        Secret.parse(f"file:{a_file(tmp_path, 'x' * 70_000)}").read()
    with pytest.raises(ConfigError, match="BRIDGE_NOT_SET is not set"):
        Secret.parse("env:BRIDGE_NOT_SET").read()


def test_text_that_is_not_utf8_is_refused_without_being_shown(tmp_path: Path) -> None:
    """A decoding error would carry the bytes."""
    path = a_file(tmp_path)
    path.write_bytes(b"pass\xffword")

    with pytest.raises(ConfigError) as caught:
        Secret.parse(f"file:{path}").text()

    assert "word" not in str(caught.value)
    assert caught.value.__context__ is None


@given(st.text(max_size=60).filter(lambda text: not text.strip().startswith(("env:", "file:"))))
def test_inline_text_is_never_taken_and_never_repeated(text: str) -> None:
    """What stands where a reference belongs is most likely the secret itself."""
    with pytest.raises(ConfigError) as caught:
        Secret.parse(text + VALUE)

    assert VALUE not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["env:", "env:lower", "env:A B", "file:relative", "file:", "FILE:/x", "file:/a\nb", "env:A\n\nB"]
)
def test_a_malformed_reference_is_refused(text: str) -> None:
    """Two forms, nothing else."""
    with pytest.raises(ConfigError, match="by reference"):
        Secret.parse(text)


def test_the_repr_shows_the_kind_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are printed when people look for mistakes."""
    monkeypatch.setenv("BRIDGE_TEST_SECRET", VALUE)
    secret = Secret.parse("env:BRIDGE_TEST_SECRET")

    assert f"{secret} {secret!r}" == "Secret(env:***) Secret(env:***)"
