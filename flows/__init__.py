"""Prefect flows over the library. The library knows nothing of them."""
