#!/usr/bin/env bash
# Instructions for resampling a minute of mono audio to 24 kHz: needs valgrind. From the root of the repository:
#   cargo build --release --manifest-path bench/audio/Cargo.toml && bash bench/audio/instructions.sh
set -euo pipefail
program="${CARGO_TARGET_DIR:-$(dirname "$0")/target}/release/resampling"

count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='resampling::measured*' \
    "$program" "$1" "$2" 2>&1 </dev/null | sed -n 's/.*Collected : //p'
}

printf 'millions\n| Hz | rt-audio | soxr HQ |\n|--:|--:|--:|\n'
for rate in 8000 16000 44100 48000 96000 44099; do
  printf '| %s | %s | %s |\n' "$rate" "$(($(count rt-audio "$rate") / 1000000))" "$(($(count "soxr HQ" "$rate") / 1000000))"
done
