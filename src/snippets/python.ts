import type { Snippet, SnippetContext } from './snippet.ts';

/** One SSL context for everything: httpx deprecates its own `verify=path` and `cert=` arguments. */
function sslLines({ ca, certificate }: SnippetContext): string[] {
  return [
    `context = ssl.create_default_context(${ca ? `cafile=${JSON.stringify(ca)}` : ''})`,
    ...(certificate ? [`context.load_cert_chain(${JSON.stringify(certificate)})  # key and certificate in one file`] : []),
  ];
}

function headerEntries({ client, branch, keyHeader }: SnippetContext): string[] {
  const entries: string[] = [];
  if (branch.includes('basic'))
    entries.push(`"Authorization": "Basic " + base64.b64encode(f"${client}:{os.environ['GATEWRIGHT_PASSWORD']}".encode()).decode()`);
  if (branch.includes('apiKey'))
    entries.push(
      keyHeader === 'authorization'
        ? `"Authorization": "Bearer " + os.environ["GATEWRIGHT_KEY"]`
        : `"${keyHeader}": os.environ["GATEWRIGHT_KEY"]`,
    );
  return entries;
}

export const openaiPython: Snippet = {
  name: 'openai-python',
  title: 'OpenAI for Python',
  render(context) {
    const { branch, keyHeader, url, model } = context;
    const bearer = branch.includes('apiKey') && keyHeader === 'authorization';
    const headers = bearer ? [] : headerEntries(context);
    return [
      'import base64, os, ssl',
      '',
      'import httpx',
      'from openai import OpenAI',
      '',
      ...sslLines(context),
      'client = OpenAI(',
      `    base_url="${url}/v1",`,
      bearer
        ? '    api_key=os.environ["GATEWRIGHT_KEY"],'
        : '    api_key="EMPTY",  # the package insists on one; it is not what lets you in',
      ...(headers.length > 0 ? [`    default_headers={${headers.join(', ')}},`] : []),
      '    http_client=httpx.Client(verify=context, timeout=600),',
      ')',
      'stream = client.chat.completions.create(',
      `    model="${model}",`,
      '    messages=[{"role": "user", "content": "Hello"}],',
      '    stream=True,',
      '    stream_options={"include_usage": True},',
      ')',
      'for chunk in stream:',
      '    if chunk.choices:',
      '        print(chunk.choices[0].delta.content or "", end="", flush=True)',
      '    elif chunk.usage:',
      '        print(f"\\n{chunk.usage.total_tokens} tokens")',
      '',
    ].join('\n');
  },
};

export const httpx: Snippet = {
  name: 'httpx',
  title: 'httpx',
  render(context) {
    return [
      'import base64, json, os, ssl',
      '',
      'import httpx',
      '',
      ...sslLines(context),
      `headers = {${headerEntries(context).join(', ')}}`,
      `body = {"model": "${context.model}", "stream": True, "stream_options": {"include_usage": True}, "messages": [{"role": "user", "content": "Hello"}]}`,
      'with httpx.Client(verify=context, timeout=600) as client:',
      `    with client.stream("POST", "${context.url}/v1/chat/completions", headers=headers, json=body) as response:`,
      '        if response.is_error:',
      '            raise SystemExit(f"{response.status_code} {response.read().decode()}")',
      '        for line in response.iter_lines():',
      '            if line.startswith("data: ") and line != "data: [DONE]":',
      '                event = json.loads(line[6:])',
      '                if event["choices"]:',
      '                    print(event["choices"][0]["delta"].get("content", ""), end="", flush=True)',
      '                elif event.get("usage"):',
      "                    print(f\"\\n{event['usage']['total_tokens']} tokens\")",
      '',
    ].join('\n');
  },
};
