"""The models, built from given rows as in their own tests."""

from tests.models.conftest import given, landing, models

__all__ = ["given", "landing", "models"]
