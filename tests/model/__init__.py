"""A second, slow and obvious statement of the rules, and histories to hold the engine against it."""
