"""The command line `ca-etl`: its entry point `main`, and one module for each group of commands."""


def main() -> None:
    """Run `ca-etl` with the arguments of the process."""
    from ca_etl.cli.app import main as run_app  # noqa: PLC0415  `import ca_etl.cli` stays fast

    run_app()
