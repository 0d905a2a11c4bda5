"""Building the node: once, again when a source changed, and told plainly when it cannot be. Maven is a stand-in here."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from contracts.errors import NodeError
from infrastructure.node.build import ensure_built, source_digest
from infrastructure.node.java import Java

JAVA = Java(Path("/nowhere/bin/java"), 17)
BUILDS = "sleep 0.3\nmkdir -p target/lib\ntouch target/busyhour-node.jar\necho built >> runs\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder like ours, with one Java source."""
    source = tmp_path / "node" / "src" / "main" / "java" / "Main.java"
    source.parent.mkdir(parents=True)
    source.write_text("class Main {}")
    (tmp_path / "node" / "pom.xml").write_text("<project/>")
    return tmp_path / "node"


def _environment(tmp_path: Path, script: str) -> dict[str, str]:
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir(exist_ok=True)
    maven.write_text("#!/bin/sh\n" + script)
    maven.chmod(0o755)
    return {"PATH": f"{maven.parent}:/usr/bin:/bin"}


def _runs(folder: Path) -> int:
    return len((folder / "runs").read_text().splitlines())


def test_build_runs_once_when_nothing_changes(folder: Path, tmp_path: Path) -> None:
    environment = _environment(tmp_path, BUILDS)
    said: list[str] = []
    first = ensure_built(JAVA, environment, progress=said.append, folder=folder)
    assert ensure_built(JAVA, environment, progress=said.append, folder=folder) == first
    assert (_runs(folder), len(said)) == (1, 1)


@pytest.mark.parametrize("name", ["pom.xml", "src/main/java/Main.java", "src/main/java/New.java"])
def test_build_runs_again_when_a_source_changes(folder: Path, tmp_path: Path, name: str) -> None:
    environment = _environment(tmp_path, BUILDS)
    ensure_built(JAVA, environment, folder=folder)
    (folder / "target" / "lib" / "old-version.jar").touch()
    before = source_digest(folder)
    (folder / name).write_text("changed")
    assert source_digest(folder) != before
    ensure_built(JAVA, environment, folder=folder)
    assert _runs(folder) == 2
    assert list((folder / "target" / "lib").iterdir()) == []


def test_build_runs_once_when_two_come_at_once(folder: Path, tmp_path: Path) -> None:
    environment = _environment(tmp_path, BUILDS)
    builders = [
        threading.Thread(target=ensure_built, args=(JAVA, environment), kwargs={"folder": folder}) for _ in "ab"
    ]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(timeout=20)
    assert _runs(folder) == 1


def test_build_says_how_to_get_maven_when_there_is_none(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="mvn is not on PATH") as caught:
        ensure_built(JAVA, {"PATH": str(tmp_path)}, folder=folder)
    for words in ("apt install maven", "dnf install maven", "brew install maven"):
        assert words in caught.value.remedy


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Could not transfer artifact org.elasticsearch:elasticsearch:pom:8", "check the network"),
        ("No compiler is provided in this environment. Perhaps you are running on a JRE", "install a JDK"),
        ("No space left on device", "free some disk space"),
        ("something never seen before", "mvn package"),
    ],
)
def test_build_shows_mavens_last_lines_when_it_fails(folder: Path, tmp_path: Path, said: str, remedy: str) -> None:
    environment = _environment(tmp_path, f"for i in $(seq 50); do echo line $i; done\necho '[ERROR] {said}'\nexit 1\n")
    with pytest.raises(NodeError) as caught:
        ensure_built(JAVA, environment, folder=folder)
    assert said in caught.value.what
    assert "line 50" in caught.value.what
    assert "line 1\n" not in caught.value.what
    assert remedy in caught.value.remedy
    assert not (folder / "target" / "built.sha256").exists()
