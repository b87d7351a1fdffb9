"""`polewatch bench`: what the eye costs on this machine, as ratios measured in one run."""
