"""Tests mirror zerotrust/; laws/, vectors/, attacks/, e2e/ and typing/ stand beside the mirror.

A package, so that no dependency's own top-level `tests` can be imported instead. Its folders need no `__init__.py`.
"""
