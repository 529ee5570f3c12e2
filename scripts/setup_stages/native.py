"""The native decoder: built where a Rust toolchain is, done without elsewhere."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from setup_stages.place import PYTHON, ROOT, VENV, SetupError, fingerprint
from setup_stages.programs import run

if TYPE_CHECKING:
    from pathlib import Path

CRATE = ROOT / "lib" / "native"
EXTENSION = ROOT / "lib" / "lakemart" / "decode" / "_native.abi3.so"
WITHOUT = VENV / "native.txt"
"""Stands, with the reason, when today's sources gave no extension."""

SOURCES = ("Cargo.toml", "Cargo.lock", "build.rs", "rust-toolchain.toml", ".cargo/config.toml", "src/**/*")


def stands() -> bool:
    """Whether the crate is part of this checkout."""
    return (CRATE / "Cargo.toml").is_file()


def inputs() -> str:
    """What the extension depends on: the crate's sources, and whether there is a cargo to build them."""
    files = [file for pattern in SOURCES for file in CRATE.glob(pattern) if file.is_file()]
    return fingerprint(files, "cargo" if shutil.which("cargo") else "no cargo")


def result() -> Path:
    """What is there once the stage is done: the extension, or the word that there is none."""
    return WITHOUT if WITHOUT.exists() else EXTENSION


def build() -> str:
    """The extension is the one of today's sources, or is not there; returns why it is not, empty when it is.

    A failed build is no end: every command works with the reference decoder, at its speed.
    """
    EXTENSION.unlink(missing_ok=True)
    WITHOUT.unlink(missing_ok=True)
    notice = compiled()
    if notice:
        WITHOUT.write_text(notice + "\n", encoding="utf-8")
    return notice


def compiled() -> str:
    """Compiles the crate and lays the extension; returns why that could not be, empty when it could."""
    cargo = shutil.which("cargo")
    if cargo is None:
        return "no Rust (cargo) here: lakemart uses its reference decoder, which gives the same, only slower."
    os.environ.setdefault("PYO3_PYTHON", str(PYTHON))
    crate: list[str | Path] = ["--manifest-path", CRATE / "Cargo.toml", "--target-dir", CRATE / "target"]
    try:
        run([cargo, "build", "--release", "--locked", *crate], doing="building the native decoder")
    except SetupError as problem:
        return f"lakemart uses its reference decoder: {problem}; `make setup` tries again."
    lay(built_library())
    return ""


def built_library() -> Path:
    """The library that cargo left."""
    release = CRATE / "target" / "release"
    return next(file for file in sorted(release.glob("lib*")) if file.suffix in {".so", ".dylib"})


def lay(library: Path) -> None:
    """The extension appears in one step: a process that has the old one loaded keeps it."""
    fresh = EXTENSION.with_suffix(".new")
    shutil.copyfile(library, fresh)
    fresh.replace(EXTENSION)
