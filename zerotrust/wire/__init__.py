"""Bytes in, values out. Every parser here is total, bounded and does no I/O: any input gives a value or a `Reason`."""
