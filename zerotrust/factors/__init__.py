"""Authentication factors as values and steps: what a person enrols, how it is proven, what a proof says."""
