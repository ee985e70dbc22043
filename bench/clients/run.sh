#!/usr/bin/env bash
# The same bursts as `loopback`, by the official Python and Node clients. Needs python3 and node with npm, and the package
# registries the first time. From the root of the repository:
#   cargo build --release --manifest-path bench/Cargo.toml --locked && bash bench/clients/run.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}
loopback=$target/release/loopback
rounds=${ROUNDS:-7}

installed=$target/clients
mkdir -p "$installed"
cp "$here"/{package.json,burst.mjs,burst.py,requirements.txt} "$installed"
(
    cd "$installed"
    [ -x venv/bin/python ] || python3 -m venv venv
    venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
    npm install --silent --no-audit --no-fund
) >&2

server=
finish() { if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi; }
trap finish EXIT

echo "| CPU per message, us | receive | send |"
echo "|---|--:|--:|"
for burst in "20 4000" "100 1000" "1000 100"; do
    read -r ms messages <<<"$burst"
    coproc SERVER { exec "$loopback" serve --ms "$ms" --messages "$messages"; }
    server=$SERVER_PID
    read -r port <&"${SERVER[0]}"
    echo "| openai for Python, $ms ms | $("$installed/venv/bin/python" "$installed/burst.py" "$port" "$ms" "$messages" "$rounds") |"
    echo "| openai for Node, $ms ms | $(cd "$installed" && node burst.mjs "$port" "$ms" "$messages" "$rounds") |"
    finish
    wait "$server" 2>/dev/null || true
    server=
done
