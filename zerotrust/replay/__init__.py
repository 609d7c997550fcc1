"""Decisions kept as capsules, and other policies tried on them."""

from zerotrust.replay.capsule import Capsule, read_capsule
from zerotrust.replay.recorder import Recorder
from zerotrust.replay.sink import FileSink

__all__ = ["Capsule", "FileSink", "Recorder", "read_capsule"]
