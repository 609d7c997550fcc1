// An OpenID provider on loopback, out of the `oidc-provider` package. It is told what to do by lines on its standard
// input, answers each with one line of JSON on its standard output, and ends when its standard input does.
// Given a PEM file with a key and its certificate, it speaks TLS and asks for client certificates, of any origin.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const KEYS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  Ed25519: () => generateKeyPairSync('ed25519'), // RFC 9864 section 2.2: the same signature under its full name
};
const CIBA = 'urn:openid:params:grant-type:ciba';
const secret = 'e2e-client-secret';

function generation(number) {
  const signing = Object.entries(KEYS).map(([alg, generate]) => ({
    ...generate().privateKey.export({ format: 'jwk' }), alg, kid: `${alg}-${number}`, use: 'sig',
  }));
  // A real key set holds more than what its reader came for.
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  return [...signing, { ...other, alg: 'ECDH-ES', kid: `encryption-${number}`, use: 'enc' }];
}

let signedInAgo = 0; // seconds
const added = []; // clients that a test has brought along

// Access tokens for this resource say nothing by themselves: whoever gets one has to ask (RFC 7662).
const OPAQUE = 'https://vault.example';

function configuration(keys) {
  return {
    jwks: { keys },
    clients: [
      // The algorithm of a machine's access tokens stands in its name.
      ...Object.keys(KEYS).map((alg) => ({
        client_id: `machine-${alg}`,
        client_secret: secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      })),
      // Their tokens are bound to a key: one that DPoP proofs show, or that of the client certificate.
      {
        client_id: 'prover',
        client_secret: secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        dpop_bound_access_tokens: true,
      },
      {
        client_id: 'certified',
        client_secret: secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        tls_client_certificate_bound_access_tokens: true,
      },
      {
        client_id: 'counter',
        client_secret: secret,
        grant_types: [CIBA],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
        backchannel_token_delivery_mode: 'poll',
      },
      ...added,
    ],
    clientAuthMethods: [
      'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth',
    ],
    issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
    enabledJWA: {
      requestObjectEncryptionAlgValues: ['ECDH-ES'],
      dPoPSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'],
    },
    acrValues: ['urn:example:loa:2'],
    conformIdTokenClaims: false,
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // RFC 9068 section 2.2.1: how the person behind the token signed in.
    extraTokenClaims(ctx) {
      const { acr, amr, authTime } = ctx.oidc.entities.BackchannelAuthenticationRequest ?? {};
      return authTime && { acr, amr, auth_time: authTime };
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      encryption: { enabled: true },
      // RFC 9449: the provider wants nonces of its own, so clients have to tell them from those of an API.
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      // RFC 8705: certificates that tokens are bound to, and certificates that clients authenticate with.
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: true,
        getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.(),
        certificateAuthorized: (ctx) => ctx.socket.authorized === true,
        certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_subject_dn'
          && ctx.socket.getPeerX509Certificate().subject === expected,
      },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      // A decoupled sign-in, so that a person can have tokens and no browser is needed: everybody consents at once.
      ciba: {
        enabled: true,
        processLoginHint: (ctx, hint) => hint,
        validateRequestContext() {},
        verifyUserCode() {},
        async triggerAuthenticationDevice(ctx, request, account, client) {
          const { provider } = ctx.oidc;
          const grant = new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
          grant.addOIDCScope('openid');
          [request.resource].flat().filter(Boolean).forEach((each) => grant.addResourceScope(each, request.scope));
          await grant.save();
          await provider.backchannelResult(request, grant, {
            acr: 'urn:example:loa:2', amr: ['hwk', 'user'], authTime: Math.floor(Date.now() / 1000) - signedInAgo,
          });
        },
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx, resource, client) => ({
          audience: resource,
          scope: 'pay read',
          accessTokenFormat: resource === OPAQUE ? 'opaque' : 'jwt',
          jwt: { sign: { alg: client.clientId.split('-')[1] ?? 'ES256' } },
        }),
        useGrantedResource: () => true,
      },
    },
  };
}

let number = 1;
let current = generation(number);
let issuer;
let answer;
let counts = {};

function publish(keys) {
  const provider = new Provider(issuer, configuration(keys));
  provider.on('server_error', (ctx, error) => console.error(error));
  answer = provider.callback();
}

function serve(request, response) {
  counts[request.url] = (counts[request.url] ?? 0) + 1;
  answer(request, response);
}

const pem = process.argv[2] && readFileSync(process.argv[2]);
const ca = process.argv[3] && readFileSync(process.argv[3]); // whose client certificates are authorized; none but these
const server = pem
  ? createTlsServer({ key: pem, cert: pem, ca, requestCert: true, rejectUnauthorized: false }, serve)
  : createServer(serve);

const commands = {
  // New keys sign; the previous ones stay in the key set, for the tokens that are still about.
  rotate() {
    const previous = current;
    current = generation(++number);
    publish([...current, ...previous]);
    return { generation: number };
  },
  // Only the current keys are left.
  retire() {
    publish(current);
    return { generation: number };
  },
  // Requests by path, since the start or the last `countAnew`.
  counts: () => counts,
  countAnew() {
    counts = {};
    return counts;
  },
  // One more client, by its metadata (RFC 7591 section 2) in JSON without blanks; what was issued stays good.
  addClient(metadata) {
    added.push(JSON.parse(metadata));
    publish(current);
    return { clients: added.length };
  },
  // Who signs in from now on did so this many seconds ago.
  signedInAgo(seconds) {
    signedInAgo = Number(seconds);
    return { signedInAgo };
  },
};

server.listen(0, '127.0.0.1', () => {
  issuer = `${pem ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  publish(current);
  console.log(JSON.stringify({ issuer }));
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const [command, ...words] = line.split(' ');
    console.log(JSON.stringify(commands[command](...words)));
  });
  lines.on('close', () => process.exit(0));
});
