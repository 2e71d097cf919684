"""The official helm, to compare with."""

from tests.helm.conftest import binary

__all__ = ["binary"]
