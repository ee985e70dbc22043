#!/usr/bin/env python3
"""CPU time and memory of whole processes that make 24 kHz mono of files: this project, ffmpeg, and Python.

    cargo build --release --manifest-path bench/audio/Cargo.toml --bin to24k
    python3 bench/audio/files.py [--rounds 7] [--only REGEX] [--scipy] [--instructions] [--hour]

Needs ffmpeg with libvorbis and libmp3lame, and GNU time (apt-get install ffmpeg time). --scipy makes a virtual environment and installs soundfile and
scipy into it; --instructions needs valgrind; --hour converts a file of one hour and looks at the memory. All
programs of a row take turns; each number is the median of the rounds.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
AUDIO = HERE.parent.parent / "fixtures" / "audio"
OURS = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target")) / "release" / "to24k"

# Name, seconds, encoder arguments.
FILES = [
    ("wav48k_s16_stereo.wav", 300, "-ar 48000 -ac 2 -c:a pcm_s16le"),
    ("wav44k1_s16_mono.wav", 300, "-ar 44100 -ac 1 -c:a pcm_s16le"),
    ("wav16k_s16_mono.wav", 300, "-ar 16000 -ac 1 -c:a pcm_s16le"),
    ("wav24k_s16_mono.wav", 300, "-ar 24000 -ac 1 -c:a pcm_s16le"),
    ("wav8k_mulaw_mono.wav", 300, "-ar 8000 -ac 1 -c:a pcm_mulaw"),
    ("wav48k_s24_stereo.wav", 300, "-ar 48000 -ac 2 -c:a pcm_s24le"),
    ("wav48k_f32_stereo.wav", 300, "-ar 48000 -ac 2 -c:a pcm_f32le"),
    ("flac48k_s16_stereo.flac", 300, "-ar 48000 -ac 2 -c:a flac"),
    ("flac44k1_s16_stereo.flac", 300, "-ar 44100 -ac 2 -c:a flac"),
    ("flac16k_s16_mono.flac", 300, "-ar 16000 -ac 1 -c:a flac"),
    ("vorbis44k1_q4_stereo.ogg", 300, "-ar 44100 -ac 2 -c:a libvorbis -q:a 4"),
    ("vorbis48k_q4_stereo.ogg", 300, "-ar 48000 -ac 2 -c:a libvorbis -q:a 4"),
    ("mp3_44k1_128k_stereo.mp3", 300, "-ar 44100 -ac 2 -c:a libmp3lame -b:a 128k"),
    ("mp3_44k1_v2_stereo.mp3", 300, "-ar 44100 -ac 2 -c:a libmp3lame -q:a 2"),
    ("short_wav48k_s16_stereo.wav", 10, "-ar 48000 -ac 2 -c:a pcm_s16le"),
    ("short_flac48k_s16_stereo.flac", 10, "-ar 48000 -ac 2 -c:a flac"),
    ("short_vorbis48k_q4_stereo.ogg", 10, "-ar 48000 -ac 2 -c:a libvorbis -q:a 4"),
    ("short_mp3_44k1_128k_stereo.mp3", 10, "-ar 44100 -ac 2 -c:a libmp3lame -b:a 128k"),
]

SCIPY = """
import sys, math, numpy, soundfile
from scipy.signal import resample_poly
audio, rate = soundfile.read(sys.argv[1], dtype="float32", always_2d=True)
mono = audio.mean(axis=1)
if rate != 24000:
    g = math.gcd(rate, 24000)
    mono = resample_poly(mono, 24000 // g, rate // g)
soundfile.write(sys.argv[2], numpy.clip(mono * 32768, -32768, 32767).astype(numpy.int16), 24000, subtype="PCM_16")
"""


def make(path, seconds, arguments):
    """Two voices over noise, so that the two sides of stereo differ."""
    voice = str(AUDIO / "question.wav"), str(AUDIO / "answer.wav")
    graph = (
        "[0]aresample=48000:resampler=soxr[a];[1]aresample=48000:resampler=soxr[b];"
        "anoisesrc=r=48000:a=0.01:seed=1[n];[a][n]amix=2:duration=longest[l];"
        "[l][b]join=inputs=2:channel_layout=stereo[out]"
    )
    command = ["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", voice[0], "-stream_loop", "-1", "-i"]
    command += [voice[1], "-filter_complex", graph, "-map", "[out]", "-t", str(seconds), *arguments.split(), str(path)]
    subprocess.run(command, check=True)


def run(command):
    """CPU milliseconds, user and system."""
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return (usage.ru_utime + usage.ru_stime) * 1000


def memory(command):
    """The greatest resident memory in MiB. Asked of a small parent: a child starts with its parent's."""
    out = subprocess.run(["/usr/bin/time", "-f", "%M", *command], capture_output=True, text=True, check=True)
    return int(out.stderr.split()[-1]) / 1024


def instructions(command):
    """Millions of instructions, counted by callgrind."""
    out = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command],
        capture_output=True, text=True, check=True,
    )
    return int(re.search(r"Collected : (\d+)", out.stderr)[1]) / 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="files whose names match this expression")
    parser.add_argument("--scipy", action="store_true")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--hour", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        out = str(folder / "out.wav")
        ours = lambda path: [str(OURS), str(path), out]
        ffmpeg = lambda path: ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(path), "-ar", "24000", "-ac", "1", out]
        programs = {"rt-audio": ours, "ffmpeg": ffmpeg}
        if options.hour:
            for name, arguments in [("hour.wav", FILES[0][2]), ("hour.flac", FILES[7][2]),
                                    ("hour.ogg", FILES[10][2]), ("hour.mp3", FILES[12][2])]:
                path = folder / name
                make(path, 3600, arguments)
                print(f"{name}: {path.stat().st_size / 2**20:.0f} MiB, peak memory {memory(ours(path)):.1f} MiB")
                path.unlink()
            return
        if options.scipy:
            subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
            python = str(folder / "venv" / "bin" / "python")
            subprocess.run([python, "-m", "pip", "-q", "install", "soundfile==0.13.1", "scipy==1.16.3"], check=True)
            programs["soundfile + scipy"] = lambda path: [python, "-c", SCIPY, str(path), out]
        columns = list(programs)
        print("| file | " + " | ".join(f"{name}, ms (MiB)" for name in columns)
              + " | " + " | ".join(f"{name} / rt-audio" for name in columns[1:]) + " |"
              + (" instructions, million |" if options.instructions else ""))
        print("|---|" + "--:|" * (2 * len(columns) - 1 + options.instructions))
        for name, seconds, arguments in FILES:
            if not re.search(options.only, name):
                continue
            path = folder / name
            make(path, seconds, arguments)
            times = {program: [] for program in programs}
            for _ in range(options.rounds):
                for program, command in programs.items():
                    # No program pays for truncating what the one before has written.
                    Path(out).unlink(missing_ok=True)
                    times[program].append(run(command(path)))
            cpu = {program: statistics.median(runs) for program, runs in times.items()}
            peak = {program: memory(command(path)) for program, command in programs.items()}
            digits = {program: 0 if cpu[program] >= 20 else 1 for program in columns}
            cells = [f"{cpu[program]:.{digits[program]}f} ({peak[program]:.0f})" for program in columns]
            cells += [f"{cpu[program] / cpu['rt-audio']:.1f}" for program in columns[1:]]
            if options.instructions:
                cells.append(f"{instructions(ours(path)):.0f}")
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
