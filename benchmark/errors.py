"""Errors that end a command with one clear line instead of a traceback."""


class BenchError(Exception):
    """Something the user can put right; the command line prints it and exits.

    Parameters
    ----------
    message : str
        What was expected, what came, and what to do about it.
    exit_code : int, default 1
        Exit status of the command (2 for wrong usage, 3 for data that are missing).
    """

    def __init__(self, message: str, exit_code: int = 1):
        super().__init__(message)
        self.exit_code = exit_code
