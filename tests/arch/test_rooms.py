"""Each room of ``ged`` stays small enough for one person to know all of it."""

import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT = 4_500
NO_ROOMS = {"migrations"}  # revisions are written once and then not read


def test_no_room_of_ged_is_larger_than_one_person_can_know() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "ged/*.py"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    paths = [Path(name) for name in tracked.split("\0") if name]
    lines: Counter[str] = Counter()
    for path in paths:
        if len(path.parts) > 2 and path.parts[1] not in NO_ROOMS and (ROOT / path).is_file():
            lines[path.parts[1]] += len((ROOT / path).read_text(encoding="utf-8").splitlines())
    assert len(lines) >= 20, "the rooms were not found"
    assert {room: count for room, count in lines.items() if count > LIMIT} == {}, "move out what belongs elsewhere"
