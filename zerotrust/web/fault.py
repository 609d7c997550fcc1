"""Where something went wrong, for a log that must not quote the exception: its message may hold what a caller sent."""

from __future__ import annotations


def raised_at(error: BaseException) -> tuple[str, str]:
    """The file, line and function that `error` was raised in, as one text; and the name of the module."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown", ""
    code = trace.tb_frame.f_code
    return f"{code.co_filename}:{trace.tb_lineno} in {code.co_qualname}", str(trace.tb_frame.f_globals.get("__name__"))
