"""Where the peers' programs are kept, how they get there, and how ours is built.

Standard library only. Nothing is written into the clone: everything goes below
$OMENDB_PEERS_CACHE, else $XDG_CACHE_HOME/omendb/peers, else ~/.cache/omendb/peers.
"""

import json
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLONE = HERE.parent.parent
HNSWLIB = "0.8.0"

# Set: metric, and the file ending of base and queries.
SETS = {
    "sift10k": ("l2", "fbin"),
    "mnist784": ("l2", "u8bin"),
    "wordnet384": ("ip", "f16bin"),
    "sift500k": ("l2", "u8bin"),
}
# Bytes of a number in a file of an ending.
SIZES = {"fbin": 4, "f16bin": 2, "u8bin": 1}


class Failed(Exception):
    """A step that did not work, in one sentence."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def cache():
    home = os.environ.get("OMENDB_PEERS_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(home) if home else Path(base) / "omendb" / "peers"
    path.mkdir(parents=True, exist_ok=True)
    return path


def run(command, timeout=None, **options):
    """Runs to the end and answers stdout; what it said on stderr is in the failure."""
    return run_weighed(command, timeout, **options)[0]


def run_weighed(command, timeout=None, **options):
    """Runs to the end and answers stdout and how many bytes of memory the process held at its highest."""
    command = [str(word) for word in command]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        try:
            process = subprocess.Popen(command, stdout=out, stderr=err, **options)
        except OSError as error:
            raise Failed(f"{command[0]}: {error.strerror}") from None
        try:
            peak = wait(process, timeout)
        except BaseException:
            process.kill()
            process.wait()
            raise
        said, complaint = (file.read() for file in (out, err) if not file.seek(0))
    if process.returncode != 0:
        words = (complaint or said).strip().splitlines()
        how = f"signal {-process.returncode}" if process.returncode < 0 else f"exit code {process.returncode}"
        raise Failed(f"{how}: {words[-1] if words else 'no message'}")
    return said, peak


def wait(process, timeout):
    """Waits for the end of a process and answers how many bytes of memory it held at its highest.
    That is looked up while it runs: what the system tells afterwards counts our own memory as the
    child's, from before it became another program."""
    start, peak = time.monotonic(), 0
    while process.poll() is None:
        peak = max(peak, highest_memory(process.pid))
        if timeout and time.monotonic() - start > timeout:
            raise Failed(f"did not end within {timeout:.0f} s")
        time.sleep(0.01)
    return peak


def highest_memory(pid):
    """Bytes that a process held at its highest; 0 once it has ended."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def data_set(folder, name):
    """Metric and paths of one of the sets, checked to be there."""
    metric, ending = SETS[name]
    paths = [folder / f"{name}.base.{ending}", folder / f"{name}.query.{ending}", folder / f"{name}.truth.ibin"]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise Failed(f"{name}: no such file: {', '.join(missing)}")
    return metric, *paths


def shape(path):
    """Rows and columns that the head of a file states."""
    with Path(path).open("rb") as file:
        return struct.unpack("<II", file.read(8))


def first_rows(path, rows, folder):
    """A file of the first rows of another, of the same type."""
    ending, (_, dim) = path.suffix[1:], shape(path)
    part = Path(folder) / f"first{rows}.{ending}"
    with path.open("rb") as file:
        file.seek(8)
        part.write_bytes(struct.pack("<II", rows, dim) + file.read(rows * dim * SIZES[ending]))
    return part


def data_folder(given):
    """The folder of the data: the argument, else OMENDB_DATA."""
    folder = given or os.environ.get("OMENDB_DATA")
    if not folder:
        raise Failed("say where the data is: --data DIR, or the environment variable OMENDB_DATA")
    return Path(folder)


def environment(packages):
    """A Python environment of its own with these packages, NAME or NAME==VERSION; answers its
    interpreter and, for each package that could not be installed, why."""
    folder = cache() / "python"
    python = folder / "bin" / "python"
    if not python.exists():
        say(f"making a Python environment in {folder}")
        venv.create(folder, with_pip=True)
    listed = run([python, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"])
    there = {entry["name"].lower().replace("_", "-"): entry["version"] for entry in json.loads(listed)}
    failed = {}
    for package in packages:
        name, _, version = package.partition("==")
        if name not in there or version not in ("", there[name]):
            say(f"installing {package}")
            try:
                run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package], timeout=600)
            except Failed as why:
                failed[package] = f"not installable: {why}"
    return python, failed


def counting_hnswlib():
    """Our counting driver, compiled against the headers of hnswlib's source distribution."""
    folder = cache() / f"hnswlib-{HNSWLIB}"
    if not folder.is_dir():
        say(f"fetching the source of hnswlib {HNSWLIB}")
        run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "hnswlib",
             "--dest", cache(), f"hnswlib=={HNSWLIB}"], timeout=300)
        with tarfile.open(cache() / f"hnswlib-{HNSWLIB}.tar.gz") as archive:
            archive.extractall(cache(), filter="data")
    source, program = HERE / "hnswlib_count.cpp", cache() / "hnswlib_count"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        say("compiling hnswlib_count")
        run(["g++", "-O3", "-march=native", "-std=c++17", "-pthread", "-w", f"-I{folder}", source, "-o", program])
    return program


def processor():
    """The processor's name and how many of it."""
    try:
        names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    except OSError:
        names = []
    return f"{names[0] if names else 'unknown processor'}, {os.cpu_count()} cores"


def commit():
    """Of the clone that is measured; with a plus where its files differ from it."""
    try:
        name = run(["git", "rev-parse", "--short", "HEAD"], cwd=CLONE).strip()
        changed = run(["git", "status", "--porcelain", "--untracked-files=no"], cwd=CLONE).strip()
    except Failed:
        return "unknown"
    return name + ("+" if changed else "")


def cargo_binary(package, manifest=CLONE / "Cargo.toml"):
    """Builds a package in release and answers the path of its binary."""
    say(f"building {package}")
    messages = run(["cargo", "build", "--release", "--package", package, "--manifest-path", manifest,
                    "--message-format", "json"], cwd=CLONE)
    for line in reversed(messages.splitlines()):
        executable = json.loads(line).get("executable")
        if executable:
            return Path(executable)
    raise Failed(f"cargo named no binary of {package}")
