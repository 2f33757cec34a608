"""The rest of the simulated hosts, beside their drives: memory, GPUs, boards, and what is written about them."""
