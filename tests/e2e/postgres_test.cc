// The whole way with real parts: a PostgreSQL, the example apparatus, a plug in another namespace
// that gets a Secret, and psql that logs in with it.

#include <signal.h>

#include "kube/api/object.h"
#include "tests/e2e/harness.h"
#include "text/base64.h"

namespace iop::e2e {
namespace {

// A PostgreSQL and the apparatus in front of it, started by tests/e2e/postgres-stack.
class Stack {
 public:
  Stack() {
    pipe_ =
        popen(("exec " + std::string(IOP_SOURCE_DIR) + "/tests/e2e/postgres-stack").c_str(), "r");
    char line[512];
    while (pipe_ != nullptr && fgets(line, sizeof line, pipe_) != nullptr) {
      const std::string text(line);
      const auto value = [&](const std::string& name) {
        return text.substr(name.size(), text.size() - name.size() - 1);
      };
      if (text.starts_with("pid=")) pid_ = std::stoi(value("pid="));
      if (text.starts_with("apparatus=")) apparatus = value("apparatus=");
      if (text.starts_with("postgres=")) postgresPort = value("postgres=");
      if (text.starts_with("psql=")) psql = value("psql=");
      if (text.starts_with("missing=")) missing = value("missing=");
      if (text == "ready\n") break;
    }
  }
  ~Stack() {
    if (pid_ > 0) kill(pid_, SIGTERM);
    if (pipe_ != nullptr) pclose(pipe_);
  }

  std::string apparatus, postgresPort, psql, missing;

 private:
  FILE* pipe_ = nullptr;
  int pid_ = -1;
};

class Postgres : public Case {
 protected:
  std::string secret(const std::string& key) {
    return text::decodeBase64(get("Secret", "postgres")["data"][key].asString()).value_or("");
  }

  CommandResult login(const Stack& stack, const std::string& user, const std::string& password,
                      const std::string& database) {
    return runCommand("PGPASSWORD='" + password + "' PGCONNECT_TIMEOUT=5 " + stack.psql +
                      " -h 127.0.0.1 -p " + stack.postgresPort + " -U '" + user + "' -d '" +
                      database + "' -tAc 'select session_user'");
  }
};

TEST_F(Postgres, APlugGetsADatabaseAndARoleAndLosesTheRoleWithThePlug) {
  Stack stack;
  if (!stack.missing.empty()) GTEST_SKIP() << "NOT RUN: " << stack.missing;
  ASSERT_FALSE(stack.apparatus.empty());
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Interface
metadata: {name: postgres, namespace: "{SOCK}"}
spec:
  schemas:
    - version: 1.0.0
      config:
        plug: {database: {required: true, pattern: "^[a-z_][a-z0-9_]{0,56}$"}}
        socket: {hostname: {required: true}, port: {type: integer}, username: {}, password: {sensitive: true}, database: {}}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: postgres, namespace: "{SOCK}"}
spec:
  interface: {name: postgres}
  apparatus: {endpoint: "http://)" +
        stack.apparatus + R"("}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: plug, namespace: "{NS}"}
spec:
  socket: {name: postgres, namespace: "{SOCK}"}
  interface: {name: postgres, namespace: "{SOCK}"}
  interfaceVersions: ^1.0
  config: {database: shop}
  resultResources:
    - template:
        apiVersion: v1
        kind: Secret
        metadata: {name: postgres}
        stringData:
          username: "{% .socketConfig.username %}"
          password: "{% .socketConfig.password %}"
          database: "{% .plugConfig.database %}"
)");
  ASSERT_TRUE(eventuallyCoupled());
  const std::string user = secret("username"), password = secret("password");
  ASSERT_FALSE(user.empty());
  ASSERT_FALSE(password.empty());
  const CommandResult in = login(stack, user, password, "shop");
  EXPECT_EQ(in.status, 0) << in.output;
  EXPECT_EQ(in.output, user + "\n");

  remove("Plug", "plug");
  eventually("the plug is gone", [&] { return !exists("Plug", "plug"); });
  const CommandResult out = login(stack, user, password, "shop");
  EXPECT_NE(out.status, 0) << "the role still logs in: " << out.output;
  EXPECT_FALSE(exists("Secret", "postgres"));
  for (const std::string& name : {ns(), sock()}) {
    for (const char* kind : {"ConfigMap", "Secret", "Job"}) {
      for (const Value& object : list(kind, name)) {
        EXPECT_EQ(kube::api::nameOf(object), "kube-root-ca.crt")
            << kind << " is left over in " << name;
      }
    }
  }
}

}  // namespace
}  // namespace iop::e2e
