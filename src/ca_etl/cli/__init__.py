"""The command line: `main` is the entry point of `ca-etl`, and a module holds a group of commands."""


def main() -> None:
    """Run `ca-etl` with the arguments of the process."""
    from ca_etl.cli.app import main as run_app  # noqa: PLC0415  `import ca_etl.cli` stays fast

    run_app()
