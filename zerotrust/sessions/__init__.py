"""Sessions: what was proven when, remembered for one subject in one browser."""
