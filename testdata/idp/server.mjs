// An OpenID provider of another make (npm oidc-provider), for tests: loopback
// only, any password, people from a file. It runs until its stdin ends, so that
// it does not outlive the test that started it.
//
//   node server.mjs PEOPLE.json [PORT] [CLIENT]
//
// PEOPLE.json: {"bob": {"email": "bob@idp.example", "groups": ["dba"]}}. Port 0, the
// default, is a free one. It prints "listening ISSUER" when it answers.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [file, port = '0', client = 'bastion'] = process.argv.slice(2);
const people = new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8'))));
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const server = createServer();
server.listen(Number(port), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: client,
      token_endpoint_auth_method: 'none',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: 'ES256',
    }],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: randomBytes(8).toString('hex') }] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    conformIdTokenClaims: false, // claims in the ID token, not at the userinfo endpoint alone
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
    ttl: { DeviceCode: 300 },
    findAccount(ctx, id) {
      const who = people.get(id);
      return who && { accountId: id, claims: () => ({ sub: id, name: id, email_verified: true, ...who }) };
    },
  });
  server.on('request', provider.callback());
  console.log('listening', issuer);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
