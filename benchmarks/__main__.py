"""``python -m benchmarks``: measures the sides of every case in turn, and writes the results."""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import machine, processes, report
from benchmarks.cases import Case, all_cases
from benchmarks.limits import limits

FOLDER = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    """Returns 0; 1: a measurement failed; 2: invalid arguments."""
    chosen = _parsed(arguments)
    cases = all_cases(chosen.quick)
    names = [case.name for case in cases]
    wanted = chosen.only.split(",") if chosen.only else names
    if unknown := sorted(set(wanted) - set(names)):
        print(f"error: --only {','.join(unknown)}: expected some of {', '.join(names)}")
        return 2
    if shutil.which(chosen.sb3_python) is None:
        print(f"error: --sb3-python {chosen.sb3_python}: expected an interpreter (no such program)")
        return 2
    repeats = chosen.repeats or (2 if chosen.quick else 5)
    out = Path(chosen.out or (FOLDER / "tmp" if chosen.quick else FOLDER))
    out.mkdir(parents=True, exist_ok=True)
    results = _begun(out / "results.json", machine.describe(chosen.sb3_python))
    for case in cases:
        if case.name in wanted:
            _measure(case, min(repeats, case.most_repeats or repeats), chosen, results, out)
    failed = any(
        "error" in measured
        for name in wanted
        for sides in results["cases"][name]["rounds"]
        for measured in sides.values()
    )
    print(f"{out / 'results.md'}")
    return int(failed)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="minutes instead of hours: checks that it runs"
    )
    parser.add_argument("--only", metavar="CASE[,CASE]", help="these cases only")
    parser.add_argument("--repeats", type=int, help="rounds (default: 5; 2 with --quick)")
    parser.add_argument("--out", metavar="DIR", help=f"default: {FOLDER.name}/ beside this file")
    parser.add_argument(
        "--sb3-python",
        metavar="PATH",
        default=sys.executable,
        help="interpreter with stable-baselines3 (default: this one)",
    )
    return parser.parse_args(arguments)


def _begun(path: Path, described: dict[str, Any]) -> dict[str, Any]:
    """Earlier results in ``path`` if machine and versions are the same, else none."""
    commit = described.pop("commit")
    earlier = json.loads(path.read_text()) if path.is_file() else {}
    same = earlier.get("machine") == described
    cases = earlier["cases"] if same else {}
    return {"machine": described, "commit": commit, "cases": cases}


def _measure(
    case: Case, repeats: int, chosen: argparse.Namespace, results: dict[str, Any], out: Path
) -> None:
    """Runs all rounds of ``case``; writes the files after each round."""
    rounds: list[dict[str, Any]] = []
    results["cases"][case.name] = {
        "name": case.name,
        "title": case.title,
        "peers": case.peers,
        "quick": chosen.quick,
        "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        "commit": results["commit"],
        "arguments": {side.name: [side.script, side.arguments] for side in case.sides},
        "rounds": rounds,
    }
    for number in range(1, repeats + 1):
        measured: dict[str, Any] = {}
        for side in case.sides:
            began = time.perf_counter()
            measured[side.name] = processes.run(side, chosen.sb3_python)
            shown = {name: _short(value) for name, value in measured[side.name].items()}
            passed = time.perf_counter() - began
            print(f"{case.name} {number}/{repeats} {side.name}: {shown} ({passed:.0f} s)")
            sys.stdout.flush()
        if case.name in ("parts", "ram_default"):
            measured["limits"] = limits(measured, results["machine"]["cores"])
        rounds.append(measured)
        _write(results, out)


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _write(results: dict[str, Any], out: Path) -> None:
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (out / "results.md").write_text(report.document(results))
    try:
        from benchmarks.plot import plot

        plot(results, out / "results.png")
    except ImportError as error:
        print(f"no plot: {error}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
