"""Fast things beside the plain way and beside peers, in one run; `python -m benchmarks` prints the table."""
