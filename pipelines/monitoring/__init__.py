"""What is watched every day: drift of inputs and scores, and the figures for Prometheus."""
