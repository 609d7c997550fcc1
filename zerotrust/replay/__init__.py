"""Decisions kept as capsules, and other policies tried on them."""

from zerotrust.replay.capsule import Capsule, read_capsule
from zerotrust.replay.outcome import Example, Group, Report
from zerotrust.replay.recorder import Recorder
from zerotrust.replay.replaying import lines_of, replay
from zerotrust.replay.sink import FileSink

__all__ = ["Capsule", "Example", "FileSink", "Group", "Recorder", "Report", "lines_of", "read_capsule", "replay"]
