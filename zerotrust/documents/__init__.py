"""Policies as documents: JSON that is written and read, its schema and fingerprint; pages and charts of decisions."""

from zerotrust.documents.fingerprint import fingerprint
from zerotrust.documents.html import to_html
from zerotrust.documents.mermaid import to_mermaid
from zerotrust.documents.reading import from_json, load_policy
from zerotrust.documents.schema import json_schema
from zerotrust.documents.writing import to_json

__all__ = ["fingerprint", "from_json", "json_schema", "load_policy", "to_html", "to_json", "to_mermaid"]
