"""The operations of a plan, one a file: what computes one layer, or several in one go."""
