"""What is found in a dataset besides its clips: errors, repairs and notes, reported together."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

LEVELS = ("error", "repair", "note")
"""An error stops the study, a repair is made and reported, a note is only reported."""


class DatasetError(ValueError):
    """A dataset that cannot be read as it is; the message names every file and row at fault."""


@dataclass(frozen=True)
class Finding:
    """One finding: its level (of `LEVELS`), a short name of its kind, and a message.

    ``row`` counts the rows of the annotation table as a spreadsheet does; ``clip`` and ``file`` are
    empty if the finding does not concern a single one.
    """

    level: str
    kind: str
    message: str
    row: int | None = None
    clip: str = ""
    file: str = ""

    def __str__(self) -> str:
        row = f"row {self.row}" if self.row else ""
        where = f"{row} ({self.clip})" if row and self.clip else row or self.clip
        return f"{where}: {self.message}" if where else self.message


class Findings(list[Finding]):
    """Everything that was found in a dataset, in the order in which it was found."""

    def error(self, kind: str, message: str, **where: Any) -> None:
        """Add what stops the study; ``where`` may be ``row``, ``clip`` and ``file``."""
        self.append(Finding("error", kind, message, **where))

    def repair(self, kind: str, message: str, **where: Any) -> None:
        """Add what was repaired."""
        self.append(Finding("repair", kind, message, **where))

    def note(self, kind: str, message: str, **where: Any) -> None:
        """Add what a reader may want to know."""
        self.append(Finding("note", kind, message, **where))

    def of(self, level: str) -> list[Finding]:
        """Return the findings of one level."""
        return [finding for finding in self if finding.level == level]

    def refused(self, strict: bool) -> list[Finding]:
        """Return what stops the study: the errors and, if strict, the repairs."""
        levels = ("error", "repair") if strict else ("error",)
        return [finding for finding in self if finding.level in levels]

    def stop(self, where: str | Path, strict: bool = False) -> None:
        """Raise one `DatasetError` if anything stops the study; it shows ten findings."""
        if refused := self.refused(strict):
            raise DatasetError(f"{where}: {listed(refused)}")

    def table(self) -> pd.DataFrame:
        """Return one finding per row, the worst first; the columns are those of `Finding`."""
        rows = sorted(self, key=lambda finding: LEVELS.index(finding.level))
        columns = list(Finding.__dataclass_fields__)
        return pd.DataFrame([asdict(row) for row in rows], columns=columns).astype({"row": "Int64"})


def listed(findings: list, shown: int = 10) -> str:
    """Return the number of problems and the first of them, one per line."""
    lines = "".join(f"\n  {finding}" for finding in findings[:shown])
    more = f"\n  ... and {len(findings) - shown} more" if len(findings) > shown else ""
    return f"{len(findings)} problem{'s' if len(findings) > 1 else ''}{lines}{more}"
