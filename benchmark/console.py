"""Tables on the terminal."""


def console():
    """A console for tables: the terminal's width, or a fixed one when there is no terminal."""
    from rich.console import Console

    # Variant strings have brackets of their own.
    made = Console(markup=False, highlight=False)
    return made if made.is_terminal else Console(width=160, markup=False, highlight=False)


def table(title, *headings):
    """An empty table; long cells fold."""
    from rich.table import Table

    made = Table(title=title, title_justify="left")
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made
