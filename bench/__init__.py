"""What the speed claims rest on: `python -m bench.NAME`, figures as ratios to a peer in the same run."""
