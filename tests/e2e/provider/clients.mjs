// OAuth clients out of packages that others use, in one process: `openid-client`, `oauth4webapi` and `dpop`. Told what to
// do by lines of JSON on its standard input, each answered with one line on its standard output; ends with its input.
import { createInterface } from 'node:readline';
import * as dpop from 'dpop';
import * as jose from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';

const insecure = { [oauth.allowInsecureRequests]: true };
const clients = new Map(); // by the name the test gave: what the client keeps between two calls

async function seen(response) {
  return {
    status: response.status,
    body: await response.text(),
    challenge: response.headers.get('www-authenticate'),
    nonce: response.headers.get('dpop-nonce'),
  };
}

const libraries = {
  // Finds the provider's metadata, gets a token bound to a new key, and minds nonces, all by itself.
  async 'openid-client'({ issuer, client, secret, resource, scope, algorithm }) {
    const configuration = await openid.discovery(new URL(issuer), client, undefined, openid.ClientSecretBasic(secret), {
      execute: [openid.allowInsecureRequests],
    });
    const keys = await openid.randomDPoPKeyPair(algorithm);
    const handle = openid.getDPoPHandle(configuration, keys);
    const grant = () => openid.clientCredentialsGrant(configuration, { resource, scope }, { DPoP: handle });
    const tokens = await grant();
    const fetched = (method, url) => openid.fetchProtectedResource(
      configuration, tokens.access_token, new URL(url), method, undefined, undefined, { DPoP: handle },
    );
    return { token: tokens.access_token, type: tokens.token_type, keys, fetched };
  },

  // Says when a nonce is wanted, and leaves it to the caller to try again.
  async oauth4webapi({ issuer, client: id, secret, resource, scope, algorithm }) {
    const url = new URL(issuer);
    const found = await oauth.discoveryRequest(url, insecure);
    const server = await oauth.processDiscoveryResponse(url, found);
    const client = { client_id: id };
    const keys = await oauth.generateKeyPair(algorithm);
    const handle = oauth.DPoP(client, keys);
    const again = async (attempt) => {
      try {
        return await attempt();
      } catch (error) {
        if (!oauth.isDPoPNonceError(error)) throw error;
        return attempt();
      }
    };
    const tokens = await again(async () => oauth.processClientCredentialsResponse(server, client,
      await oauth.clientCredentialsGrantRequest(server, client, oauth.ClientSecretBasic(secret),
        new URLSearchParams({ resource, scope }), { DPoP: handle, ...insecure })));
    const fetched = (method, target) => again(() => oauth.protectedResourceRequest(
      tokens.access_token, method, new URL(target), undefined, undefined, { DPoP: handle, ...insecure },
    ));
    return { token: tokens.access_token, type: tokens.token_type, keys, fetched };
  },

  // Makes proofs and nothing else.
  async dpop({ issuer, client, secret, resource, scope, algorithm }) {
    const keys = await dpop.generateKeyPair(algorithm, { extractable: true });
    const nonces = {};
    const send = async (method, url, headers, body, token) => {
      const { origin } = new URL(url);
      const proof = await dpop.generateProof(keys, url, method, nonces[origin], token);
      const response = await fetch(url, { method, body, headers: { ...headers, dpop: proof } });
      nonces[origin] = response.headers.get('dpop-nonce') ?? nonces[origin];
      return response;
    };
    const again = async (...request) => {
      const response = await send(...request);
      const wanted = response.headers.has('dpop-nonce') && [400, 401].includes(response.status);
      return wanted ? send(...request) : response;
    };
    const body = new URLSearchParams({ grant_type: 'client_credentials', resource, scope });
    const authorization = `Basic ${btoa(`${client}:${secret}`)}`;
    const tokens = await (await again('POST', `${issuer}/token`, { authorization }, body)).json();
    const fetched = (method, url) => again(
      method, url, { authorization: `DPoP ${tokens.access_token}` }, undefined, tokens.access_token,
    );
    return { token: tokens.access_token, type: tokens.token_type, keys, fetched };
  },
};

const commands = {
  // A client with a token bound to its key.
  async start({ name, library, ...options }) {
    const client = await libraries[library](options);
    clients.set(name, client);
    return { token: client.token, type: client.type, jkt: await dpop.calculateThumbprint(client.keys.publicKey) };
  },
  // A request of an API, with as many tries as the client makes; a refusal that it throws counts as one.
  async fetch({ name, method, url }) {
    try {
      return await seen(await clients.get(name).fetched(method, url));
    } catch (error) {
      if (error.response) return seen(error.response);
      if (error.cause instanceof Response) return seen(error.cause);
      throw error;
    }
  },
  // A proof by the client's key, for whoever would use it elsewhere.
  async prove({ name, method, url, nonce, token }) {
    return { proof: await dpop.generateProof(clients.get(name).keys, url, method, nonce ?? undefined, token) };
  },
  // What `jose` signs with the client's key, however wrong it is.
  async sign({ name, header, claims }) {
    const { publicKey, privateKey } = clients.get(name).keys;
    const jwk = await jose.exportJWK(publicKey);
    return { proof: await new jose.SignJWT(claims).setProtectedHeader({ jwk, ...header }).sign(privateKey) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...options } = JSON.parse(line);
  try {
    console.log(JSON.stringify(await commands[command](options)));
  } catch (error) {
    console.log(JSON.stringify({ error: `${error.stack}` }));
  }
}
