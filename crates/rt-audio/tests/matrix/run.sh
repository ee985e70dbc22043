#!/usr/bin/env bash
# Makes a file of every format, rate, depth, layout, encoder and header that is known, has each decoded by ffmpeg and by
# this crate, and compares: bash crates/rt-audio/tests/matrix/run.sh [DIRECTORY]
# It needs ffmpeg, sox, flac, lame and vorbis-tools (apt-get install ffmpeg sox flac lame vorbis-tools) and Python 3.
set -euo pipefail
cd "$(dirname "$0")/../../../.."
for tool in ffmpeg sox flac lame oggenc python3; do
  command -v "$tool" >/dev/null || { echo "skipped: needs $tool (apt-get install ffmpeg sox flac lame vorbis-tools python3)"; exit 0; }
done
dir=${1:-$(mktemp -d)}
mkdir -p "$dir"
list="$dir/list"
: >"$list"
ff() { ffmpeg -nostdin -hide_banner -loglevel error -y "$@"; }

# What is recorded: speech, a tone and noise, different in each channel.
speech=fixtures/audio/question.wav
base() { # RATE CHANNELS FILE
  local filters="" inputs="" n
  for ((n = 0; n < $2; n++)); do
    filters+="[0:a]atrim=0:2.01,aresample=$1,adelay=$((n * 40)):all=1,atrim=0:2.003,volume=0.5[s$n];"
    filters+="sine=f=$((300 + 211 * n)):r=$1:d=2.003,volume=0.4[t$n];anoisesrc=r=$1:d=2.003:a=0.02:seed=$n[u$n];"
    filters+="[s$n][t$n][u$n]amix=3:normalize=0:duration=longest,aformat=channel_layouts=mono[c$n];"
    inputs+="[c$n]"
  done
  if (($2 == 1)); then filters+="[c0]anull[out]"; else filters+="${inputs}join=inputs=$2:channel_layout=$(layout "$2")[out]"; fi
  ff -i "$speech" -filter_complex "$filters" -map '[out]' -c:a pcm_s32le "$3"
}
layout() { case $1 in 2) echo stereo ;; 3) echo 3.0 ;; 4) echo quad ;; 5) echo "5.0(side)" ;; 6) echo 5.1 ;; 8) echo 7.1 ;; esac; }
source_of() { # RATE CHANNELS
  local file="$dir/base-$1-$2.wav"
  [ -s "$file" ] || base "$1" "$2" "$file"
  echo "$file"
}
# What the file must be: exact | prefix | snr | libmad (which sox has) | an error's kind; then what ffmpeg is told in front of the input, or
# the file that this one stands for.
row() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-}" >>"$list"; }
make() { # EXPECTED NAME RATE CHANNELS ENCODER-OPTIONS...
  local expected=$1 name=$2 from
  from=$(source_of "$3" "$4")
  shift 4
  ff -i "$from" -map_metadata -1 "$@" "$dir/$name"
  row "$name" "$expected"
}

echo "making files in $dir"
for codec in u8 s16le s24le s32le f32le f64le alaw mulaw; do
  make exact "wav-$codec-48k-mono.wav" 48000 1 -c:a "pcm_$codec"
  make exact "wav-$codec-44k1-stereo.wav" 44100 2 -c:a "pcm_$codec"
done
for rate in 8000 11025 12000 16000 22050 24000 32000 88200 96000 192000; do
  make exact "wav-s16-$rate.wav" "$rate" 1 -c:a pcm_s16le
done
for channels in 3 4 5 6 8; do
  make exact "wav-s16-${channels}ch.wav" 24000 "$channels" -c:a pcm_s16le
done
for channels in 1 2; do
  make prefix "wav-adpcm-ms-${channels}ch.wav" 22050 "$channels" -c:a adpcm_ms
  make prefix "wav-adpcm-ima-${channels}ch.wav" 22050 "$channels" -c:a adpcm_ima_wav
done
make exact wav-rf64.wav 48000 2 -c:a pcm_s24le -rf64 always
make exact wav-wave64.w64 44100 2 -c:a pcm_s16le
make exact wav-wave64-alaw.w64 8000 1 -c:a pcm_alaw
plain=$(source_of 16000 1)
sox "$plain" -b 24 "$dir/wav-extensible-sox.wav" && row wav-extensible-sox.wav exact
sox "$plain" -b 16 -t wav - 2>/dev/null | cat >"$dir/wav-pipe-sox.wav" && row wav-pipe-sox.wav exact
ff -i "$plain" -c:a pcm_s16le -f wav - | cat >"$dir/wav-pipe-ffmpeg.wav" && row wav-pipe-ffmpeg.wav exact
ff -i "$plain" -c:a pcm_s16le -bitexact "$dir/canonical.wav"
python3 - "$dir" <<'PY'
import struct, sys
directory = sys.argv[1]
wav = open(f"{directory}/canonical.wav", "rb").read()
def write(name, data): open(f"{directory}/{name}", "wb").write(data)
def sizes(riff, data): return wav[:4] + struct.pack("<I", riff) + wav[8:40] + struct.pack("<I", data) + wav[44:]
write("wav-size-0.wav", sizes(0, 0))
write("wav-size-36-0.wav", sizes(36, 0))
write("wav-size-ffffffff.wav", sizes(0xFFFFFFFF, 0xFFFFFFFF))
write("wav-size-data-ffffffff.wav", sizes(len(wav) - 8, 0xFFFFFFFF))
write("wav-size-7fffffff.wav", sizes(0x7FFFFFFF, 0x7FFFFFDB))
junk = b"junk" + struct.pack("<I", 5) + b"12345"
write("wav-junk-padded.wav", wav[:12] + junk + b"\0" + wav[12:])
write("wav-junk-unpadded.wav", wav[:12] + junk + wav[12:])
write("wav-junk-between.wav", wav[:36] + junk + b"\0" + wav[36:])
write("wav-junk-behind.wav", wav + junk)
write("wav-bext.wav", wav[:12] + b"bext" + struct.pack("<I", 602) + bytes(602) + wav[12:])
PY
sox "$dir/canonical.wav" -B -t wav "$dir/wav-rifx.wav" && row wav-rifx.wav exact "of canonical.wav"
for name in size-0 size-36-0 size-ffffffff size-data-ffffffff size-7fffffff junk-padded junk-unpadded junk-between junk-behind bext; do
  row "wav-$name.wav" exact "$([[ $name == size-* || $name == junk-unpadded ]] && echo "of canonical.wav")"
done

make exact flac-16-48k-stereo.flac 48000 2 -c:a flac -sample_fmt s16
make exact flac-16-8k-mono.flac 8000 1 -c:a flac -sample_fmt s16
make exact flac-24-96k-stereo.flac 96000 2 -c:a flac -sample_fmt s32
make exact flac-24-192k-mono.flac 192000 1 -c:a flac -sample_fmt s32
make exact flac-16-5.1.flac 48000 6 -c:a flac -sample_fmt s16
make exact flac-16-7.1.flac 24000 8 -c:a flac -sample_fmt s16
for level in 0 5 8 12; do
  make exact "flac-level-$level.flac" 44100 2 -c:a flac -sample_fmt s16 -compression_level "$level"
done
make exact flac-pipe.mka 44100 2 -c:a flac -sample_fmt s16
ff -i "$(source_of 44100 2)" -c:a flac -sample_fmt s16 -f flac - | cat >"$dir/flac-pipe.flac" && row flac-pipe.flac exact
ff -i "$(source_of 22050 2)" -c:a pcm_u8 "$dir/u8.wav"
flac -s -f -o "$dir/flac-8-bits.flac" "$dir/u8.wav" && row flac-8-bits.flac exact
flac -s -f -8 --until=0:01.50 -o "$dir/flac-8-until.flac" "$dir/canonical.wav" && row flac-8-until.flac exact
{ printf 'ID3\x03\0\0\0\0\0\x14'; head -c 20 /dev/zero; cat "$dir/flac-16-8k-mono.flac"; } >"$dir/flac-id3.flac"
row flac-id3.flac exact

for rate in 8000 11025 16000 22050 32000 44100 48000; do
  make snr "mp3-$rate-mono.mp3" "$rate" 1 -c:a libmp3lame -b:a 64k
done
for quality in 0 2 9; do make snr "mp3-v$quality-stereo.mp3" 44100 2 -c:a libmp3lame -q:a "$quality"; done
make snr mp3-320-stereo.mp3 48000 2 -c:a libmp3lame -b:a 320k
make snr mp3-no-joint.mp3 44100 2 -c:a libmp3lame -b:a 128k -joint_stereo 0
make snr mp3-no-xing.mp3 44100 2 -c:a libmp3lame -b:a 128k -write_xing 0 -id3v2_version 0
# At 24 kHz ffmpeg has a border between two bands elsewhere (330 for 332) than the encoder, libmad and we have.
make libmad mp3-no-xing-24k-32.mp3 24000 1 -c:a libmp3lame -b:a 32k -write_xing 0 -id3v2_version 0
make libmad mp3-no-xing-24k.mp3 24000 1 -c:a libmp3lame -b:a 48k -write_xing 0 -id3v2_version 0
make snr mp3-shine.mp3 44100 2 -c:a libshine -b:a 128k
lame --quiet --preset standard "$dir/wav-s16le-44k1-stereo.wav" "$dir/mp3-lame-preset.mp3" && row mp3-lame-preset.mp3 snr
lame --quiet -t -b 64 -m m "$dir/canonical.wav" "$dir/mp3-lame-no-tag.mp3" && row mp3-lame-no-tag.mp3 snr
cat "$dir/mp3-44100-mono.mp3" "$dir/mp3-44100-mono.mp3" >"$dir/mp3-twice.mp3" && row mp3-twice.mp3 snr
{ head -c 3000 /dev/zero; cat "$dir/mp3-44100-mono.mp3"; } >"$dir/mp3-zeros-before.mp3" && row mp3-zeros-before.mp3 snr "of mp3-44100-mono.mp3"
{ cat "$dir/mp3-44100-mono.mp3"; head -c 3000 /dev/zero; } >"$dir/mp3-zeros-behind.mp3" && row mp3-zeros-behind.mp3 snr "of mp3-44100-mono.mp3"

for quality in 0 4 9; do make snr "vorbis-q$quality-48k-stereo.ogg" 48000 2 -c:a libvorbis -q:a "$quality"; done
for rate in 8000 16000 24000 44100; do make snr "vorbis-$rate-mono.ogg" "$rate" 1 -c:a libvorbis -q:a 3; done
for channels in 3 4 5 6 8; do make snr "vorbis-$channels-channels.ogg" 48000 "$channels" -c:a libvorbis -q:a 4; done
oggenc -Q -q 5 -o "$dir/vorbis-oggenc.ogg" "$dir/wav-s16le-44k1-stereo.wav" && row vorbis-oggenc.ogg snr
make exact oggflac-16-stereo.oga 44100 2 -c:a flac -sample_fmt s16
make exact oggflac-24-mono.oga 16000 1 -c:a flac -sample_fmt s32

opus() { make snr "$@"; sed -i '$s/\t$/\t-c:a libopus -request_sample_fmt flt/' "$list"; }
opus opus-voip-16k-mono.opus 16000 1 -c:a libopus -b:a 16k -application voip
opus opus-voip-12k-8k.opus 8000 1 -c:a libopus -b:a 12k -application voip
opus opus-hybrid-32k.opus 48000 1 -c:a libopus -b:a 32k -application voip
opus opus-64k-stereo.opus 48000 2 -c:a libopus -b:a 64k
opus opus-160k-stereo.opus 48000 2 -c:a libopus -b:a 160k
opus opus-24k-source.opus 24000 2 -c:a libopus -b:a 48k
for frame in 2.5 10 60; do opus "opus-frames-$frame.opus" 48000 1 -c:a libopus -b:a 32k -frame_duration "$frame"; done
opus opus-5.1.opus 48000 6 -c:a libopus -b:a 256k -mapping_family 1
opus opus-webm.webm 48000 2 -c:a libopus -b:a 64k
opus opus-mp4.mp4 48000 2 -c:a libopus -b:a 64k
make snr webm-vorbis.webm 44100 2 -c:a libvorbis -q:a 4
make exact mka-flac.mka 44100 2 -c:a flac -sample_fmt s16
make snr mka-mp3.mka 44100 2 -c:a libmp3lame -b:a 128k

for rate in 8000 22050 44100 48000; do make snr "aac-$rate-stereo.m4a" "$rate" 2 -c:a aac -b:a 96k; done
make snr aac-mono.m4a 44100 1 -c:a aac -b:a 64k
make snr aac-faststart.m4a 44100 2 -c:a aac -b:a 128k -movflags +faststart
make snr aac-fragmented.mp4 44100 2 -c:a aac -b:a 128k -movflags frag_keyframe+empty_moov -frag_duration 500000
make snr aac.aac 44100 2 -c:a aac -b:a 96k
make snr aac-16k.aac 16000 1 -c:a aac -b:a 48k
make snr aac-matroska.mka 44100 2 -c:a aac -b:a 96k
make UnsupportedCodec aac-5.1.m4a 48000 6 -c:a aac -b:a 256k
make exact alac-16.m4a 44100 2 -c:a alac -sample_fmt s16p
make exact alac-24.m4a 48000 1 -c:a alac -sample_fmt s32p
make exact alac.caf 44100 2 -c:a alac -sample_fmt s16p

for codec in s8 s16be s24be s32be f32be f64be alaw mulaw s16le; do
  make exact "aiff-$codec.aiff" 44100 2 -c:a "pcm_$codec"
done
make exact aiff-5.1.aiff 48000 6 -c:a pcm_s16be
make exact aiff-ima4.aifc 22050 2 -c:a adpcm_ima_qt -f aiff
for codec in s8 s16be s24be s32be f32be f64be alaw mulaw; do
  make exact "au-$codec.au" 16000 1 -c:a "pcm_$codec"
done
for codec in s8 s16le s16be s24le s24be s32le f32le f64be alaw mulaw; do
  make exact "caf-$codec.caf" 24000 2 -c:a "pcm_$codec"
done
make exact caf-ima4.caf 22050 2 -c:a adpcm_ima_qt

make UnsupportedCodec wav-gsm.wav 8000 1 -c:a libgsm_ms
make UnsupportedCodec wav-g722.wav 16000 1 -c:a g722
make UnsupportedCodec wav-g726.wav 8000 1 -c:a g726
make UnsupportedCodec wav-mp3.wav 44100 2 -c:a libmp3lame
make UnsupportedCodec speex.ogg 16000 1 -c:a libspeex
make UnsupportedCodec mka-ac3.mka 48000 2 -c:a ac3
make UnsupportedFormat wma.wma 44100 2 -c:a wmav2
make UnsupportedFormat wavpack.wv 44100 2 -c:a wavpack
make UnsupportedFormat tta.tta 44100 2 -c:a tta
make UnsupportedFormat ac3.ac3 48000 2 -c:a ac3

echo "decoding $(wc -l <"$list") files with ffmpeg"
while IFS=$'\t' read -r name expected options; do
  case $expected in
    exact | prefix | snr) ;;
    libmad) sox "$dir/$name" -t f32 "$dir/$name.f32" && continue ;;
    *) continue ;;
  esac
  input="$dir/$name"
  # Where ffmpeg itself does not read to the end, the file stands for another one.
  case $options in "of "*) input="$dir/${options#of }" options="" ;; esac
  # shellcheck disable=SC2086
  ff $options -i "$input" -map 0:a -c:a pcm_f32le -f f32le "$dir/$name.f32"
done <"$list"
# What ffmpeg recovers of one file of each kind that is cut.
: >"$dir/cuts"
for name in wav-s16le-44k1-stereo.wav wav-adpcm-ima-1ch.wav wav-wave64.w64 wav-size-0.wav aiff-s16be.aiff au-s16be.au caf-s16le.caf \
  flac-16-48k-stereo.flac flac-pipe.flac mp3-44100-mono.mp3 mp3-v2-stereo.mp3 mp3-no-xing.mp3 vorbis-44100-mono.ogg \
  vorbis-q4-48k-stereo.ogg oggflac-16-stereo.oga opus-64k-stereo.opus opus-voip-16k-mono.opus opus-webm.webm webm-vorbis.webm \
  mka-flac.mka aac-44100-stereo.m4a aac-faststart.m4a aac-fragmented.mp4 alac-16.m4a aac.aac alac.caf; do
  size=$(stat -c %s "$dir/$name")
  for percent in 10 50 90; do
    head -c $((size * percent / 100)) "$dir/$name" >"$dir/cut-$percent-$name"
    ff -i "$dir/cut-$percent-$name" -map 0:a -c:a pcm_f32le -f f32le "$dir/cut.f32" 2>/dev/null || : >"$dir/cut.f32"
    printf 'cut-%s-%s\t%s\n' "$percent" "$name" "$(($(stat -c %s "$dir/cut.f32") / 4))" >>"$dir/cuts"
  done
done
# All codes and all samples of G.711.
python3 -c "
import struct, sys
directory = sys.argv[1]
open(directory + '/codes', 'wb').write(bytes(range(256)))
open(directory + '/samples', 'wb').write(struct.pack('<65536h', *range(-32768, 32768)))" "$dir"
for law in alaw mulaw; do
  ff -f "$law" -ar 8000 -ac 1 -i "$dir/codes" -f s16le "$dir/codes.$law"
  ff -f s16le -ar 8000 -ac 1 -i "$dir/samples" -c:a "pcm_$law" -f "$law" "$dir/samples.$law"
done
cargo run -q --locked -p rt-audio --all-features --example matrix -- "$dir"
