"""A PostgreSQL server with pgvector for the tests, in a temporary folder of its own.

    with PostgresServer() as postgres:
        run(**postgres.settings)
        postgres.restart()
"""

import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

USER = "titans"
PASSWORD = "p'a\\s s=w\"o#rd"


class Unavailable(Exception):
    """PostgreSQL is not installed here, or we are root and can become nobody else: skip the test."""


def _programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise Unavailable("PostgreSQL is not installed")
    return found[-1].parent


def _server_user():
    """Who runs PostgreSQL, which refuses to be root: None if we are somebody else already."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise Unavailable("there is no user but root")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PostgresServer:
    """A running server; `settings` are the DB_* variables of an empty database.

    It keeps its port and its data over stop(), kill() and start(), and ends with the tests.
    """

    def __init__(self, database="titans"):
        self._programs = _programs()
        self._user = _server_user()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="titans-postgres-"))
        self.port = _free_port()
        self._process = None
        (self.folder / "password").write_text(PASSWORD + "\n")
        if self._user:
            try:
                for path in (self.folder, self.folder / "password"):
                    os.chown(path, self._user.pw_uid, self._user.pw_gid)
            except OSError as error:  # as in a user namespace of root alone
                shutil.rmtree(self.folder)
                raise Unavailable("we are root, and there is no other user here") from error
        code = self._spawn("initdb", f"--pgdata={self.folder / 'data'}", f"--username={USER}",
                           f"--pwfile={self.folder / 'password'}", "--auth=scram-sha-256", "--encoding=UTF8",
                           "--no-locale", "--no-sync").wait()
        if code != 0:
            raise RuntimeError(f"initdb failed:\n{self.log()}")
        self.start()
        self.settings = self.make_database(database)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.kill()
        shutil.rmtree(self.folder)

    def start(self):
        self._process = self._spawn("postgres", "-D", self.folder / "data", "-c", "listen_addresses=127.0.0.1",
                                    "-c", f"port={self.port}", "-c", "unix_socket_directories=", "-c", "fsync=off",
                                    "-c", "full_page_writes=off")
        deadline = time.monotonic() + 60
        while subprocess.run([self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{self.log()}")
            time.sleep(0.02)

    def stop(self):
        """As an administrator does it: connections are told, then closed."""
        self._end(signal.SIGINT)

    def kill(self):
        """At once, as if its machine had failed; what was committed is there after start()."""
        self._end(signal.SIGQUIT)

    def restart(self):
        self.stop()
        self.start()

    def make_database(self, name):
        """An empty database; returns the DB_* variables that lead to it."""
        self.run('CREATE DATABASE "{}"'.format(name.replace('"', '""')), database="postgres")
        return {"DB_NAME": name, "DB_USER": USER, "DB_PASSWORD": PASSWORD, "DB_HOST": "127.0.0.1",
                "DB_PORT": str(self.port)}

    def run(self, sql, database=None):
        """Runs `sql` as a superuser and returns its rows, a list of texts each."""
        answer = subprocess.run(
            [self._programs / "psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
             "-p", str(self.port), "-U", USER, "-c", sql],
            env=os.environ | {"PGPASSWORD": PASSWORD, "PGDATABASE": database or self.settings["DB_NAME"]},
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if answer.returncode != 0:
            raise RuntimeError(answer.stderr)
        return [line.split("\t") for line in answer.stdout.splitlines()]

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def _spawn(self, program, *arguments):
        def end_with_parent():
            ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG

        # After the change of user, which would forget what end_with_parent() asks for.
        user = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        with open(self.folder / "log", "ab") as log:
            return subprocess.Popen([self._programs / program, *arguments], stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=log, cwd=self.folder, env=os.environ | {"LC_ALL": "C"},
                                    preexec_fn=end_with_parent, **user)

    def _end(self, number):
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None
