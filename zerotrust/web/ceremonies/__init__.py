"""The ready ceremonies: enrol, list, rename, remove and prove factors, and get back in; written once for all doors."""

from zerotrust.web.ceremonies.ceremonies import BUDGET, NEEDS, Ceremonies

__all__ = ["BUDGET", "NEEDS", "Ceremonies"]
