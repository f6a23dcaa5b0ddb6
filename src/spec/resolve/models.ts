import type { Model } from '../../gateway/types.ts';
import type { Spec } from '../schema.ts';
import type { Report } from './report.ts';

const VLLM_PORT = 8000;

/** `models`, each with a name, a safe id and the authority of its server. */
export function resolveModels(spec: Spec, report: Report): Model[] {
  const deployment = spec.deploy ?? { compose: {} };
  const models: Model[] = [];
  const taken = new Map<string, string>();
  for (const [i, model] of spec.models.entries()) {
    const path = ['models', i];
    const url = model.upstream === undefined ? null : new URL(model.upstream);
    if ((model.run === undefined) === (model.upstream === undefined)) {
      report('invalid-value', path, 'a model has either `run` (start a vLLM here) or `upstream` (use one that runs)');
      continue;
    }
    if (url && (url.username || url.password || url.search || url.hash || (url.pathname !== '/' && url.pathname !== ''))) {
      report('invalid-value', [...path, 'upstream'], 'an upstream is a scheme, a host and a port, with no path, query or credentials', {
        hint:
          url.pathname === '/v1'
            ? `write ${url.origin}; the gateway adds the path of each route`
            : 'a key belongs into private/run, by gatewright upstream key',
      });
    }
    if (model.run !== undefined && !('compose' in deployment))
      report('invalid-value', [...path, 'run'], '`run` starts a container, which needs `deploy: compose`', {
        hint: 'start vLLM yourself and write upstream: http://localhost:8000',
      });
    for (const key of ['gpus', 'vllm', 'token', 'offline'] as const) {
      if (url && model[key] !== undefined)
        report('invalid-value', [...path, key], `\`${key}\` describes a vLLM that we start; this model is an upstream that runs already`);
    }
    const local = model.name ?? model.run?.split('/').at(-1)?.toLowerCase() ?? null;
    if (local === null && spec.models.length > 1) report('missing-key', path, 'with several models each needs a `name`');
    for (const name of [local, ...(model.aliases ?? [])]) {
      if (name === null) continue;
      if (taken.has(name)) report('duplicate-name', path, `the model name "${name}" is used twice`);
      taken.set(name, name);
    }
    const id =
      (local ?? 'upstream')
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-+|-+$/g, '') || `model-${i}`;
    if (models.some((other) => other.id === id))
      report('duplicate-name', path, `the models "${local}" and another one would share the file name "${id}"`);
    models.push({
      name: local,
      aliases: [...new Set([...(model.aliases ?? []), ...(model.run !== undefined && model.run !== local ? [model.run] : [])])],
      id,
      upstream: authority(url, id, 'compose' in deployment, path, report),
      keyRequired: (model.key ?? (model.run !== undefined ? 'required' : 'none')) === 'required',
      run:
        model.run === undefined
          ? null
          : {
              model: model.run,
              gpus: model.gpus ?? null,
              token: model.token ?? false,
              offline: model.offline ?? false,
              settings: model.vllm ?? {},
            },
    });
  }
  return models;
}

function authority(url: URL | null, id: string, compose: boolean, path: (string | number)[], report: Report): Model['upstream'] {
  if (!url) return { scheme: 'http', host: `vllm-${id}`, port: VLLM_PORT };
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  const loopback = url.hostname === 'localhost' || url.hostname.startsWith('127.') || url.hostname === '[::1]';
  if (compose && loopback) {
    report(
      'upstream-localhost',
      path,
      `inside a container ${url.host} is the container itself, so the upstream is written as host.docker.internal:${port}`,
      {
        severity: 'notice',
        hint: 'let that vLLM listen on the address of the Docker bridge, never on 0.0.0.0; or use deploy: host',
      },
    );
    return { scheme, host: 'host.docker.internal', port };
  }
  return { scheme, host: url.hostname, port };
}
