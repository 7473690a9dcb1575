"""The error that is shown to a person: what is wrong and how to mend it, in one line."""


class InputError(Exception):
    """Bad input from a person or a file; the command line prints it and exits with status 2.

    `what` names the thing that is wrong (file, key path, port); `mend` says what to do about it.
    """

    def __init__(self, what: str, mend: str) -> None:
        self.what = what
        self.mend = mend
        super().__init__(f"{what}; {mend}")


Problem = tuple[str, str]
"""What is wrong, beginning with the key path, and the mend."""
