"""What every part of a layout's filters is written with: names of fields, plugins with ids, scripts, rejects."""

from __future__ import annotations

from mediation.layout import Layout
from mediation.logstash.language import Config, Value, reference

SCRIPTS = "${PIPELINE_HOME:/usr/share/logstash/busyhour}/ruby"
GOOD = "![reject][reason]"


class FilterWriter:
    """Writes filters of one layout; their ids begin with its name."""

    def __init__(self, out: Config, layout: Layout) -> None:
        self.out, self.layout, self.name = out, layout, layout.name
        self._texts = {column.field for column in layout.columns if column.field and column.type == "keyword"}

    def field(self, name: str) -> str:
        """Where a field is while the filters run; what is not stored is under [@metadata]."""
        return f"[@metadata][local][{name}]" if name in self.layout.locals else reference(name)

    def present(self, name: str) -> str:
        """Condition that a field is there. (The bare field would be false for the text `false`.)"""
        return f"{self.field(name)} =~ /./" if name in self._texts else self.field(name)

    def absent(self, name: str) -> str:
        """Condition that a field is not there."""
        return f"{self.field(name)} !~ /./" if name in self._texts else f"!{self.field(name)}"

    def add(self, plugin: str, key: str, settings: dict[str, Value]) -> None:
        self.out.plugin(plugin, f"{self.name}.{key}", settings)

    def script(self, key: str, script: str, settings: dict[str, Value]) -> None:
        """A ruby filter on `logstash/ruby/SCRIPT.rb`."""
        self.add("ruby", key, {"path": f"{SCRIPTS}/{script}.rb", "script_params": settings})

    def reject(self, key: str, reason: str, column: str, detail: str) -> None:
        fields = {"[reject][reason]": str(reason), "[reject][column]": column, "[reject][detail]": detail}
        self.add("mutate", key, {"add_field": {name: value for name, value in fields.items() if value}})
