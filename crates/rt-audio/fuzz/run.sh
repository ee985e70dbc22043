#!/usr/bin/env bash
# Runs every fuzz target for so many seconds (300), beginning with small files of its formats:
# bash crates/rt-audio/fuzz/run.sh [SECONDS] [TARGET...]
# It needs a nightly toolchain, cargo-fuzz, and ffmpeg for the files to begin with.
# A finding is a panic that is not caught, more than 10 seconds or 512 MiB for an input of at most 64 KiB; above 2 seconds it
# is told ("Slowest unit").
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-300}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(plain flac mp3 ogg mp4 matroska)
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
seed() { # TARGET NAME OPTIONS...
  local file="$seeds/$1/$2"
  mkdir -p "$seeds/$1"
  shift 2
  ffmpeg -nostdin -loglevel error -y -t 0.3 -i ../../fixtures/audio/question.wav -map_metadata -1 "$@" "$file"
}
if command -v ffmpeg >/dev/null; then
  for codec in u8 s24le f32le alaw; do seed plain "$codec.wav" -c:a "pcm_$codec"; done
  for codec in adpcm_ms adpcm_ima_wav; do seed plain "$codec.wav" -ac 2 -c:a "$codec"; done
  seed plain a.w64 -c:a pcm_s16le
  seed plain a.au -c:a pcm_mulaw
  seed plain ima.aiff -c:a adpcm_ima_qt
  seed plain a.aiff -c:a pcm_s16be
  seed plain a.caf -c:a pcm_s16le
  seed flac a.flac -c:a flac
  seed flac b.flac -ac 2 -c:a flac -sample_fmt s32
  seed mp3 a.mp3 -c:a libmp3lame
  seed mp3 b.mp3 -ar 44100 -ac 2 -c:a libmp3lame -q:a 4
  seed ogg a.ogg -ar 8000 -c:a libvorbis
  seed ogg b.oga -c:a flac
  seed ogg c.opus -c:a libopus -b:a 16k -application voip
  seed ogg d.opus -ac 2 -c:a libopus -b:a 96k
  seed mp4 a.m4a -c:a aac
  seed mp4 b.m4a -c:a alac
  seed mp4 c.mp4 -c:a libopus
  seed mp4 d.aac -c:a aac
  seed mp4 e.caf -c:a alac
  seed mp4 f.mp4 -c:a aac -movflags frag_keyframe+empty_moov
  seed matroska a.webm -c:a libopus
  seed matroska b.mka -c:a flac
  seed matroska c.webm -c:a libvorbis -ar 8000
  seed matroska d.mka -c:a libmp3lame
else
  for target in plain flac mp3 ogg; do mkdir -p "$seeds/$target"; done
  cp ../../fixtures/audio/hello.wav "$seeds/plain"
  cp ../../fixtures/audio/hello.flac "$seeds/flac"
  cp ../../fixtures/audio/*.mp3 "$seeds/mp3"
  cp ../../fixtures/audio/hello.o* "$seeds/ogg"
fi
for target in "${targets[@]}"; do
  # New inputs go to the first folder, which git ignores.
  mkdir -p "fuzz/corpus/$target" "$seeds/$target"
  cargo +nightly fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "$seeds/$target" -- \
    -max_total_time="$seconds" -timeout=10 -report_slow_units=2 -rss_limit_mb=512 -malloc_limit_mb=256 -max_len=65536 \
    -print_final_stats=1 -verbosity=0
done
