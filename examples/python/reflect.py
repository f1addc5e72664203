#!/usr/bin/env python3
"""Looks at a gRPC server and calls it by reflection alone, as grpcurl does. No generated code is needed.

    reflect.py                                                                   lists services and methods
    reflect.py watchword.v1.TokenValidation/Validate '{"token": "eyJ..."}'      calls a method
    reflect.py watchword.v1.TokenValidation/Validate -                           the same, from standard input

The server must have `server: {grpc: {reflection: true}}`. Exit code 2: it cannot be asked, or answers with an error. For
whether a token is good, look at the answer.
"""

import argparse
import sys

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

# A sidecar is not reached through a proxy, whatever the environment says. On a Unix socket, gRPC
# would send the socket's path as the authority, which is none, and is refused.
CHANNEL = [("grpc.enable_http_proxy", 0), ("grpc.default_authority", "watchword")]


def main():
    options = argparse.ArgumentParser(description="Looks at a gRPC server by reflection.")
    options.add_argument("--address", default="127.0.0.1:9191", help="host:port or unix:/path/to/socket")
    options.add_argument("--timeout", type=float, default=5.0, help="the longest wait for an answer, in seconds")
    options.add_argument("method", nargs="?", help="package.Service/Method; without it, all are listed")
    options.add_argument("request", nargs="?", default="{}", help='JSON; "-": read from standard input')
    options = options.parse_args()
    with grpc.insecure_channel(options.address, options=CHANNEL) as channel:
        try:
            grpc.channel_ready_future(channel).result(options.timeout)
            schema = ProtoReflectionDescriptorDatabase(channel)
            if options.method:
                print(call(channel, schema, options))
            else:
                print("\n".join(methods(schema)))
        except grpc.FutureTimeoutError:
            return complain(f"nobody answers at {options.address}")
        except grpc.RpcError as error:
            return complain(f"{error.code().name}: {error.details()}")
        except (KeyError, ValueError, json_format.ParseError) as error:
            return complain(error)
    return 0


def methods(schema):
    pool = DescriptorPool(schema)
    for name in sorted(schema.get_services()):
        yield name
        for method in pool.FindServiceByName(name).methods:
            yield f"  {method.name}({method.input_type.full_name}) returns ({method.output_type.full_name})"


def call(channel, schema, options):
    name, _, method = options.method.partition("/")
    method = DescriptorPool(schema).FindServiceByName(name).FindMethodByName(method)
    request = message_factory.GetMessageClass(method.input_type)()
    json_format.Parse(sys.stdin.read() if options.request == "-" else options.request, request)
    ask = channel.unary_unary(
        f"/{options.method}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    return json_format.MessageToJson(ask(request, timeout=options.timeout), preserving_proto_field_name=True)


def complain(problem):
    print(problem, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
