"""Answers questions about charts: one JSON object a line on standard input, one on standard output.

Helm itself renders, lints and reads YAML; Kubernetes' own schemas judge objects. It ends with its
input.
"""

import json
import os
import re
import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, sys.argv[1])  # where the pinned packages are

import helm_python  # noqa: E402
import jsonschema  # noqa: E402
from helm_python import _native  # noqa: E402

SCHEMAS = Path(sys.argv[1], "kubernetes_validate", "kubernetes-json-schema")


def render(chart, values, options):
    # Through the native call: the wrapper has no `kube_version` and `api_versions`.
    with helm_python.Chart.load(chart) as loaded:
        arguments = loaded._raw(), json.dumps(values), json.dumps(options)
        files = _native.call_string("helm_render", *arguments)
    notes, documents = "", []
    for template, text in sorted(json.loads(files).items()):
        if template.endswith("NOTES.txt"):
            # Helm shows those of the chart itself, and not of the charts below it.
            if "/charts/" not in template:
                notes = text
            continue
        for document in split(text):
            try:
                value = helm_python.values_from_yaml(document)
            except helm_python.HelmError as error:
                raise ValueError(f"{template}: {error}\n{document}") from error
            if value:
                documents.append({"template": template, "text": document, "value": value})
    return {"notes": notes, "documents": documents}


def split(text):
    """As Helm splits what a template renders into documents."""
    documents = re.split(r"(?:^|\s*\n)---\s*", text.strip())
    return [document for document in documents if document.strip()]


def install(chart, values, release, namespace):
    """The summary of an installation without a cluster: `manifest`, without hooks, and `notes`."""
    with helm_python.Config(storage_driver="memory", namespace=namespace) as config:
        with helm_python.Chart.load(chart) as loaded:
            return config.install(loaded, release, values, namespace=namespace, dry_run="client")


def lint(chart, values, kubernetes):
    report = helm_python.lint(chart, values, strict=True, kube_version=kubernetes)
    texts = [
        f"{message['path']}: {message['error']}"
        for message in report["messages"]
        if message["severity"] >= 2
    ]
    return sorted(set(report["errors"] + texts))


def defaults(chart):
    with helm_python.Chart.load(chart) as loaded:
        return loaded.values


def validate(document, kubernetes):
    """The faults of an object by the schema of this version of Kubernetes. Null: no such kind.

    A field that the schema does not have is a fault.
    """
    group, _, version = document["apiVersion"].rpartition("/")
    parts = document["kind"].lower(), group.split(".")[0], version
    name = "-".join(part for part in parts if part)
    folder = SCHEMAS / f"v{kubernetes}.0-local-strict"
    if not folder.is_dir():
        raise ValueError(f"there are no schemas of Kubernetes {kubernetes}")
    if not (folder / f"{name}.json").is_file():
        return None
    return problems(validator(folder, name), document)


@cache
def definitions(folder):
    return json.loads((folder / "_definitions.json").read_text())


@cache
def validator(folder, name):
    file = folder / f"{name}.json"
    schema = json.loads(file.read_text())
    base = folder.as_uri() + "/"
    store = {base + "_definitions.json": definitions(folder)}
    resolver = jsonschema.RefResolver(base + file.name, schema, store=store)
    return jsonschema.Draft202012Validator(schema, resolver=resolver)


def problems(judge, value):
    errors = sorted(judge.iter_errors(value), key=str)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]


def metaschema(schema):
    """The faults of a schema by the metaschema that its `$schema` names."""
    judge = jsonschema.validators.validator_for(schema, default=None)
    if judge is None:
        raise ValueError(f"unknown $schema: {schema.get('$schema')}")
    return problems(judge(judge.META_SCHEMA), schema)


def fits(schema, value):
    judge = jsonschema.validators.validator_for(schema)
    return problems(judge(schema), value)


def yaml(text):
    return helm_python.values_from_yaml(text)


def update_dependencies(chart):
    _native.call_status("helm_dependency_update", chart, None)


FUNCTIONS = defaults, fits, install, lint, metaschema, render, update_dependencies, validate, yaml
OPERATIONS = {function.__name__: function for function in FUNCTIONS}


def answer(line):
    question = json.loads(line)
    try:
        return {"answer": OPERATIONS[question.pop("ask")](**question)}
    except Exception as error:  # every failure is an answer
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    os.environ["KUBECONFIG"] = os.devnull
    # The library may print; that must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(answer(line)) + "\n")
        answers.flush()


main()
