import type { Snippet } from './snippet.ts';

/** curl. Secrets go in on standard input: an argument would stand in the process list. */
export const curl: Snippet = {
  name: 'curl',
  title: 'curl',
  render({ url, client, model, ca, certificate, branch, keyHeader }) {
    const lines: string[] = [];
    if (branch.includes('basic'))
      lines.push(`printf 'Authorization: Basic %s\\n' "$(printf '%s' "${client}:$GATEWRIGHT_PASSWORD" | base64 | tr -d '\\n')"`);
    if (branch.includes('apiKey'))
      lines.push(
        keyHeader === 'authorization'
          ? `printf 'Authorization: Bearer %s\\n' "$GATEWRIGHT_KEY"`
          : `printf '${keyHeader}: %s\\n' "$GATEWRIGHT_KEY"`,
      );
    const secrets = lines.length > 0;
    const command = [
      `curl --no-buffer --fail-with-body ${url}/v1/chat/completions`,
      ...(ca ? [`--cacert ${ca}`] : []),
      ...(certificate ? [`--cert ${certificate}`] : []),
      ...(secrets ? ['--header @-'] : []),
      `--json '${JSON.stringify({ model, stream: true, stream_options: { include_usage: true }, messages: [{ role: 'user', content: 'Hello' }] })}'`,
    ].join(' \\\n  ');
    return `#!/bin/sh\n${secrets ? `{ ${lines.join('; ')}; } | ` : ''}${command}\n`;
  },
};
