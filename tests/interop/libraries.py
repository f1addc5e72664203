"""Makes and reads encrypted tokens with jwcrypto and joserfc.

Reads jobs and writes results, one JSON object a line. A job to encrypt makes a signed token first,
which becomes the content; a job to decrypt verifies the token inside. A library that refuses a job
has the reason in `error`.
"""

import functools
import json
import sys

import joserfc.jwe
import joserfc.jws
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc._rfc7518.jwe_algs import RSAAlgKeyEncryption
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey, import_key
from jwcrypto import jwe, jwk, jws

CURVES = ("P-256", "P-384", "P-521")


class JwCrypto:
    """jwcrypto 1.5.6."""

    @functools.cache
    def key(self, kind):
        if kind == "RSA":
            made = jwk.JWK.generate(kty="RSA", size=2048, kid=kind)
        elif kind in CURVES:
            made = jwk.JWK.generate(kty="EC", crv=kind, kid=kind)
        elif kind == "X25519":
            made = jwk.JWK.generate(kty="OKP", crv=kind, kid=kind)
        else:
            made = jwk.JWK.generate(kty="oct", size=int(kind), kid=kind)
        return made.export(as_dict=True)

    def sign(self, key, claims):
        token = jws.JWS(claims)
        header = {"alg": "ES256", "typ": "JWT", "kid": key["kid"]}
        token.add_signature(jwk.JWK(**key), protected=json.dumps(header))
        return token.serialize(compact=True)

    def encrypt(self, key, header, content):
        token = jwe.JWE(content.encode(), protected=json.dumps(header))
        token.add_recipient(jwk.JWK(**key))
        return token.serialize(compact=True)

    def decrypt(self, key, header, token):
        read = jwe.JWE(algs=[header["alg"], header["enc"]])
        read.deserialize(token, jwk.JWK(**key))
        return read.payload.decode()

    def verify(self, key, token):
        read = jws.JWS()
        read.deserialize(token, jwk.JWK(**key))
        return read.payload.decode()


class JoseRfc:
    """joserfc 1.8.0."""

    def __init__(self):
        # It has the class, and names no algorithm for these hash functions.
        for bits, hash_function in ((384, hashes.SHA384), (512, hashes.SHA512)):
            mgf = padding.MGF1(hash_function())
            oaep = padding.OAEP(mgf=mgf, algorithm=hash_function(), label=None)
            algorithm = RSAAlgKeyEncryption(f"RSA-OAEP-{bits}", "RSAES OAEP", oaep)
            joserfc.jwe.JWERegistry.register(algorithm)

    @functools.cache
    def key(self, kind):
        if kind == "RSA":
            made = RSAKey.generate_key(2048, {"kid": kind})
        elif kind in CURVES:
            made = ECKey.generate_key(kind, {"kid": kind})
        elif kind == "X25519":
            made = OKPKey.generate_key(kind, {"kid": kind})
        else:
            made = OctKey.generate_key(int(kind), {"kid": kind})
        return made.as_dict(private=True)

    def sign(self, key, claims):
        header = {"alg": "ES256", "typ": "JWT", "kid": key["kid"]}
        return joserfc.jws.serialize_compact(header, claims, import_key(key))

    def encrypt(self, key, header, content):
        algorithms = [header["alg"], header["enc"], "DEF"]
        return joserfc.jwe.encrypt_compact(header, content, import_key(key), algorithms)

    def decrypt(self, key, header, token):
        algorithms = [header["alg"], header["enc"], "DEF"]
        return joserfc.jwe.decrypt_compact(token, import_key(key), algorithms).plaintext.decode()

    def verify(self, key, token):
        return joserfc.jws.deserialize_compact(token, import_key(key), ["ES256"]).payload.decode()


def public(key):
    private = ("d", "p", "q", "dp", "dq", "qi")
    return {name: value for name, value in key.items() if name not in private}


def encrypt(library, job):
    key, signer = library.key(job["kind"]), library.key("P-256")
    header = {**job["header"], "kid": key["kid"], "cty": "JWT"}
    content = library.sign(signer, job["claims"])
    token = library.encrypt(public(key), header, content)
    return {"key": key, "signer": public(signer), "token": token}


def decrypt(library, job):
    content = library.decrypt(job["key"], job["header"], job["token"])
    return {"claims": library.verify(job["signer"], content)}


def main():
    libraries = {"jwcrypto": JwCrypto(), "joserfc": JoseRfc()}
    work = {"encrypt": encrypt, "decrypt": decrypt}[sys.argv[1]]
    for line in sys.stdin:
        job = json.loads(line)
        try:
            result = work(libraries[job["library"]], job)
        except Exception as error:  # Whatever it is, the library does not do it.
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
