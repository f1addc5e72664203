// An identity provider for tests: oidc-provider on a free port of loopback, with one client, and
// with resource servers whose access tokens are encrypted, or only signed.
//
// Usage: `node provider.mjs URL`, in a folder with the packages. The URL is that of the public keys
// that tokens are encrypted to. It prints its issuer when it listens, and ends when its standard
// input does.

import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const packages = createRequire(pathToFileURL(`${process.cwd()}/`));
const { default: Provider } = await import(pathToFileURL(packages.resolve('oidc-provider')));

const [url] = process.argv.slice(2);
const ALGORITHM = 'ES256';
// By resource server: the type of key, and what `jwt.encrypt` takes.
const ENCRYPTIONS = {
  'https://orders.example.com': { kty: 'EC', alg: 'ECDH-ES', enc: 'A256CBC-HS512' },
  'https://reports.example.com': { kty: 'RSA', alg: 'RSA-OAEP-256', enc: 'A256GCM' },
};

// The first key of this type among those that are published now.
async function publicKey(kty) {
  const { keys } = await (await fetch(url)).json();
  const jwk = keys.find((key) => key.kty === kty && key.use === 'enc');
  return { kid: jwk.kid, key: createPublicKey({ key: jwk, format: 'jwk' }) };
}

async function getResourceServerInfo(_context, resource) {
  const jwt = { sign: { alg: ALGORITHM } };
  if (Object.hasOwn(ENCRYPTIONS, resource)) {
    const { kty, alg, enc } = ENCRYPTIONS[resource];
    jwt.encrypt = { alg, enc, ...(await publicKey(kty)) };
  }
  return { scope: 'read', accessTokenFormat: 'jwt', jwt };
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const configuration = {
  clients: [
    {
      client_id: 'batch',
      client_secret: 'secret-of-the-batch-client',
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
  ],
  clientDefaults: { id_token_signed_response_alg: ALGORITHM },
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: ALGORITHM }] },
  extraTokenClaims: () => ({ tenant: 'acme' }),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: { enabled: true, getResourceServerInfo },
  },
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration);
  provider.on('server_error', (_context, error) => console.error(error));
  server.on('request', provider.callback());
  console.log(issuer);
});
process.stdin.on('end', () => process.exit()).resume();
