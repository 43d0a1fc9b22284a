"""What a check found, as text for people and as plain values."""

from typing import Any

from tabulate import tabulate

from harness.reporting.regression.check import as_markdown
from harness.reporting.regression.stages import STAGES, Report, StageFinding

_LISTED_AT_MOST = 3


def report_markdown(report: Report) -> str:
    """Return the report in Markdown: outcome, verdicts, a row a stage, numbers of the results."""
    lines = [f"### Check of profile {report.profile}: {outcome(report)}", ""]
    for verdict in report.verdicts:
        lines += [f"- **{_place(verdict)}**: {verdict.remark}"]
    if report.verdicts:
        lines += [""]
    rows = [_row(stage, report) for stage in STAGES]
    heads = ("stage", "outcome", "remark")
    lines += [tabulate([row for row in rows if row], headers=heads, tablefmt="github"), ""]
    if report.numbers:
        lines += [as_markdown(report.numbers), ""]
    if report.warnings:
        lines += [f"Warning: {warning}" for warning in report.warnings] + [""]
    return "\n".join(lines)


def report_json(report: Report) -> dict[str, Any]:
    """Return the report as plain values."""
    return {
        "profile": report.profile,
        "passed": not report.verdicts,
        "verdicts": [verdict.model_dump(mode="json") for verdict in report.verdicts],
        "stages": [finding.model_dump(mode="json") for finding in report.stages],
        "findings": [number.model_dump(mode="json") for number in report.numbers],
        "warnings": report.warnings,
    }


def outcome(report: Report) -> str:
    """Return the outcome in a few words: what failed first, for each model."""
    if not report.verdicts:
        skipped = [finding.stage for finding in report.stages if finding.outcome == "skipped"]
        return f"passed, {', '.join(skipped)} skipped" if skipped else "passed"
    models: dict[str, list[str]] = {}
    for verdict in report.verdicts:
        models.setdefault(verdict.stage, []).append(verdict.model)
    return "failed at " + " and ".join(_of(stage, names) for stage, names in models.items())


def _of(stage: str, models: list[str]) -> str:
    if not any(models):
        return stage
    listed = ", ".join(models) if len(models) <= _LISTED_AT_MOST else f"{len(models)} models"
    return f"{stage} of {listed}"


def _place(finding: StageFinding) -> str:
    return f"{finding.stage} of {finding.model}" if finding.model else finding.stage


def _row(stage: str, report: Report) -> tuple[str, str, str] | None:
    found = [finding for finding in report.stages if finding.stage == stage]
    if not found:
        return None
    failed = [finding for finding in found if finding.outcome == "failed"]
    if failed and not failed[0].model:
        return stage, "**failed**", ""
    if failed:
        later = [finding.model for finding in failed if finding not in report.verdicts]
        remark = f"after an earlier stage: {', '.join(later)}" if later else ""
        return stage, f"**{len(failed)} of {len(found)} models failed**", remark
    if found[0].outcome == "skipped":
        return stage, "skipped", found[0].remark
    new = [finding for finding in found if finding.outcome == "new"]
    models = "" if not found[0].model else f", {len(found) - len(new)} models"
    remark = f"new: {', '.join(one.model for one in new)}; {new[0].remark}" if new else ""
    return stage, f"passed{models}", remark
