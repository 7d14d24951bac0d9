"""Messages for the operating system's errors: which file, what is wrong, what helps."""

import errno
import os

_WHAT_AND_REMEDY = {
    errno.ENOENT: ("there is no such file or folder", "check the path"),
    errno.EACCES: ("permission denied", "choose another place, or change its permissions"),
    errno.EPERM: ("permission denied", "choose another place, or change its permissions"),
    errno.EROFS: ("the file system is read-only", "choose another place"),
    errno.EISDIR: ("this is a folder", "give a file"),
    errno.ENOTDIR: ("a part of this path is a file and no folder", "check the path"),
    errno.EEXIST: ("there is a file where a folder is needed", "choose another place"),
    errno.ENOTEMPTY: ("the folder is not empty", "choose another place"),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter one"),
    errno.ELOOP: ("the links in this path lead in a circle", "check the path"),
    errno.ENOSPC: ("the disk is full", "make room, or choose another place"),
    errno.EDQUOT: ("the quota is used up", "make room, or choose another place"),
    errno.EFBIG: ("the file would be larger than allowed", "raise the limit (ulimit -f)"),
    errno.EMFILE: ("too many files are open", "raise the limit (ulimit -n)"),
    errno.ENFILE: ("too many files are open", "close other programs"),
    errno.EIO: ("it cannot be read or written, as if the disk were damaged", "try another disk"),
    errno.ENOMEM: ("there is not enough memory", "close other programs"),
}


def error_message(error: Exception) -> str:
    """Put an error into one line for a user; numcnn's own errors have their words."""
    message = _message(error)
    return " ".join(message.split())


def _message(error: Exception) -> str:
    if isinstance(error, MemoryError):
        said = str(error)
        if "not enough memory" in said:  # numcnn's own, with a remedy
            return said
        return (
            f"there is not enough memory{f' ({said})' if said else ''}; give a smaller --size or "
            "--batch-size, or a smaller network, or close other programs"
        )
    if not isinstance(error, OSError) or error.errno is None:
        return str(error) or type(error).__name__
    known = _WHAT_AND_REMEDY.get(error.errno)
    if known is None and error.filename is None:
        # Not of a file, such as a port that is taken; who raised it may have said more.
        return str(error.strerror or error)
    path = "output" if error.filename is None else os.fsdecode(error.filename)
    what, remedy = known or (error.strerror or str(error), "check the path")
    return f"{path}: {what}; {remedy}"
