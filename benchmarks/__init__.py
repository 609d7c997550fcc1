"""What the library costs: each script measures the floor, the peers and us in one run and prints ratios.

Microseconds drift from machine to machine and from minute to minute; a ratio to the floor, taken in the same round,
holds. The floor of a group is the work that nobody can avoid (one raw signature verification, an app with no
authentication, a handwritten function).

    python -m benchmarks            every group, each in a process of its own, then one table of goals
    python -m benchmarks.tokens     access tokens and refusals (also: policy, web, stores, imports)

Options of every script: `--json`, `--rounds N`, `--group NAME`. What is no ratio has commands of its own:

    python -m benchmarks.scaling    bytes per mark, marks per second, refusals when full, size over time
    python -m benchmarks.one_time   four workers accept each token once, under load
"""
