"""What ends a command with one sentence."""


class Misuse(Exception):  # noqa: N818 - what the caller did, not what failed
    """It cannot be done as asked; says what is wrong, with which value, and what to do."""
