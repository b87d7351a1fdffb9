"""What every test of faults has: the library that notes file calls, and the closing table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.closing_table import ClosingTable, format_table, read_rows, sum_up
from tests.faults.file_calls import build_library


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cuts", type=int, default=60, help="power cuts to try, at least 50")
    parser.addoption("--seed", type=int, default=20261124, help="where power cuts begin")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report
        for key in ("passed", "failed")
        for report in terminalreporter.getreports(key)
        if getattr(report, "when", "") == "call"
    ]
    rows = sum_up(row for report in reports for row in read_rows(report.user_properties))
    if rows:
        terminalreporter.section("faults tried, and what was lost")
        for line in format_table(rows):
            terminalreporter.write_line(line)


@pytest.fixture
def closing_table(request: pytest.FixtureRequest) -> ClosingTable:
    """Takes this test's rows of the table at the end."""
    return ClosingTable(request.node)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that notes and kills, compiled."""
    return build_library(tmp_path_factory.mktemp("library"))
