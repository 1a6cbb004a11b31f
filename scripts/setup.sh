#!/usr/bin/env sh
# Makes .venv/ and installs Pileus with everything that running, testing and documenting it needs.
#
# PYTHON=/path/to/python chooses the interpreter. Package indexes, mirrors and wheels on disk come
# from your pip configuration; nothing here names one.
set -eu
cd "$(dirname "$0")/.."

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if is_recent "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    {
        echo "Pileus needs Python 3.11 or newer; tried: ${PYTHON:-python3.11 python3.12 python3.13 python3 python}."
        echo "Install one (Debian: apt install python3.11 python3.11-venv), or name it: make setup PYTHON=/path/to/python"
    } >&2
    exit 1
}

has_pip() { "$1" -m pip --version >/dev/null 2>&1; }

# A .venv whose interpreter is gone or too old, or that was left half-made, is made anew.
if ! is_recent .venv/bin/python || ! has_pip .venv/bin/python; then
    python=$(find_python)
    echo "Making .venv with $("$python" --version) ($python)"
    "$python" -m venv --clear .venv || {
        echo "$python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2
        exit 1
    }
fi

# The venv's own pip may be years old and not know --build-constraint.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --constraint constraints.txt --build-constraint constraints.txt --editable '.[all,dev]'

# pip compiles what it installs, but not what is editable: that is left to its first start, or where
# PYTHONDONTWRITEBYTECODE is set to every one, which then takes the server a quarter longer.
.venv/bin/python -m compileall -q src
