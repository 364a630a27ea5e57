"""What is found in a dataset besides its clips: errors, warnings, repairs and notes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from merlib.config import digest

LEVELS = ("error", "warning", "repair", "note")
"""An error stops the study. A warning does not, but results may be worth less, so the study says it
too. A repair is made and named; a note is only reported."""


class DatasetError(ValueError):
    """A dataset that cannot be read as it is; the message names the files and rows at fault."""


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

    def warning(self, kind: str, message: str, **where: Any) -> None:
        """Add what does not stop the study, but may make its results worth less."""
        self.append(Finding("warning", kind, message, **where))

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


def without(clips: pd.DataFrame, reasons: Mapping[str, str]) -> pd.DataFrame:
    """Return a clip table without some clips: clip -> why, as ``attrs["repairs"]`` says it.

    The version counts all clips that were left out. Their list has a key of four digits there, so
    that two tables of the same version are the same.
    """
    if not reasons:
        return clips
    about = clips.attrs
    left_out = [*about["left_out"], *reasons]
    kept = [not one.startswith(tuple(f"{clip}: " for clip in reasons)) for one in about["repairs"]]
    repairs = [one for one, keep in zip(about["repairs"], kept, strict=True) if keep]
    repairs += [f"{clip}: {reason}" for clip, reason in reasons.items()]
    key = digest(sorted(left_out))[:4]
    version = f"{about['release']}, without {len(left_out)} clip(s) (list {key})"
    clips = clips[~clips["clip"].isin(reasons)].reset_index(drop=True)
    clips.attrs = about | {"left_out": left_out, "version": version, "repairs": repairs}
    return clips


def too_many(clips: pd.DataFrame, bad: int) -> str:
    """Return a sentence if the share ``skip_bad`` of a clip table does not allow to leave out more.

    ``bad`` counts the clips that would be left out besides those that were, or were by name.
    """
    share, wanted = clips.attrs.get("skip_bad", 0), clips.attrs.get("wanted", len(clips))
    bad += clips.attrs.get("skipped", 0)
    if not share or bad <= share * wanted + 1e-9:
        return ""
    allowed = f"skip_bad={share:g} allows {int(share * wanted + 1e-9)}"
    return f"{bad} of {wanted} clips are bad ({bad / wanted:.1%}); {allowed}"


def without_bad(clips: pd.DataFrame, findings: Findings, wanted: set[str]) -> pd.DataFrame:
    """Return a clip table without the clips that have an error, if its share ``skip_bad`` allows.

    The errors of these clips become repairs, in place, so that they do not stop a study. Only
    ``wanted`` clips are left out. What is stored is the kind of an error: its message may name a
    folder of this machine.
    """
    reasons: dict[str, str] = {}
    for one in findings.of("error"):
        if one.clip in wanted:
            reasons.setdefault(one.clip, f"left out as bad ({one.kind})")
    if not reasons or not clips.attrs.get("skip_bad"):
        return clips
    if sentence := too_many(clips, len(reasons)):
        findings.error("skip bad", sentence)
        return clips
    for k, one in enumerate(findings):
        if one.level == "error" and one.clip in reasons:
            findings[k] = replace(one, level="repair", message=f"left out, {one.message}")
    clips = without(clips, reasons)
    clips.attrs["skipped"] = clips.attrs.get("skipped", 0) + len(reasons)
    return clips
