"""What a curve is drawn over: which of the values that were tried it joins, and their names."""

from ..naming import format_number, one_line
from ..scoring.run_records import SYMBOLS


def default_axis(declared, values):
    """The hyperparameter that a model's curves are drawn over, before anything varies.

    Parameters
    ----------
    declared : dict
        The block `method` of a run record; its `axis`, if it has one that the run has.
    values : dict of str to float or str
        Hyperparameters and swept settings of a run of the model.

    Returns
    -------
    str or None
        Without a declaration β, or the first that is a number; None where none is.

    Examples
    --------
    >>> default_axis({"axis": "gamma"}, {"beta": 1.0, "gamma": 10.0})
    'gamma'
    >>> default_axis({}, {"gamma": 10.0, "beta": 1.0})
    'beta'
    """
    numbers = [name for name, value in values.items() if not isinstance(value, str)]
    wanted = [name for name in (declared.get("axis"), "beta") if name in numbers]
    return next(iter([*wanted, *numbers]), None)


def choose_axis(declared, values):
    """The value that the curves of a model are drawn over, in one data set and protocol.

    Parameters
    ----------
    declared : dict
        The block `method` of a run record.
    values : list of dict of str to float or str
        Hyperparameters and swept settings of every run of the model there. Those that are text,
        such as the name of a network, tell curves apart but are no axis.

    Returns
    -------
    str or None
        The declared axis (`default_axis`) if it took more than one value, else the first other
        hyperparameter or setting that did, else the declared one.

    Examples
    --------
    >>> choose_axis({}, [{"beta": 4.0, "gamma": 1.0}, {"beta": 4.0, "gamma": 2.0}])
    'gamma'
    """
    known = {}
    for one in values:
        for name, value in one.items():
            if not isinstance(value, str):
                known.setdefault(name, set()).add(value)
    first = default_axis(declared, known)
    names = [first, *(name for name in known if name != first)]
    return next((name for name in names if len(known.get(name, ())) > 1), first)


def name_value(name, symbols=None):
    """How tables and axes write the name of a hyperparameter or setting.

    Parameters
    ----------
    name : str
    symbols : dict of str to str, optional
        What the model declares; β and λ are known.

    Examples
    --------
    >>> name_value("beta"), name_value("c_max", {"c_max": "C_max"}), name_value("learning_rate")
    ('β', 'C_max', 'learning rate')
    """
    return one_line((SYMBOLS | (symbols or {})).get(name) or name.replace("_", " "), 60)


def write_setting(values):
    """Hyperparameters and swept settings as one text, β and λ first.

    Parameters
    ----------
    values : dict of str to float or str
        NaN and None are left out.

    Examples
    --------
    >>> write_setting({"lambda": 2.0, "beta": 4.0, "gamma": None})
    'beta=4,lambda=2'
    """
    order = sorted(values, key=lambda name: ({"beta": 0, "lambda": 1}.get(name, 2), name))
    known = {name: values[name] for name in order if values[name] is not None}
    return ",".join(
        f"{name}={_write_value(value)}" for name, value in known.items() if value == value
    )


def _write_value(value):
    return one_line(value).replace(",", ";") if isinstance(value, str) else format_number(value)


def setting_label(setting, symbols=None):
    """How a setting is written for people.

    Examples
    --------
    >>> setting_label("beta=4,lambda=2"), setting_label("")
    ('β = 4, λ = 2', 'default')
    """
    return ", ".join(_label(part, symbols) for part in setting.split(",") if part) or "default"


def _label(part, symbols):
    name, _, value = part.partition("=")
    return f"{name_value(name, symbols)} = {value}"
