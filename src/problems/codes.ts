/**
 * Every problem code, with the paragraph that `gatewright explain CODE` prints. The union is closed:
 * a code that is not here does not compile.
 */
export const PROBLEM_CODES = {
  'yaml-syntax': 'The file is not valid YAML. The position is where the parser gave up; the cause is often one line above.',
  'yaml-alias':
    'A YAML alias points to nothing, or the aliases expand to more than the reader accepts. Aliases are bounded so that a small file cannot become a huge one.',
  'unknown-key':
    'The spec has a key that Gatewright does not know. Unknown keys are errors, because a misspelt limit that is silently ignored would be no limit.',
  'invalid-value': 'A value has the wrong type or form. The message names what is accepted.',
  'missing-key': 'A key that has no safe default is not there.',
  'not-yet':
    'The key is part of the language of the spec, but this version cannot enforce it yet. Nothing is written, because a config without it would be weaker than what the spec asks.',
  'require-syntax': 'The `require` expression does not parse. It consists of apiKey, basic, mtls, ip, jwt, `and`, `or` and parentheses.',
  'require-two-authorizations': 'Two methods joined by `and` both need the Authorization header, which a request can carry only once.',
  'require-too-wide': 'The `require` expression expands to more than 32 alternatives. Split it or simplify it.',
  'require-branch-dropped':
    'Expanding the expression produced an alternative that needs two Authorization values. No request can satisfy it, so it was left out.',
  'nameless-caller':
    'The expression would admit a caller who shows nothing but an address, and `auth.ip.as` does not say which client that is. Every admitted caller must be a client, or limits and logs have no name.',
  'unused-method':
    'A method is configured that `require` does not name, or `auth.ip.as` is set although no alternative consists of ip alone.',
  'unknown-client': 'A name is used that is not among `clients`.',
  'unknown-role': 'A role is used that is not among `roles`.',
  'unknown-model': 'A model is used that is not among `models`.',
  'unknown-route': 'A route or group is used that is not in the route table.',
  'forbidden-route': 'The route can never be granted: it controls the server, bypasses its key, or discloses its configuration.',
  'duplicate-name': 'A name is used twice.',
  'invalid-name': 'A name has characters that are not safe in headers, files or logs.',
  'cors-origin':
    'A CORS origin must be a scheme and an authority, such as https://chat.example.com; `*` and `null` are refused because they admit every page.',
  'jwt-keys': 'The keys that sign tokens cannot be read from the file that auth.jwt.keys names: a JWKS, or public keys as PEM.',
  'native-cannot':
    "With `gate: native` Traefik's own middlewares decide, and they cannot do what the spec asks. Use the plugin (leave `gate` out), or ask for less.",
  'native-weaker': 'With `gate: native` some promises of the other gates do not hold; the message says which.',
  'native-not-judged': 'The truth table is that of the gate, and with `gate: native` Traefik answers in words of its own.',
  'jwt-keys-url': 'The engine cannot fetch keys at run time, so they have to be in a file.',
  'jwt-algorithm': 'The engine cannot check signatures of this kind.',
  'rate-not-expressible': 'The engine cannot count exactly at this rate. nginx counts whole requests a second or a minute.',
  'address-overlap':
    'An allowed or trusted address range overlaps the subnet of the compose networks, where every caller may appear with the address of the bridge.',
  'address-may-admit-all':
    'An address alone can admit a caller, and under compose a userland proxy, rootless Docker or macOS shows every caller with the address of the bridge.',
  'upstream-localhost':
    'An upstream on localhost is not reachable from a container under that name; it is written as host.docker.internal.',
  'trusted-everyone': '`trustedProxies` trusts every address, so that any caller could choose its own.',
  'missing-ca': 'The spec uses client certificates and there is no CA for clients yet.',
  'missing-secret': 'A file in private/run that the gateway needs is not there.',
  'exists-already': 'The thing to be made exists already and is never overwritten.',
  'not-found': 'The thing that was named does not exist.',
  'ambiguous-name': 'More than one thing has this name; say which by its id or serial.',
  'store-corrupt':
    'A file of the credential store cannot be read as what it should be. Nothing was changed. Restore it from version control.',
  'store-locked': 'Another command holds the lock of this project.',
  'mode-too-open': 'A private file can be read by others than its owner.',
  'cannot-read': 'A file cannot be read.',
  'cannot-write': 'A file or folder cannot be written. Nothing was changed.',
  drift: 'A generated file differs from what the spec says. Somebody edited it, or the spec changed after the last generate.',
  'port-in-use': 'The port is taken by another program.',
  'engine-missing': 'The engine is not installed, so nothing was run.',
  'engine-failed': 'The engine refused the generated configuration or did not start.',
  'probe-failed': 'A live answer differs from what the spec says.',
  'needs-terminal': 'The command would have to ask a question and may not: there is no terminal, or --no-input was given.',
  'weak-password': 'The password is refused: it is too short to resist guessing, or longer than the 72 bytes that bcrypt reads.',
  'public-address': 'The address is public and no spec says that it is yours.',
  unreachable: 'The address does not answer.',
} as const;

export type ProblemCode = keyof typeof PROBLEM_CODES;
