"""What answers asks: marks, values and counters in memory, SQLite, Redis or PostgreSQL; documents over HTTP.

Each module is imported by its own path, since some need a client library that not everybody installs. A source keeps
no opinion: it answers the question, or raises `SourceFailed`, and never makes up an answer because it has none.
"""
