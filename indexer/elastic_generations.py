"""Generations of the index on Elasticsearch: real indices behind two aliases.

``ALIAS`` names the index that is read and written; ``ALIAS-building`` the index being built beside it. The latter keeps
its progress in its mapping (``_meta``), so that a killed rebuild can resume. Mapping, analysis, shards and replicas
come from an index template, so that an index created by hand under a matching name has them too.
"""

from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from ged.errors import EngineFailed
from ged.ports import Building
from indexer import elastic_schema, fields

TEMPLATE_PRIORITY = 500
SETTLED = {"index": {"refresh_interval": None}}


class Generations:
    """The indices behind one alias.

    Args:
        client: with a short timeout; creating and deleting indices has a timeout of a minute.
    """

    def __init__(self, client: Elasticsearch, alias: str, *, shards: int, replicas: int | None) -> None:
        self._client = client
        self._patient = client.options(request_timeout=60)
        self._alias = alias
        self._shards = shards
        self._replicas = replicas

    @property
    def building_alias(self) -> str:
        """The name under which the generation being built is written."""
        return f"{self._alias}-building"

    def ensure_first(self) -> None:
        """Create the first generation; two concurrent workers create only one."""
        self._create(f"{self._alias}-v{fields.SCHEMA_VERSION}-000001", {self._alias: {"is_write_index": True}})

    def reset(self) -> None:
        """Give the alias to an empty generation, and delete the old generations in the same step."""
        old = self._behind(self._alias) + self._behind(self.building_alias)
        name = self.next_name()
        self._create(name, {})
        actions: list[dict[str, Any]] = [{"remove_index": {"index": index}} for index in old]
        actions.append({"add": {"index": name, "alias": self._alias, "is_write_index": True}})
        self._patient.indices.update_aliases(actions=actions)

    def begin(self, version: int) -> Building:
        """See ``SearchIndex.begin_rebuild``; a rebuild of another schema starts again."""
        found = self.building()
        if found is not None and self.schema_version(self.building_alias) == fields.SCHEMA_VERSION:
            return found
        self.abandon()
        name = self.next_name()
        meta = {"rebuild": {"version": version, "position": 0}}
        self._create(name, {self.building_alias: {"is_write_index": True}}, meta=meta, refresh="-1")
        return Building(name, version)

    def building(self) -> Building | None:
        """The generation being built."""
        try:
            found = self._client.indices.get_mapping(index=self.building_alias).body
        except NotFoundError:
            return None
        name, one = next(iter(sorted(found.items())))
        rebuild = one["mappings"].get("_meta", {}).get("rebuild", {})
        return Building(name, int(rebuild.get("version", 0)), int(rebuild.get("position", 0)))

    def require_building(self) -> Building:
        """The generation being built.

        Raises:
            EngineFailed: ``index.not_building``.
        """
        found = self.building()
        if found is None:
            raise EngineFailed("index.not_building", "Run `ged index rebuild` again: another process ended it.")
        return found

    def remember(self, position: int) -> None:
        """Store the progress of the rebuild."""
        found = self.require_building()
        meta = {
            "schema_version": fields.SCHEMA_VERSION,
            "rebuild": {"version": found.version, "position": position},
        }
        self._patient.indices.put_mapping(index=found.name, meta=meta)

    def adopt(self, name: str, *, version: int, position: int) -> None:
        """Make an existing index the generation being built, filled up to ``position``."""
        meta = {"schema_version": fields.SCHEMA_VERSION, "rebuild": {"version": version, "position": position}}
        self._patient.indices.put_mapping(index=name, meta=meta)
        self._patient.indices.update_aliases(
            actions=[{"add": {"index": name, "alias": self.building_alias, "is_write_index": True}}]
        )

    def publish(self) -> None:
        """Refresh, swap the aliases in one step, then delete the former living generation."""
        name = self.require_building().name
        old = [one for one in self._behind(self._alias) if one != name]
        # It was built without refreshes (begin): without this, no later letter would ever be found.
        self._patient.indices.put_settings(index=name, settings=SETTLED)
        self._patient.indices.refresh(index=name)
        actions: list[dict[str, Any]] = [{"remove": {"index": one, "alias": self._alias}} for one in old]
        actions.append({"add": {"index": name, "alias": self._alias, "is_write_index": True}})
        actions.append({"remove": {"index": name, "alias": self.building_alias}})
        self._patient.indices.update_aliases(actions=actions)
        for one in old:
            self._patient.options(ignore_status=404).indices.delete(index=one)

    def abandon(self) -> None:
        """Delete the generation being built, and generations that a crash left without an alias."""
        living = set(self._behind(self._alias))
        for name in self._all():
            if name not in living:
                self._patient.options(ignore_status=404).indices.delete(index=name)

    def living(self) -> str:
        """Name of the living generation; '' when there is none."""
        return next(iter(self._behind(self._alias)), "")

    def schema_version(self, alias: str) -> int:
        """The oldest schema behind an alias; 0 when there is none."""
        try:
            found = self._client.indices.get_mapping(index=alias)
        except NotFoundError:
            return 0
        return min(int(one["mappings"].get("_meta", {}).get("schema_version", -1)) for one in found.body.values())

    def _behind(self, alias: str) -> list[str]:
        try:
            return sorted(self._client.indices.get_alias(name=alias).body)
        except NotFoundError:
            return []

    def _all(self) -> list[str]:
        """Every generation, also a generation that a crash left without an alias."""
        found = self._client.indices.get(index=f"{self._alias}-v*", allow_no_indices=True, features="aliases").body
        return sorted(found)

    def next_name(self) -> str:
        """The name of the next generation."""
        numbers = [name.rpartition("-")[2] for name in self._all()]
        last = max((int(number) for number in numbers if number.isdigit()), default=0)
        return f"{self._alias}-v{fields.SCHEMA_VERSION}-{last + 1:06d}"

    def _create(
        self, name: str, aliases: dict[str, Any], *, meta: dict[str, Any] | None = None, refresh: str | None = None
    ) -> None:
        settings = elastic_schema.settings(shards=self._shards, replicas=self._replicas)
        mapping = elastic_schema.mapping()
        if self._has_template(settings, mapping):
            settings, mapping = {}, {"_meta": mapping["_meta"]}
        mapping["_meta"] = mapping["_meta"] | (meta or {})
        if refresh is not None:
            settings["refresh_interval"] = refresh
        answer = self._patient.options(ignore_status=400).indices.create(
            index=name, mappings=mapping, settings=settings, aliases=aliases
        )
        error = answer.body.get("error")
        if error and error["type"] != "resource_already_exists_exception":
            raise EngineFailed("index.rejected", "Look at the log of Elasticsearch.", why=str(error["reason"])[:300])

    def _has_template(self, settings: dict[str, Any], mapping: dict[str, Any]) -> bool:
        """Store the index template of this schema; False if the key may not (each index is then created in full)."""
        answer = self._patient.options(ignore_status=403).indices.put_index_template(
            name=self._alias,
            index_patterns=[f"{self._alias}-v{fields.SCHEMA_VERSION}-*"],
            template={"settings": settings, "mappings": mapping},
            priority=TEMPLATE_PRIORITY,
        )
        return bool(answer.body.get("acknowledged"))
