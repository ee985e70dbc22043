#!/usr/bin/env bash
# Builds the emulator, installs the official Python client into a virtual environment, and lets the one talk to the
# other. Needs Python 3.9 or later, and a package index the first time. INTEROP_VENV names another place for the
# environment.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"

cargo build --quiet -p rt-emulator
binary=${CARGO_TARGET_DIR:-$root/target}/debug/rt-emulator

venv=${INTEROP_VENV:-${CARGO_TARGET_DIR:-$root/target}/interop-venv}
if ! cmp --silent "$here/requirements.txt" "$venv/requirements.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

logs=$(mktemp -d)
pids=()
finish() {
    for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$logs"
}
trap finish EXIT

# Starts an emulator on a free port; its URL is in $url.
start() {
    local log="$logs/${#pids[@]}"
    "$binary" --listen 127.0.0.1:0 "$@" >"$log" &
    pids+=("$!")
    for _ in $(seq 100); do
        url=$(sed -n 's/^listening on //p' "$log")
        [ -n "$url" ] && return
        sleep 0.05
    done
    echo "the emulator did not start" >&2
    exit 1
}

start
parrot=$url
start --script fixtures/scripts/tool_call_round.yaml
# No proxy stands between a machine and itself.
NO_PROXY=127.0.0.1 "$venv/bin/python" "$here/interop.py" "$parrot" "$url"
