"""What the scripts that compare walcast with other tools share. They import it."""

import json
import os
import pwd
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVER = "compare"
BUCKET = "compare"
KEYS = {"AWS_ACCESS_KEY_ID": "compare", "AWS_SECRET_ACCESS_KEY": "compare-secret"}


# Preparation


def build():
    """Returns the programs."""
    run(["cargo", "build", "--release", "--features", "cli", "--bin", "walcast"], cwd=ROOT)
    # What it costs is nobody's here, and with the tests it is built already.
    run(["cargo", "build", "--all-features", "--example", "s3_server"], cwd=ROOT)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return {"walcast": target / "release/walcast", "s3_server": target / "debug/examples/s3_server"}


def install():
    """Returns the folders of PostgreSQL's and Barman's programs."""
    script = """
        set -euo pipefail
        source scripts/provision.sh
        need_postgres
        need_barman
        need_programs pgbackrest:pgbackrest time:time
        printf '%s\\n' "$POSTGRES_BIN" "$WALCAST_TEST_PYTHON"
    """
    said = subprocess.run(["bash", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    postgres, python = said.stdout.splitlines()[-2:]
    return Path(postgres), Path(python).parent


def unprivileged():
    """The user that runs PostgreSQL, which refuses root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def as_user(user):
    """The options of a process that belongs to `user`, where there is one and that is possible."""
    if user and os.geteuid() == 0:
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return {}


def run(command, user=None, **options):
    """Runs a program that must succeed; what it says is ours to say only if it fails."""
    words = list(map(str, command))
    options |= as_user(user)
    result = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    if result.returncode != 0:
        sys.exit(f"{' '.join(words)} failed:\n{result.stdout}")
    return result.stdout


def own(path, user):
    path.mkdir(parents=True)
    os.chown(path, user.pw_uid, user.pw_gid)
    return path


def version(program, word="version"):
    return run([program, word]).split()[-1]


# What runs beside the tools


class Postgres:
    """A PostgreSQL of our own, which copies its WAL to the folder `wal`."""

    def __init__(self, folder, tools, user, settings):
        self.base, self.tools, self.user = own(folder, user), tools, user
        self.data, self.wal = self.base / "data", own(self.base / "wal", user)
        # The port only names the socket, which is in a folder of its own.
        names = {"PGHOST": str(self.base), "PGPORT": "5999", "PGUSER": "walcast"}
        self.env = os.environ | names | {"PGDATABASE": "postgres"}
        self.program("initdb", "-D", self.data, "-U", "walcast", "-A", "trust", "-k", "--no-sync")
        settings = settings | {
            "port": 5999,
            "listen_addresses": "''",
            "unix_socket_directories": f"'{self.base}'",
            "archive_mode": "on",
            "archive_command": f"'cp %p {self.wal}/%f'",
            "wal_level": "replica",
            "fsync": "off",
        }
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def __enter__(self):
        self.control("start")
        return self

    def __exit__(self, *_):
        self.control("-m", "fast", "stop")

    def control(self, *words):
        self.program("pg_ctl", "-D", self.data, "-w", "-l", self.base / "log", *words)

    def program(self, name, *words):
        return run([self.tools / name, *words], user=self.user, cwd=self.base, env=self.env)

    def segments(self):
        """The names of the segments that it copied."""
        return sorted(path.name for path in self.wal.iterdir() if len(path.name) == 24)


class S3Server:
    """An S3 service on a folder, in a process of its own."""

    def __init__(self, root, program):
        options = {"root": root, "bucket": BUCKET, "access-key": KEYS["AWS_ACCESS_KEY_ID"]}
        options["secret-key"] = KEYS["AWS_SECRET_ACCESS_KEY"]
        root.mkdir(parents=True)
        pairs = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self.process = subprocess.Popen([program, *pairs], stdout=subprocess.PIPE, text=True)
        self.endpoint = json.loads(self.process.stdout.readline())["endpoint"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.terminate()
        self.process.wait()


# The tools


S3_CREDENTIALS = (
    "s3Credentials: {accessKeyId: {name: keys, key: id}, secretAccessKey: {name: keys, key: secret}}"
)


def write_stores(path, stores):
    """Writes a file with destinations for walcast; each is the lines of its configuration."""
    documents = []
    for index, lines in enumerate(stores):
        head = ["apiVersion: barmancloud.cnpg.io/v1", "kind: ObjectStore"]
        head += ["metadata: {name: store%d}" % index, "spec:", "  configuration:"]
        documents.append("\n".join(head + [f"    {line}" for line in lines]))
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {id: %s, secret: %s}"
    documents.append(secret % tuple(KEYS.values()))
    path.write_text("\n---\n".join(documents) + "\n")


def write_stanza(path, folders, codec):
    """Writes a file with a repository of a stanza in each folder, for walcast."""
    lines = ["apiVersion: pgbackrest.dalibo.com/v1", "kind: Stanza", "metadata: {name: stanza}"]
    lines += ["spec:", "  stanzaConfiguration:", f"    name: {SERVER}"]
    lines += [f"    compressConfig: {{type: {codec}}}", "    s3Repositories:"]
    for folder in folders:
        place = f"endpoint: 'file://{folder}', repoPath: /repo, bucket: none, region: none"
        lines.append(f"    - {{{place}, verifyTLS: true}}")
        (folder / "repo").mkdir()
    path.write_text("\n".join(lines) + "\n")


def write_pgbackrest(path, user, data, compression, **further):
    """Writes a configuration of pgBackRest with two repositories in folders beside the file."""
    folder = path.parent
    settings = {
        "repo1-path": folder / "1",
        "repo2-path": folder / "2",
        "lock-path": folder / "lock",
        "spool-path": folder / "spool",
        "log-path": folder / "log",
        "log-level-file": "off",
        "compress-type": compression,
    }
    lines = ["[global]", *(f"{name}={value}" for name, value in settings.items())]
    lines += [f"[{SERVER}]", f"pg1-path={data}"]
    lines += [f"{name.replace('_', '-')}={value}" for name, value in further.items()]
    path.write_text("\n".join(lines) + "\n")
    os.chown(path, user.pw_uid, user.pw_gid)


def pgbackrest(configuration, *words):
    return ["pgbackrest", f"--config={configuration}", f"--stanza={SERVER}", *words]


def wait_for(path, seconds=30):
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            sys.exit(f"{path} did not appear")
        time.sleep(0.01)
