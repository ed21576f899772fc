"""Runs the apparatus against a real PostgreSQL (see ./test)."""

import http.client
import json
import os
import subprocess
import sys
import threading
import unittest

import psycopg2

import postgres_apparatus as pa

DSN = os.environ["APPARATUS_TEST_POSTGRES"]
SECRET = b"a secret for tests only"


def plug(name="shop", namespace="team-a", uid="uid-1"):
    return {"metadata": {"name": name, "namespace": namespace, "uid": uid}}


class ApparatusTest(unittest.TestCase):
    """Talks HTTP to an apparatus that works with a role of its own, which is no superuser."""

    @classmethod
    def setUpClass(cls):
        cls.run_sql("DROP ROLE IF EXISTS provisioner")
        cls.run_sql("CREATE ROLE provisioner LOGIN CREATEDB CREATEROLE PASSWORD 'p'")
        apparatus = pa.Apparatus(pa.Postgres(f"{DSN} user=provisioner password=p dbname=postgres"), SECRET)
        cls.server = pa.serve(apparatus, "127.0.0.1", 0)
        pa.Handler.log_message = lambda *_: None
        cls.thread = threading.Thread(target=cls.server.serve_forever)
        cls.thread.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()
        cls.thread.join()

    def setUp(self):
        # Each test has databases and UIDs of its own.
        self.database = self.id().rpartition(".")[2].lower()[:50]

    @staticmethod
    def run_sql(statement, **login):
        connection = psycopg2.connect(DSN, **login)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_address[1])
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def send(self, event, which, **more):
        body = {"version": "1", "plug": which, "socket": {}, **more}
        return self.request("POST", "/" + event, json.dumps(body))

    def ok(self, event, which, **more):
        status, answer = self.send(event, which, **more)
        self.assertEqual(status, 200, answer)
        return answer

    def couple(self, which, database=None):
        self.ok("coupled", which, plugConfig={"database": database or self.database}, socketConfig={})
        config = self.ok("config", which)
        return {"user": config["username"], "password": config["password"], "host": config["hostname"],
                "port": config["port"], "dbname": database or self.database}

    def test_ping_answers(self):
        self.assertEqual(self.request("GET", "/ping"), (200, {"status": "ok"}))

    def test_coupled_makes_a_login_that_works_over_tcp(self):
        login = self.couple(plug(uid="login"))
        self.run_sql("CREATE TABLE t (a int); INSERT INTO t VALUES (7)", **login)
        self.assertEqual(self.run_sql("SELECT a FROM t", **login), [(7,)])

    def test_config_is_the_same_before_and_after_coupling_and_differs_between_plugs(self):
        before = self.ok("config", plug(uid="stable"))
        self.couple(plug(uid="stable"))
        self.assertEqual(self.ok("config", plug(uid="stable")), before)
        other = self.ok("config", plug(uid="other"))
        self.assertNotEqual(other["username"], before["username"])
        self.assertNotEqual(other["password"], before["password"])
        self.assertTrue(all(isinstance(value, str) for value in before.values()))

    def test_every_event_can_be_repeated(self):
        which = plug(uid="repeat")
        for _ in range(3):
            login = self.couple(which)
        self.ok("updated", which, plugConfig={"database": self.database})
        self.run_sql("SELECT 1", **login)
        for _ in range(3):
            self.ok("decoupled", which, plugConfig={"database": self.database})
        for event in ("created", "deleted"):
            self.ok(event, which)

    def test_decoupled_ends_sessions_and_drops_the_role(self):
        which = plug(uid="gone")
        login = self.couple(which)
        session = psycopg2.connect(DSN, **login)
        self.ok("decoupled", which, plugConfig={"database": self.database})
        with self.assertRaises(psycopg2.OperationalError):
            psycopg2.connect(DSN, **login)
        with self.assertRaises(psycopg2.OperationalError):
            session.cursor().execute("SELECT 1")
        self.assertEqual(self.run_sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{login['user']}'", dbname="postgres"), [])

    def test_a_plug_that_comes_back_finds_its_tables(self):
        login = self.couple(plug(uid="first-life"))
        self.run_sql("CREATE TABLE t (a int)", **login)
        self.run_sql("RESET ROLE; CREATE SCHEMA own; CREATE TABLE own.t (b int)", **login)
        self.ok("decoupled", plug(uid="first-life"), plugConfig={"database": self.database})
        login = self.couple(plug(uid="second-life"))
        self.run_sql("INSERT INTO t VALUES (1); INSERT INTO own.t VALUES (2)", **login)
        self.run_sql("ALTER TABLE t ADD COLUMN c text; DROP TABLE own.t", **login)

    def test_a_late_decoupled_of_the_old_plug_does_not_touch_the_new_one(self):
        self.couple(plug(uid="old"))
        login = self.couple(plug(uid="new"))
        self.ok("decoupled", plug(uid="old"), plugConfig={"database": self.database})
        self.run_sql("SELECT 1", **login)

    def test_a_database_of_another_plug_is_refused(self):
        self.couple(plug(uid="mine"))
        status, answer = self.send("coupled", plug(namespace="team-b", uid="theirs"),
                                   plugConfig={"database": self.database})
        self.assertEqual((status, answer["message"]), (409, f'database "{self.database}" belongs to another plug'))
        login = self.couple(plug(namespace="team-b", uid="theirs"), self.database + "_b")
        with self.assertRaises(psycopg2.OperationalError):
            self.run_sql("SELECT 1", **{**login, "dbname": self.database})

    def test_a_database_that_was_not_made_for_a_plug_is_refused(self):
        self.run_sql(f"CREATE DATABASE {self.database}", dbname="postgres")
        status, answer = self.send("coupled", plug(uid="found"), plugConfig={"database": self.database})
        self.assertEqual(status, 409)
        self.assertIn("was not made for a plug", answer["message"])

    def test_a_plug_that_changes_its_database_leaves_the_old_one(self):
        which = plug(uid="moves")
        first = self.couple(which)
        second = self.couple(which, self.database + "_2")
        self.run_sql("SELECT 1", **second)
        with self.assertRaises(psycopg2.OperationalError):
            self.run_sql("SELECT 1", **first)

    def test_names_that_are_no_database_are_refused(self):
        for name in ("", "postgres", "template1", "pg_x", "Upper", 'x"; DROP ROLE provisioner; --', "ä", "x" * 58):
            status, answer = self.send("coupled", plug(uid="names"), plugConfig={"database": name})
            self.assertEqual(status, 422, name)
            self.assertIn("cannot be the name of a database", answer["message"])

    def test_long_and_odd_names_of_plugs_make_valid_roles(self):
        login = self.couple(plug(name="a.b-" + "x" * 200, namespace="n" * 63, uid="long"))
        self.assertLessEqual(len(login["user"]), 63)
        self.run_sql("SELECT 1", **login)

    def test_concurrent_couplings_all_succeed(self):
        answers = []
        threads = [threading.Thread(target=lambda n=n: answers.append(self.send(
            "coupled", plug(uid=f"many-{n}"), plugConfig={"database": f"{self.database}_{n % 2}"}))) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([status for status, _ in answers], [200] * 8, answers)

    def test_requests_that_are_wrong_are_refused_in_words(self):
        self.assertEqual(self.request("POST", "/coupled", "{")[0], 400)
        self.assertEqual(self.request("POST", "/coupled", "[]")[0], 400)
        self.assertEqual(self.request("POST", "/exploded", json.dumps({"version": "1"}))[0], 404)
        self.assertEqual(self.request("POST", "/config", json.dumps({"version": "2"}))[0], 400)
        self.assertEqual(self.send("config", {"metadata": {}})[0], 400)
        self.assertEqual(self.request("GET", "/coupled")[0], 404)

    def test_a_server_that_is_down_is_a_503_without_a_password(self):
        server = pa.serve(pa.Apparatus(pa.Postgres("host=127.0.0.1 port=1 password=hidden"), SECRET), "127.0.0.1", 0)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1])
            connection.request("POST", "/coupled", json.dumps(
                {"version": "1", "plug": plug(uid="down"), "plugConfig": {"database": "x"}}))
            response = connection.getresponse()
            text = response.read().decode()
            connection.close()
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
        self.assertEqual(response.status, 503)
        self.assertNotIn("hidden", text)


class ProgramTest(unittest.TestCase):
    """The program as it is started by a pod."""

    def start(self, *arguments, **environment):
        return subprocess.Popen([sys.executable, pa.__file__, *arguments], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})

    def test_it_prints_its_port_answers_and_ends_on_sigterm(self):
        with self.start("--listen", "127.0.0.1:0", APPARATUS_SECRET="x" * 16) as program:
            line = program.stdout.readline()
            self.assertRegex(line, r"^listening on 127\.0\.0\.1:\d+$")
            connection = http.client.HTTPConnection("127.0.0.1", int(line.rpartition(":")[2]))
            connection.request("GET", "/ping")
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()
            program.terminate()
            self.assertEqual(program.wait(10), 0)

    def test_it_does_not_start_without_a_secret(self):
        with self.start("--listen", "127.0.0.1:0", APPARATUS_SECRET="short") as program:
            self.assertEqual(program.wait(10), 2)
            self.assertIn("at least 16 characters", program.stderr.read())


if __name__ == "__main__":
    unittest.main()
