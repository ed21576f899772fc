#!/usr/bin/python3
"""The code of a PostgreSQL socket: it gives each plug a role of its own, and takes it away again.

The integration operator calls it over HTTP (docs/apparatus.md). What it does on each event:

  config     tells the plug where the server is and what its user name and password will be
  coupled    makes the database and the role
  updated    the same again, for what changed
  decoupled  ends the role's sessions and drops the role; the database and its tables stay
  created, deleted, and GET /ping: nothing

Every request may come more than once and after a crash, so everything here can be repeated. Nothing is stored besides
what PostgreSQL itself stores: user names and passwords are derived from the plug's UID and a secret, so that /config
and /coupled always agree.

A database belongs to the plug (namespace and name) that asked for it first: no other plug gets it, and one that comes
back finds its tables. Its objects are owned by a role `<database>_owner` that nobody can log in with; the role of the
plug is a member of it and works as it, so the plug's role can be dropped at any time.
"""

import argparse
import contextlib
import hashlib
import hmac
import json
import os
import re
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

MAX_BODY = 4 << 20
# A PostgreSQL name has 63 bytes; the owner's has "_owner" on top of the database's.
DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,56}")
RESERVED = {"postgres", "template0", "template1"}


class Refused(Exception):
    """A request that cannot be fulfilled: its HTTP status and the text for whoever reads the plug's condition."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Plug:
    """What is derived from the plug of a request."""

    def __init__(self, plug, secret):
        metadata = plug.get("metadata") or {}
        self.name = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
        uid = metadata.get("uid", "")
        if not uid:
            raise Refused(400, "the plug has no metadata.uid")
        # A new plug of the same name gets a new role: what is still told of the old one does not touch it.
        readable = re.sub(r"[^a-z0-9]+", "_", self.name.lower())[:40]
        self.role = f"{readable}_{digest(secret, 'role', uid)[:16]}"
        self.password = digest(secret, "password", uid)


def digest(secret, purpose, text):
    return hmac.new(secret, f"{purpose}/{text}".encode(), hashlib.sha256).hexdigest()


class Postgres:
    """The server, and what is done in it. Each method makes its own connections: safe to call from any thread."""

    def __init__(self, dsn):
        self.dsn = dsn

    def couple(self, plug, database):
        """Makes database and role, or brings them back to what they should be."""
        owner = f"{database}_owner"
        with self.connection() as cursor:
            lock(cursor, database)
            self.claim(cursor, plug, database, owner)
            if not role_exists(cursor, plug.role):
                execute(cursor, "CREATE ROLE {role}", role=plug.role)
            # The server is only told the hash of the password: a password in a statement could end up in its log.
            verifier = encrypt_password(plug.password, plug.role, cursor.connection, "scram-sha-256")
            execute(cursor, "ALTER ROLE {role} LOGIN PASSWORD {verifier}", role=plug.role, verifier=sql.Literal(verifier))
            execute(cursor, "GRANT {owner} TO {role}", owner=owner, role=plug.role)
            execute(cursor, "ALTER ROLE {role} SET role = {owner}", role=plug.role, owner=owner)
            self.leave_others(cursor, plug, owner)

    def claim(self, cursor, plug, database, owner):
        """Makes the database, for this plug alone."""
        claim = f"plug {plug.name}"
        holder = comment_on_role(cursor, owner)
        if holder is None:
            if database_exists(cursor, database):
                raise Refused(409, f'database "{database}" exists and was not made for a plug')
            if role_exists(cursor, owner):
                raise Refused(409, f'role "{owner}" exists and was not made for a plug')
            # One transaction: an owner without its claim is never seen.
            execute(cursor, "BEGIN; CREATE ROLE {owner} NOLOGIN; COMMENT ON ROLE {owner} IS {claim}; COMMIT",
                    owner=owner, claim=sql.Literal(claim))
        elif holder != claim:
            raise Refused(409, f'database "{database}" belongs to another plug')
        if not database_exists(cursor, database):
            execute(cursor, "GRANT {owner} TO CURRENT_USER", owner=owner)
            execute(cursor, "CREATE DATABASE {database} OWNER {owner}", database=database, owner=owner)
        execute(cursor, "REVOKE ALL ON DATABASE {database} FROM PUBLIC", database=database)

    def leave_others(self, cursor, plug, owner):
        """The role is a member of one owner only: a plug that now names another database has left the old one."""
        cursor.execute(
            "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid "
            "JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = %s AND g.rolname <> %s", (plug.role, owner))
        for (other,) in cursor.fetchall():
            execute(cursor, "REVOKE {other} FROM {role}", other=other, role=plug.role)

    def decouple(self, plug):
        """Drops the role, after which nobody can log in with it."""
        with self.connection() as cursor:
            if not role_exists(cursor, plug.role):
                return
            execute(cursor, "ALTER ROLE {role} NOLOGIN", role=plug.role)
            # Only a member of the role may end its sessions and give away what it owns.
            execute(cursor, "GRANT {role} TO CURRENT_USER", role=plug.role)
            cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", (plug.role,))
            cursor.execute(
                "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid "
                "JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = %s", (plug.role,))
            for (owner,) in cursor.fetchall():
                self.hand_over(plug.role, owner)
            execute(cursor, "DROP ROLE {role}", role=plug.role)

    def hand_over(self, role, owner):
        """What a session made after RESET ROLE belongs to the role itself; it goes to the owner."""
        database = owner.removesuffix("_owner")
        with self.connection() as cursor:
            exists = database_exists(cursor, database)
        if exists:
            with self.connection(database) as cursor:
                execute(cursor, "REASSIGN OWNED BY {role} TO {owner}", role=role, owner=owner)
                execute(cursor, "DROP OWNED BY {role}", role=role)

    def address(self):
        """Host and port that the server is known by here."""
        with self.connection() as cursor:
            info = cursor.connection.info
            return info.host, str(info.port)

    @contextlib.contextmanager
    def connection(self, database=None):
        changes = {"dbname": database} if database else {}
        connection = psycopg2.connect(self.dsn, connect_timeout=5, application_name="postgres-apparatus", **changes)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = '25s'")
                yield cursor
        finally:
            connection.close()


def execute(cursor, statement, **names):
    """Runs a statement with its {names} put in as quoted identifiers; values are passed as sql.Literal."""
    quoted = {key: name if isinstance(name, sql.Composable) else sql.Identifier(name) for key, name in names.items()}
    cursor.execute(sql.SQL(statement).format(**quoted))


def lock(cursor, database):
    """Two plugs that ask for one database at a time come after each other. Held until the connection is closed."""
    cursor.execute("SELECT pg_advisory_lock(hashtext('postgres-apparatus'), hashtext(%s))", (database,))


def role_exists(cursor, role):
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
    return cursor.fetchone() is not None


def database_exists(cursor, database):
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
    return cursor.fetchone() is not None


def comment_on_role(cursor, role):
    cursor.execute("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = %s", (role,))
    row = cursor.fetchone()
    return row[0] if row else None


class Apparatus:
    """Answers the operator's events. `postgres` is a Postgres; hostname and port are what plugs are told."""

    def __init__(self, postgres, secret, hostname="", port=""):
        self.postgres = postgres
        self.secret = secret
        self.hostname = hostname
        self.port = port

    def handle(self, event, body):
        """The answer to POST /<event>, a dict. Raises Refused."""
        handlers = {"config": self.config, "created": self.nothing, "coupled": self.couple, "updated": self.couple,
                    "decoupled": self.decouple, "deleted": self.nothing}
        handler = handlers.get(event)
        if handler is None:
            raise Refused(404, f'there is no event "{event}"')
        if body.get("version") != "1":
            raise Refused(400, f"this speaks version \"1\" of the protocol, not {json.dumps(body.get('version'))}")
        return handler(body)

    def nothing(self, _):
        return {}

    def config(self, body):
        plug = self.plug(body)
        hostname, port = self.hostname, self.port
        if not hostname or not port:
            known_host, known_port = self.postgres.address()
            hostname, port = hostname or known_host, port or known_port
        return {"hostname": hostname, "port": port, "username": plug.role, "password": plug.password}

    def couple(self, body):
        database = (body.get("plugConfig") or {}).get("database", "")
        if not DATABASE_NAME.fullmatch(database) or database in RESERVED or database.startswith("pg_"):
            raise Refused(422, f'"{database}" cannot be the name of a database: small letters, digits and _, at most 57')
        self.postgres.couple(self.plug(body), database)
        return {}

    def decouple(self, body):
        self.postgres.decouple(self.plug(body))
        return {}

    def plug(self, body):
        return Plug(body.get("plug") or {}, self.secret)


class Handler(BaseHTTPRequestHandler):
    """HTTP around an Apparatus (a class attribute of the subclass that serve() makes)."""

    apparatus = None
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self):
        if self.path.rstrip("/").endswith("/ping"):
            self.answer(200, {"status": "ok"})
        else:
            self.answer(404, {"message": "events are sent with POST"})

    def do_POST(self):
        event = self.path.rstrip("/").rpartition("/")[2]
        try:
            self.answer(200, self.apparatus.handle(event, self.body()))
        except Refused as refused:
            self.answer(refused.status, {"message": str(refused)})
        except psycopg2.OperationalError as error:
            self.answer(503, {"message": f"PostgreSQL: {str(error).strip()}"})
        except psycopg2.Error as error:
            # The message alone: other fields repeat the statement.
            self.answer(500, {"message": f"PostgreSQL: {error.diag.message_primary or type(error).__name__}"})

    def body(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            raise Refused(413, "the body is too large")
        try:
            body = json.loads(self.rfile.read(length))
        except ValueError as error:
            raise Refused(400, "the body is not JSON") from error
        if not isinstance(body, dict):
            raise Refused(400, "the body is not a JSON object")
        return body

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        sys.stderr.write(f"{self.headers.get('X-Integration-Plug', '-')} {format % args}\n")


def serve(apparatus, host, port):
    """An HTTP server that listens already; port 0 picks a free one (server.server_address has it)."""

    class Bound(Handler):
        pass

    Bound.apparatus = apparatus
    server = ThreadingHTTPServer((host, port), Bound)
    server.daemon_threads = True
    return server


def main(arguments=None):
    env = os.environ.get
    parser = argparse.ArgumentParser(
        description="The apparatus of a PostgreSQL socket.",
        epilog="The secret from which passwords are derived is read from --secret-file or APPARATUS_SECRET.")
    parser.add_argument("--listen", default=env("APPARATUS_LISTEN", ":8080"), metavar="HOST:PORT",
                        help="where to serve; port 0 picks a free one, which is printed (APPARATUS_LISTEN)")
    parser.add_argument("--postgres", default=env("APPARATUS_POSTGRES", ""), metavar="DSN",
                        help="libpq connection string of a role with CREATEDB and CREATEROLE; what it does not say is "
                             "taken from PGHOST, PGUSER, PGPASSWORD… (APPARATUS_POSTGRES)")
    parser.add_argument("--hostname", default=env("APPARATUS_HOSTNAME", ""),
                        help="host that plugs are told; that of the connection if empty (APPARATUS_HOSTNAME)")
    parser.add_argument("--port", default=env("APPARATUS_PORT", ""),
                        help="port that plugs are told; that of the connection if empty (APPARATUS_PORT)")
    parser.add_argument("--secret-file", default=env("APPARATUS_SECRET_FILE", ""), metavar="FILE")
    options = parser.parse_args(arguments)

    secret = env("APPARATUS_SECRET", "").encode()
    if options.secret_file:
        with open(options.secret_file, "rb") as file:
            secret = file.read().strip()
    if len(secret) < 16:
        parser.error("the secret must have at least 16 characters")
    host, _, port = options.listen.rpartition(":")

    server = serve(Apparatus(Postgres(options.postgres), secret, options.hostname, options.port), host, int(port))
    host, port = server.server_address[:2]
    print(f"listening on {host}:{port}", flush=True)
    # shutdown() waits for serve_forever(), which this very thread runs.
    stop = lambda *_: threading.Thread(target=server.shutdown).start()  # noqa: E731
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
