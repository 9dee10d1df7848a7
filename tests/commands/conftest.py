"""Commands run in the tests' own process."""

import pytest

from airflow_provider_rokt.__main__ import main


@pytest.fixture
def rokt_cli(monkeypatch, capsys):
    """Runs a command in this process; gives its status, what it printed and what it said of errors."""
    # The commands change it for their process; this one goes on.
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit:
            main(arguments)
        return exit.value.code, *capsys.readouterr()

    return run
