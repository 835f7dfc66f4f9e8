"""``make screenshots``: the pictures of README and docs, taken from a run of a shipped project and from its report.

The run's terminal output becomes an SVG. The report becomes a PNG where a Chromium is installed.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COLUMNS = 132
PAGE = (1180, 1500)
REPORT = re.compile(r" (/\S+/report\.html)$", re.MULTILINE)
FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # a picture asks nothing of the network


def run(project: str, state: Path) -> str:
    """The output of a run of the whole life cycle on a state directory of its own.

    Args:
        project: Name of the project.
        state: The state directory.

    Returns:
        What the run prints.

    Raises:
        subprocess.CalledProcessError: if the run fails.
    """
    command = [sys.executable, "-m", "stack", "run", "--project", project, "--state-dir", str(state)]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def draw_terminal(output: str, file: Path, title: str) -> None:
    """Draw the text of a terminal.

    Args:
        output: The text.
        file: The SVG file; it is overwritten.
        title: Title of the window.
    """
    lines = [line for line in output.splitlines() if "/" not in line or line.startswith("✓")]
    with open("/dev/null", "w") as nowhere:  # noqa: PTH123 - a console writes somewhere
        console = Console(record=True, width=COLUMNS, file=nowhere)
        for line in lines:
            style = "green" if line.startswith("✓") else "bold" if line.endswith("succeeded.") else ""
            text = Text(line, overflow="ellipsis", no_wrap=True)
            text.stylize(style, 0, 1 if style == "green" else len(line))
            console.print(text, no_wrap=True, overflow="ellipsis")
        file.write_text(FONT.sub("", console.export_svg(title=title)))


def photograph(page: Path, file: Path) -> bool:
    """Take a picture of a page.

    Args:
        page: An HTML file.
        file: The PNG file; it is overwritten.

    Returns:
        Whether there is a Chromium to take it.

    Raises:
        subprocess.CalledProcessError: if Chromium fails.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        return False
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
        size = f"--window-size={PAGE[0]},{PAGE[1]}"
        subprocess.run(
            [chromium, *options, size, f"--screenshot={file}", page.as_uri()], check=True, capture_output=True
        )
    return True


def main() -> int:
    """Make all pictures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", default="credit_approval")
    parser.add_argument("--output", type=Path, help="the output of an earlier run, to draw without another run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        output = options.output.read_text() if options.output else run(options.project, Path(folder) / "state")
        draw_terminal(output, HERE / "run.svg", f"make run PROJECT={options.project}")
        page = REPORT.search(output)
        taken = page is not None and photograph(Path(page[1]), HERE / "report.png")
    print("made run.svg" + (" and report.png" if taken else "; no Chromium here, so report.png stays as it is"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
