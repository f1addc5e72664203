#!/usr/bin/env python3
"""Asks Watchword for a verdict on a token. Exit code 0: allowed; 1: denied; 2: no verdict.

Copy `may_pass`: it fails closed. README.md shows how to generate the modules of `watchword.v1`.
"""

import argparse
import pathlib
import sys

import grpc
from watchword.v1 import token_validation_pb2 as api
from watchword.v1 import token_validation_pb2_grpc as service

# Never reach a sidecar through a proxy, whatever the environment says. On a Unix socket, gRPC would
# send the socket's path as the authority, which is invalid and refused.
CHANNEL = [("grpc.enable_http_proxy", 0), ("grpc.default_authority", "watchword")]


def main():
    options = arguments()
    try:
        response = ask(options)
    except (grpc.RpcError, OSError, ValueError) as error:
        # Watchword is unreachable, too slow, or does not know this caller: that is not an allow.
        print(f"no verdict: {describe(error)}", file=sys.stderr)
        return 2
    if may_pass(response):
        report_allow(response)
        return 0
    if response.WhichOneof("verdict") != "deny":
        print("no verdict: it is of an unknown kind", file=sys.stderr)
        return 2
    report_deny(response)
    return 1


def may_pass(response):
    """Returns true for an explicit allow. All else is a denial: also an error instead of a
    response, and a verdict of a kind that this client does not know yet."""
    return response.WhichOneof("verdict") == "allow"


def ask(options):
    metadata = []
    if options.secret_file:
        metadata.append(("x-watchword-secret", options.secret_file.read_text().strip()))
    # A service opens one channel when it starts, and uses it for every call.
    with grpc.insecure_channel(options.address, options=CHANNEL) as channel:
        stub = service.TokenValidationStub(channel)
        return stub.Validate(question(options), timeout=options.timeout, metadata=metadata)


def question(options):
    token = (sys.stdin.read() if options.token == "-" else options.token).strip()
    if not token:
        # Without it, Watchword would look for a token in the request's headers.
        raise ValueError("there is no token")
    question = api.ValidateRequest(token=token)
    if any((options.method, options.path, options.host)):
        request = api.Request(method=options.method, path=options.path, host=options.host)
        question.request.CopyFrom(request)
    if options.scope or options.audience:
        question.demand.CopyFrom(api.Demand(scopes=options.scope, audiences=options.audience))
    return question


def report_allow(response):
    """Prints an allow. Text from the token is quoted and escaped: it may contain anything."""
    allow = response.allow
    print("allow")
    if response.HasField("shadowed"):
        # Allowed only because of the server's shadow mode: there is no subject.
        print(f"shadowed: {response.shadowed.code}")
    print_fact("rule", response.rule)
    if allow.anonymous:
        print("anonymous")
    print_fact("issuer", allow.issuer_name)
    print_fact("subject", allow.subject)
    if allow.HasField("expires_at"):
        print(f"expires: {allow.expires_at.ToJsonString()}")
    # For the request that you forward: remove these headers first, then set the others.
    for name in allow.headers_to_remove:
        print(f"remove: {name}")
    for header in allow.headers:
        print(f"set: {header.name}: {header.value}")


def report_deny(response):
    deny = response.deny
    print("deny")
    print(f"reason: {deny.code}: {deny.message}")
    print_fact("rule", response.rule)
    print(f"http status: {deny.http_status}")
    if deny.www_authenticate:
        print(f"www-authenticate: {deny.www_authenticate}")
    if deny.retry_after_seconds:
        print(f"retry after: {deny.retry_after_seconds} s")


def print_fact(name, fact):
    if fact:
        print(f"{name}: {ascii(fact)}")


def describe(error):
    is_rpc = isinstance(error, grpc.RpcError)
    return f"{error.code().name}: {error.details()}" if is_rpc else str(error)


def arguments():
    options = argparse.ArgumentParser(description="Asks Watchword for a verdict on a token.")
    add = options.add_argument
    add("token", nargs="?", default="-", help='"-": standard input, which other users cannot see')
    add("--address", default="127.0.0.1:9191", help="host:port or unix:/path/to/socket")
    add("--method", default="", help="the request's method; no rule applies without these three")
    add("--path", default="", help="the request's path and query")
    add("--host", default="", help="the request's host")
    many = {"action": "append", "default": []}
    add("--scope", **many, help="a scope that the token must have; may be repeated")
    add("--audience", **many, help="the token must name one of these; may be repeated")
    add("--secret-file", type=pathlib.Path, help="a file with the secret for callers")
    add("--timeout", type=float, default=1.0, help="the longest wait for a verdict, in seconds")
    return options.parse_args()


if __name__ == "__main__":
    sys.exit(main())
