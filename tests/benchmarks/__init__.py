"""Speed and memory, measured: ``python -m tests.benchmarks`` (``make bench``) writes docs/benchmarks.md.

Each ``bench_<name>.py`` of this folder has ``run(scale: float) -> list[Row]`` and runs in a process of its
own. Scale 1.0 is the size that the limits speak of. Limits are ratios of two sides measured in turn within one
run, because times say more about a machine than about the code.
"""
