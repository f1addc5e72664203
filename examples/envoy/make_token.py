#!/usr/bin/env python3
"""Prints a signed token; makes this folder's key.pem and jwks.json the first time. Needs openssl.

usage: make_token.py [--sub alice] [--scope orders] [--department sales] [--seconds 3600]
"""

import argparse, base64, json, os, pathlib, subprocess, time

HERE = pathlib.Path(__file__).parent
KEY, JWKS = HERE / "key.pem", HERE / "jwks.json"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, stdin=b""):
    run = subprocess.run(["openssl", *arguments], input=stdin, check=True, capture_output=True)
    return run.stdout


if not JWKS.exists():
    os.umask(0o077)
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(KEY))
    modulus = openssl("rsa", "-in", str(KEY), "-noout", "-modulus").decode().strip().split("=")[1]
    key = {"kty": "RSA", "kid": "example-1", "alg": "RS256", "use": "sig"}
    key |= {"n": base64url(bytes.fromhex(modulus)), "e": "AQAB"}
    JWKS.write_text(json.dumps({"keys": [key]}))

options = argparse.ArgumentParser()
options.add_argument("--sub", default="alice")
options.add_argument("--scope", default="orders")
options.add_argument("--department", default="sales")
options.add_argument("--seconds", type=int, default=3600)
claims = vars(options.parse_args())
now = int(time.time())
claims |= {"iss": "https://issuer.example", "aud": "example-api"}
claims |= {"iat": now, "exp": now + claims.pop("seconds")}
parts = [{"alg": "RS256", "typ": "JWT", "kid": "example-1"}, claims]
signed = ".".join(base64url(json.dumps(part).encode()) for part in parts)
signature = openssl("dgst", "-sha256", "-sign", str(KEY), stdin=signed.encode())
print(f"{signed}.{base64url(signature)}")
