"""What theory.json and pictures.json say about the files beside them, checked when it is read."""

from pathlib import PurePosixPath

from .. import schema
from ..files import RecordError, read_json
from ..naming import one_line

PICTURES = "pictures.json"
THEORY = "theory.json"
_IMAGES = (".png", ".gif", ".pdf", ".svg")


def _check_file(value, place):
    """A path of an image below the folder."""
    schema.text(1000)(value, place)
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or path.suffix not in _IMAGES or "\0" in value:
        raise schema.SchemaError(f"{one_line(value, 60)!r} is no image below the folder")


_COUNT = schema.whole(0, 10**6)
_PICTURE = schema.record(
    dict.fromkeys(("dataset", "protocol", "method", "curve", "setting"), schema.text(2000))
    | {
        "seed": schema.optional(schema.whole()),
        "latents": schema.list_of(_COUNT),
        "kl": schema.list_of(schema.number()),
        "files": schema.mapping(_check_file, 10),
        "source": schema.text(200),
    }
)
_CELL = schema.optional(lambda value, place: schema.plain(value, place, schema.DEEPEST))
_TEXT = schema.text(10_000)
_THEORY = schema.record(
    {
        "figures": schema.list_of(
            schema.record(
                {"title": _TEXT, "caption": _TEXT, "png": _check_file, "pdf": _check_file}
            )
        ),
        "columns": schema.list_of(
            schema.record(dict.fromkeys(("key", "heading", "unit", "meaning"), _TEXT))
        ),
        "rows": schema.list_of(schema.mapping(_CELL), 100_000),
        "largest_deviation": schema.optional(schema.number()),
        "notes": schema.list_of(_TEXT),
        "command": _TEXT,
    }
)


def read_pictures(folder):
    """Read what pictures there are, passing over entries that are not what they should be.

    Parameters
    ----------
    folder : Path
        With `pictures.json`.

    Returns
    -------
    entries : list of dict
        Empty where there is no such file.
    ignored : list of str
        One line for each entry, or for the whole file, that does not fit.
    """
    # Each entry is checked by itself.
    check = schema.record({"pictures": schema.list_of(lambda value, place: None)})
    content, ignored = _read(folder / PICTURES, check)
    entries = []
    for place, entry in enumerate(content["pictures"] if content else ()):
        try:
            _PICTURE(entry, ("pictures", place))
            if len(entry["latents"]) != len(entry["kl"]):
                raise schema.SchemaError(f"pictures[{place}] has not one KL for each latent")
            entries.append(entry)
        except schema.SchemaError as error:
            ignored.append(f"{one_line(folder / PICTURES)}: {error}")
    return entries, ignored


def read_theory(folder):
    """Read what `bench theory` wrote.

    Parameters
    ----------
    folder : Path
        With `theory.json`.

    Returns
    -------
    content : dict or None
        None where there is no such file, or one that does not fit.
    ignored : list of str
        One line where it does not fit.
    """
    return _read(folder / THEORY, _THEORY)


def _read(path, check):
    try:
        content = read_json(path)
        check(content, "")
    except FileNotFoundError:
        return None, []
    except RecordError as error:
        return None, [one_line(error)]
    except schema.SchemaError as error:
        return None, [f"{one_line(path)}: {error}"]
    return content, []
