"""What each command does: one module per kind of work. A command returns False if it found a difference."""
