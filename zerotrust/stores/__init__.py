"""What answers asks: marks and values in memory, documents over HTTP.

Each module is imported by its own path, since some need a client library that not everybody installs. A source keeps
no opinion: it answers the question, or raises `SourceFailed`, and never makes up an answer because it has none.
"""
