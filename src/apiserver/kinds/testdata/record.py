#!/usr/bin/env python3
"""record.py URL [NAME...]: asks a real kube-apiserver (`kubectl proxy`) what it makes of the objects of NAME.in.yaml.

Writes NAME.out.jsonl, a line a case: what was sent ("in"; "old": what was there before), and what came back: the object
("out") or the causes of its Status ("causes"), or its message. Creations are dry runs; for updates an object is made in
the namespace kinds-lab (created if absent) and deleted afterwards.

In NAME.in.yaml each section has a resource ("apps/v1/deployments Deployment"), bases, and cases:
[sentence, base, {path: value}, {path: value}]; the first edits make the object, the second ones the update. A null
removes. The value {$repeat: [text, count, rest]} stands for a long text, here as in what is written.
"""

import copy
import json
import pathlib
import re
import sys
import time
import urllib.error
import urllib.request

import yaml

HERE = pathlib.Path(__file__).parent
NAMESPACE = "kinds-lab"
CLUSTER_SCOPED = {"namespaces", "persistentvolumes", "storageclasses", "priorityclasses", "ingressclasses",
                  "clusterroles", "clusterrolebindings", "customresourcedefinitions", "validatingadmissionpolicies",
                  "validatingadmissionpolicybindings"}
# A PUT needs a resourceVersion; without, it cannot conflict with a controller.
CONDITIONAL = {"customresourcedefinitions", "leases", "poddisruptionbudgets", "validatingadmissionpolicies",
               "validatingadmissionpolicybindings"}
VOLATILE = ["uid", "creationTimestamp", "resourceVersion", "managedFields"]


class Server:
    def __init__(self, url):
        self.url = url

    def send(self, method, path, body=None, dry=False):
        url = self.url + path + ("?dryRun=All" if dry else "")
        request = urllib.request.Request(url, method=method, data=json.dumps(body).encode() if body else None,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else {"message": text.decode()}


def expand(value):
    if isinstance(value, dict):
        if "$repeat" in value:
            text, count, *rest = value["$repeat"]
            return text * count + "".join(rest)
        return {key: expand(item) for key, item in value.items()}
    return [expand(item) for item in value] if isinstance(value, list) else value


def shorten(value):
    if isinstance(value, dict):
        return {key: shorten(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shorten(item) for item in value]
    if isinstance(value, str) and len(value) > 400:
        for length in (1, 4):
            count = (len(value) - 4) // length
            if value.startswith(value[:length] * count):
                return {"$repeat": [value[:length], count, value[length * count:]]}
    return value


def edit(root, path, value):
    steps = [int(step) if step.isdigit() else step.strip("'") for step in re.findall(r"'[^']*'|[^.]+", path)]
    at = root
    for step, following in zip(steps, steps[1:]):
        empty = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            if step == len(at):
                at.append(empty)
        elif at.get(step) is None:
            at[step] = empty
        at = at[step]
    last = steps[-1]
    if isinstance(last, int):
        if value is None:
            del at[last]
        elif last == len(at):
            at.append(expand(value))
        else:
            at[last] = expand(value)
    elif value is None:
        at.pop(last, None)
    else:
        at[last] = expand(value)


def strip(thing):
    for name in VOLATILE:
        thing.get("metadata", {}).pop(name, None)
    return thing


def run(server, section, case):
    where, kind = section["resource"].split()
    api_version, plural = where.rsplit("/", 1)
    sentence, base, *edits = case
    item = copy.deepcopy(section["bases"][base])
    item = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, **item}
    for path, value in (edits[0] if edits else {}).items():
        edit(item, path, value)
    prefix = ("/apis/" if "/" in api_version else "/api/") + api_version
    if plural not in CLUSTER_SCOPED:
        prefix += "/namespaces/" + NAMESPACE
        item["metadata"].setdefault("namespace", NAMESPACE)
    path = f"{prefix}/{plural}"
    out = {"case": sentence, "resource": where}
    if len(edits) < 2:
        out["in"] = item
        code, answer = server.send("POST", path, item, dry=True)
    else:
        name = item["metadata"]["name"]
        if plural != "customresourcedefinitions":
            name = item["metadata"]["name"] = f"{name}-{section['cases'].index(case)}"
        code, old = server.send("POST", path, item)
        if code >= 300:
            sys.exit(f"{sentence}: cannot be made: {old.get('message')}")
        if plural == "customresourcedefinitions":
            time.sleep(1)  # until it is established
        code, old = server.send("GET", f"{path}/{name}")
        changed = copy.deepcopy(old)
        changed["metadata"].pop("managedFields", None)
        if plural not in CONDITIONAL:
            changed["metadata"].pop("resourceVersion", None)
        for where_to, value in edits[1].items():
            edit(changed, where_to, value)
        code, answer = server.send("PUT", f"{path}/{name}", changed, dry=True)
        server.send("PUT", f"{path}/{name}", {**old, "metadata": {**old["metadata"], "finalizers": []}})
        server.send("DELETE", f"{path}/{name}", {"gracePeriodSeconds": 0, "propagationPolicy": "Background"})
        out["old"], out["in"] = strip(old), strip(changed)
        if plural != "customresourcedefinitions":  # controllers write it meanwhile
            for each in old, changed, answer:
                each.pop("status", None)
    if code < 300:
        out["out"] = strip(answer)
    elif answer.get("reason") == "Invalid":
        out["causes"] = [[cause["reason"], cause.get("field", ""), cause["message"]]
                         for cause in answer["details"].get("causes", [])]
    else:
        out["message"] = answer.get("message")
    return out


def main():
    server = Server(sys.argv[1])
    server.send("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    names = sys.argv[2:] or sorted(path.name.split(".")[0] for path in HERE.glob("*.in.yaml"))
    for name in names:
        sections = yaml.safe_load((HERE / f"{name}.in.yaml").read_text())
        lines = [json.dumps(shorten(run(server, section, case)), separators=(",", ":"), ensure_ascii=False)
                 for section in sections for case in section["cases"]]
        (HERE / f"{name}.out.jsonl").write_text("\n".join(lines) + "\n")
        print(f"{name}: {len(lines)} cases")


main()
