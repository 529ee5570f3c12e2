"""What pyproject.toml cannot say: a wheel that holds the native decoder is for this machine's kind of processor alone."""

from __future__ import annotations

from pathlib import Path

from setuptools import Distribution, setup

EXTENSION = Path(__file__).parent / "lib" / "lakemart" / "decode" / "_native.abi3.so"


class Built(Distribution):
    """A distribution whose tag names the platform where the extension was built, and any platform otherwise."""

    def has_ext_modules(self) -> bool:
        """Whether the native decoder is built."""
        return EXTENSION.is_file()


setup(
    distclass=Built,
    # The stable ABI of Python 3.11; without the extension the wheel is for any Python 3.
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if EXTENSION.is_file() else {},
)
