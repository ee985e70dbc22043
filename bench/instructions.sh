#!/usr/bin/env bash
# Instructions per message, for every case and client: needs valgrind. From the root of the repository:
#   cargo build --release --manifest-path bench/Cargo.toml --locked && bash bench/instructions.sh
set -euo pipefail
codec="${CARGO_TARGET_DIR:-$(dirname "$0")/target}/release/codec"

printf '| case | client | instructions |\n|---|---|--:|\n'
"$codec" --list | while IFS=$'\t' read -r case client; do
  out="$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='codec::measured' \
    "$codec" --case "$case" --client "$client" 2>&1 </dev/null)"
  collected="$(sed -n 's/.*Collected : //p' <<<"$out")"
  messages="$(sed -n 's/^messages: //p' <<<"$out")"
  printf '| %s | %s | %s |\n' "$case" "$client" "$((collected / messages))"
done
