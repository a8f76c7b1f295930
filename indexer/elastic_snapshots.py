"""Snapshots of the living generation in a repository of Elasticsearch (type ``fs``), and their restoration.

The metadata of a snapshot names its schema, and the job up to which it holds all changes of SQL. A restored snapshot
becomes the generation being built. A rebuild must continue from there, so that nothing outdated is ever searched.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from elasticsearch import ApiError, Elasticsearch

from ged.errors import EngineFailed, Invalid, NotFound
from indexer import elastic_schema, fields
from indexer.elastic_calls import calls
from indexer.elastic_generations import Generations

LOOK_EVERY_S = 0.3
RUNNING = "IN_PROGRESS"
WHOLE = "SUCCESS"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as the repository reports it.

    Attributes:
        state: ``IN_PROGRESS``, ``SUCCESS``, ``PARTIAL`` or ``FAILED``.
        version: the job up to which it holds all changes.
        position: the last letter at the time.
    """

    name: str
    state: str
    begun_at: datetime
    took_s: float
    schema_version: int
    letters: int
    version: int
    position: int

    @property
    def line(self) -> str:
        """The line that the command prints."""
        return (
            f"{self.name} {self.state} {self.letters} letters, schema {self.schema_version}, "
            f"begun {self.begun_at:%Y-%m-%d %H:%M:%S} UTC, {self.took_s:.1f} s"
        )


class Snapshots:
    """The snapshots of one index.

    Args:
        location: a folder of the nodes, under one of their ``path.repo``.
        url, alias, api_key, ca_path, replicas: as of ``ElasticIndex``; the key needs the cluster's right
            ``manage`` (repositories) as well.
    """

    def __init__(
        self,
        url: str,
        *,
        alias: str,
        location: str,
        api_key: str | None = None,
        ca_path: str | None = None,
        replicas: int | None = None,
    ) -> None:
        security: dict[str, Any] = {"ca_certs": ca_path} if ca_path else {}
        self._client = Elasticsearch(url, api_key=api_key, request_timeout=60, **security)
        self._generations = Generations(self._client, alias, shards=1, replicas=replicas)
        self._replicas = replicas
        self._alias = alias
        self._repository = f"{alias}-snapshots"
        self._location = location

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def take(self, now: datetime, *, version: int, position: int) -> str:
        """Begin a snapshot of the living generation; returns its name. See ``wait``.

        Args:
            version: the job up to which the index holds all changes.
            position: the last letter of SQL.
        """
        with calls():
            self._register()
            living = self._generations.living()
            if not living:
                raise EngineFailed("index.unavailable", "Run `ged index rebuild`: there is no index yet.")
            metadata = {
                "schema_version": self._generations.schema_version(self._alias),
                "letters": int(self._client.count(index=living)["count"]),
                "version": version,
                "position": position,
            }
            at = now.astimezone(UTC)
            name = f"{self._alias}-{at:%Y%m%d-%H%M%S}-{at.microsecond // 1000:03}"
            self._client.snapshot.create(
                repository=self._repository,
                snapshot=name,
                indices=[living],
                include_global_state=False,
                metadata=metadata,
                wait_for_completion=False,
            )
        return name

    def wait(self, name: str, *, progress: Progress) -> Snapshot:
        """Wait for the end of a snapshot; ``progress`` gets the files done and all files."""
        while True:
            found = self.find(name)
            if found.state != RUNNING:
                return found
            with calls():
                status = self._client.snapshot.status(repository=self._repository, snapshot=[name])
            stats = status["snapshots"][0]["stats"]
            done = stats.get("processed", {}).get("file_count", 0)
            progress(int(done), int(stats["incremental"]["file_count"]))
            time.sleep(LOOK_EVERY_S)

    def find(self, name: str) -> Snapshot:
        """A snapshot by name; ``latest`` is the last complete snapshot.

        Raises:
            NotFound: ``snapshot.unknown``.
        """
        for one in reversed(self.listed()):
            if one.name == name or (name == "latest" and one.state == WHOLE):
                return one
        raise NotFound("snapshot.unknown", "Run `ged index snapshots`: it lists their names.", name=name)

    def listed(self) -> tuple[Snapshot, ...]:
        """All snapshots of this index, the oldest first."""
        with calls():
            self._register()
            found = self._client.snapshot.get(repository=self._repository, snapshot="*", sort="start_time")
        return tuple(_snapshot(one) for one in found["snapshots"] if one["snapshot"].startswith(f"{self._alias}-"))

    def thin(self, keep: int) -> list[str]:
        """Remove all failed snapshots, and all complete ones but the newest ``keep``; returns the names."""
        found = self.listed()
        whole = [one.name for one in found if one.state == WHOLE]
        gone = [one.name for one in found if one.state not in (WHOLE, RUNNING)] + whole[: max(len(whole) - keep, 0)]
        with calls():
            for name in gone:
                self._client.snapshot.delete(repository=self._repository, snapshot=name)
        return gone

    def restore(self, name: str, *, latest: int, progress: Progress) -> Snapshot:
        """Restore a snapshot as the generation being built, and wait for the end. The living generation is untouched.

        Args:
            latest: the newest job of SQL. A snapshot with a later job is of another or a later database.

        Raises:
            NotFound: ``snapshot.unknown``.
            Invalid: ``snapshot.not_whole``, ``snapshot.schema``, ``snapshot.ahead``.
        """
        found = self.find(name)
        _check(found, latest)
        with calls():
            self._generations.abandon()
            target = self._generations.next_name()
            self._client.snapshot.restore(
                repository=self._repository,
                snapshot=found.name,
                indices="*",
                include_aliases=False,
                include_global_state=False,
                rename_pattern=".+",
                rename_replacement=target,
                index_settings=elastic_schema.copies(self._replicas) | {"refresh_interval": "-1"},
                wait_for_completion=False,
            )
            self._stand(target, progress)
            self._generations.adopt(target, version=found.version, position=found.position)
        return found

    def _stand(self, target: str, progress: Progress) -> None:
        while True:
            shards = self._client.indices.recovery(index=target).body.get(target, {}).get("shards", [])
            if shards and all(one["stage"] == "DONE" for one in shards if one["primary"]):
                break
            files = [one["index"]["files"] for one in shards]
            progress(sum(one["recovered"] for one in files), sum(one["total"] for one in files))
            time.sleep(LOOK_EVERY_S)
        self._client.cluster.health(index=target, wait_for_status="yellow", timeout="30s")

    def _register(self) -> None:
        try:
            self._client.snapshot.create_repository(
                name=self._repository, repository={"type": "fs", "settings": {"location": self._location}}
            )
        except ApiError as error:
            if "repository" not in (error.error or ""):
                raise
            raise EngineFailed(
                "index.snapshot_place",
                "Put the folder of GED_ELASTICSEARCH_SNAPSHOTS into `path.repo` of every node; it must be one that all share.",
                location=self._location,
                why=error.error,
            ) from error


def _check(found: Snapshot, latest: int) -> None:
    if found.state != WHOLE:
        raise Invalid("snapshot.not_whole", "Take another one.", name=found.name, state=found.state)
    if found.schema_version != fields.SCHEMA_VERSION:
        raise Invalid("snapshot.schema", "Run `ged index rebuild`.", name=found.name, schema=found.schema_version)
    if found.version > latest:
        raise Invalid("snapshot.ahead", "Run `ged index rebuild`: the database is older.", name=found.name)


def _snapshot(listed: dict[str, Any]) -> Snapshot:
    about = listed.get("metadata") or {}
    return Snapshot(
        name=listed["snapshot"],
        state=listed["state"],
        begun_at=datetime.fromtimestamp(listed["start_time_in_millis"] / 1000, UTC),
        took_s=listed.get("duration_in_millis", 0) / 1000,
        schema_version=int(about.get("schema_version", 0)),
        letters=int(about.get("letters", 0)),
        version=int(about.get("version", 0)),
        position=int(about.get("position", 0)),
    )
