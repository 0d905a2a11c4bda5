#!/usr/bin/env bash
# Names every missing prerequisite at once, with how to get it. Exit 1 when one is missing.
set -uo pipefail
python=${1:-python3}
missing=0

need() { # what, how to get it
  missing=1
  printf 'missing: %s\n  Debian, Ubuntu: %s\n  Fedora: %s\n  macOS: %s\n' "$1" "$2" "$3" "$4" >&2
}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  need "Python 3.11 or later (found: $("$python" --version 2>&1 || true)); choose another with make PYTHON=…" \
    "apt install python3 python3-venv" "dnf install python3.11" "brew install python@3.11"
elif ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  need "Python's venv module" "apt install python3-venv" "dnf install python3-libs" "brew install python@3.11"
fi

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
version=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
if [ -z "$version" ] || [ "$version" -lt 17 ]; then
  need "Java 17 or later (found: ${version:-none})" \
    "apt install openjdk-17-jdk-headless" "dnf install java-17-openjdk-devel" "brew install openjdk@17"
fi

if ! command -v mvn >/dev/null 2>&1; then
  need "Maven" "apt install maven" "dnf install maven" "brew install maven"
fi

if [ "$missing" = 1 ]; then
  echo "install what is missing and run the same command again" >&2
  exit 1
fi
