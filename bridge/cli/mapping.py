"""`bridge map`: write a mapping and see at once what it makes of a message; offline, nothing is sent."""

import typer

app = typer.Typer(
    help="Try, explain, test and compare mappings on files; offline, and nothing is sent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def bench() -> None:
    """Try, explain, test and compare mappings on files; offline, and nothing is sent."""
