"""Open an archive that may be hostile: judged by what it declares, then by what it holds.

Everything here runs in a process of its own, whose memory is limited; its caller removes the folder
that the members are written to.
"""

import errno
import hashlib
import os
import stat
import struct
import zipfile
from pathlib import Path

from ..files import RecordError, read_json
from ..naming import one_line
from .manifest import (
    LARGEST_ARCHIVE,
    LARGEST_MANIFEST,
    LARGEST_MEMBER,
    MEMBER,
    MOST_MEMBERS,
    NAME,
    check_manifest,
)
from .problems import ROOM, ContributionError

# Stored arrays of noise hardly shrink: what shrinks more than this was made to.
LARGEST_RATIO = 200
_SMALL = 2**16  # bytes of a member below which its ratio says nothing
_BLOCK = 2**20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ENCRYPTED = 0x1
_END = b"PK\x05\x06"
_LARGE_END = b"PK\x06\x07"  # 20 bytes before the end; what it says would count instead
_LARGEST_DIRECTORY = 2**20


def extract(path, folder, report=None):
    """Write the members of an archive to a folder, once all that it declares is within limits.

    Parameters
    ----------
    path, folder : str
    report : callable, optional
        Called with the name of each member before it is written.

    Returns
    -------
    dict
        The manifest as `manifest`, or `problems`, a list of lines.
    """
    try:
        return {"manifest": _extract(path, Path(folder), report or (lambda name: None))}
    except ContributionError as error:
        return {"problems": list(error.problems)}
    except OSError as error:
        if error.errno in _FULL:
            problem = f"cannot be opened in {folder} ({error.strerror}); {ROOM}"
            return {"problems": [problem]}
        return {"problems": [f"cannot be read ({error.strerror or one_line(error)})"]}
    except MemoryError:
        raise
    except Exception as error:  # zlib, struct, zipfile and others raise their own
        return {"problems": [f"is not a readable zip archive ({one_line(error, 160)})"]}


def _extract(path, folder, report):
    _check_file(path)
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        problems = list(_judge(archive.infolist()))
        if problems:
            raise ContributionError(problems)
        report(NAME)
        _copy(archive, members.pop(NAME), folder / NAME)
        try:
            record, _ = check_manifest(read_json(folder / NAME, limit=LARGEST_MANIFEST))
        except RecordError as error:
            raise ContributionError([str(error).replace(f"{folder / NAME}", NAME)]) from None
        stated = {member["name"]: member for member in record["members"]}
        unknown = [f"holds {name}, which {NAME} does not name" for name in members.keys() - stated]
        missing = [f"{NAME} names {name}, which is not there" for name in stated.keys() - members]
        if unknown or missing:
            raise ContributionError(sorted(unknown + missing))
        for name in sorted(members):
            report(name)
            digest = _copy(archive, members[name], folder / name)
            if digest != stated[name]["sha256"] or members[name].file_size != stated[name]["size"]:
                problems.append(f"{name} is not the file that {NAME} names: another hash or size")
        if problems:
            raise ContributionError(problems)
    return record


def _check_file(path):
    """Refuse what is no file, is too large, or lists more members than it may."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ContributionError(["is not a regular file"])
    if status.st_size > LARGEST_ARCHIVE + LARGEST_MANIFEST + _LARGEST_DIRECTORY:
        raise ContributionError([f"is larger than {LARGEST_ARCHIVE >> 20} MiB"])
    with open(path, "rb") as file:
        file.seek(max(0, status.st_size - 2**16 - 22))
        tail = file.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < 22:
        raise ContributionError(["is not a zip archive, or is cut off"])
    if tail[max(0, place - 20) : place].startswith(_LARGE_END):
        raise ContributionError(["is a zip archive in the format for large ones, which none needs"])
    count, size, begin, comment = struct.unpack("<HIIH", tail[place + 10 : place + 22])
    # The end of a representation, which is a zip archive itself, is not that of the archive.
    ends = status.st_size - len(tail) + place
    if place + 22 + comment != len(tail) or begin + size != ends:
        raise ContributionError(["is cut off, or more than a zip archive"])
    if count > MOST_MEMBERS + 1 or size > _LARGEST_DIRECTORY:
        raise ContributionError([f"lists more than {MOST_MEMBERS} members"])


def _judge(members):
    """Everything that is wrong with the list of members, before any is read."""
    if len(members) > MOST_MEMBERS + 1:
        yield f"lists {len(members)} members, more than {MOST_MEMBERS} and a manifest"
        return
    seen, total = set(), 0
    for member in members:
        name = member.filename
        shown = one_line(name, 100)
        if name != NAME and not MEMBER.fullmatch(name):
            yield f"holds {shown!r}, which is neither {NAME} nor the name of a representation"
        if name.lower() in seen:
            yield f"holds {shown} twice"
        seen.add(name.lower())
        if name != member.orig_filename:
            yield f"holds {shown} under a name with a hidden end"
        kind = stat.S_IFMT(member.external_attr >> 16)
        if name.endswith("/") or kind not in (0, stat.S_IFREG):
            yield f"{shown} is a folder, a link or a device, not a file"
        if member.flag_bits & _ENCRYPTED:
            yield f"{shown} is encrypted"
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield f"{shown} is compressed in a way that is not taken; store or deflate it"
        limit = LARGEST_MANIFEST if name == NAME else LARGEST_MEMBER
        if member.file_size > limit:
            yield f"{shown} would have {member.file_size} bytes, more than {limit}"
        elif member.file_size > max(_SMALL, LARGEST_RATIO * member.compress_size):
            yield f"{shown} would grow from {member.compress_size} to {member.file_size} bytes"
        total += member.file_size
    if total > LARGEST_ARCHIVE + LARGEST_MANIFEST:
        yield f"its members would have {total} bytes in all, more than {LARGEST_ARCHIVE}"
    if NAME not in seen:
        yield f"holds no {NAME}; bench pack writes one"


def _copy(archive, member, target):
    """Write one member, never more of it than it declares; give its hash."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), member.file_size
    with archive.open(member) as source, open(target, "xb") as file:
        while block := source.read(min(_BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                raise ContributionError([f"{member.filename} holds more than it declares"])
            digest.update(block)
            file.write(block)
    if left:
        raise ContributionError([f"{member.filename} holds less than it declares"])
    return digest.hexdigest()
