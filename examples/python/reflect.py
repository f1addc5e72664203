#!/usr/bin/env python3
"""Lists and calls the methods of a gRPC server by reflection, without generated code.

List services and methods; call a method; call it with a request from standard input:

    reflect.py
    reflect.py watchword.v1.TokenValidation/Validate '{"token": "eyJ..."}'
    reflect.py watchword.v1.TokenValidation/Validate -

The server needs `server: {grpc: {reflection: true}}`. Exit code 2: the server is unreachable or
answers with an error. The verdict on a token is in the answer, not in the exit code.
"""

import argparse
import sys

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import proto_reflection_descriptor_database as reflection

# Never reach a sidecar through a proxy, whatever the environment says. On a Unix socket, gRPC would
# send the socket's path as the authority, which is invalid and refused.
CHANNEL = [("grpc.enable_http_proxy", 0), ("grpc.default_authority", "watchword")]


def main():
    options = argparse.ArgumentParser(description="Calls a gRPC server by reflection.")
    add = options.add_argument
    add("--address", default="127.0.0.1:9191", help="host:port or unix:/path/to/socket")
    add("--timeout", type=float, default=5.0, help="the longest wait for an answer, in seconds")
    add("method", nargs="?", help="package.Service/Method; without it, all are listed")
    add("request", nargs="?", default="{}", help='JSON; "-": read from standard input')
    options = options.parse_args()
    with grpc.insecure_channel(options.address, options=CHANNEL) as channel:
        try:
            grpc.channel_ready_future(channel).result(options.timeout)
            schema = reflection.ProtoReflectionDescriptorDatabase(channel)
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
            takes, returns = method.input_type.full_name, method.output_type.full_name
            yield f"  {method.name}({takes}) returns ({returns})"


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
    answer = ask(request, timeout=options.timeout)
    return json_format.MessageToJson(answer, preserving_proto_field_name=True)


def complain(problem):
    print(problem, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
