"""A lock on an open file, released when the file is closed or its process ends.

A process that is killed leaves no lock behind, only perhaps a file that nobody holds.
"""

import sys


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file, unless another open file of the same path has it.

    Args:
        descriptor: An open file; the lock is held until it is closed.

    Returns:
        Whether the lock was free.

    Raises:
        OSError: The file system has no locks.
    """
    if sys.platform == "win32":
        import errno
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EDEADLK):
                raise
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
