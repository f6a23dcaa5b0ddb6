import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Handlebars from 'handlebars';
import { describe, expect, test } from 'vitest';
import type { Verifiers } from '../../src/gateway/types.ts';
import { httpdView } from '../../src/proxies/httpd/view.ts';
import { nginxView, snippetPlace } from '../../src/proxies/nginx/view.ts';
import { renderTemplate } from '../../src/proxies/template.ts';
import { resolveSpec } from '../../src/spec/resolve/index.ts';
import { RICH_SPEC } from '../support/lab.ts';
import { specOf } from '../support/spec.ts';

const TEMPLATES = resolve(import.meta.dirname, '..', '..', 'templates');
const names = readdirSync(TEMPLATES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.hbs'));
const WITH_TOKENS = RICH_SPEC.replace('require: apiKey', 'require: jwt or apiKey').replace(
  '  ip: {',
  '  jwt: { issuer: i, audience: a, keys: private/jwks.json }\n  ip: {',
);
const NOBODY: Verifiers = {
  keys: [],
  certificates: [],
  jwtKeys: [{ kid: null, alg: 'HS256', spki: null, secret: 0 }],
  clientCa: 'ca/clients.pem',
};

/** Every path a template mentions, with what it iterates over: `rates[].name`. */
function pathsOf(program: hbs.AST.Program, scope: string): string[] {
  return program.body.flatMap((node): string[] => {
    if (node.type === 'ContentStatement' || node.type === 'CommentStatement') return [];
    if (node.type === 'MustacheStatement') {
      const { path, params } = node as hbs.AST.MustacheStatement;
      if (params.length > 0 || path.type !== 'PathExpression') throw new Error('a template calls something');
      return [scope + (path as hbs.AST.PathExpression).original];
    }
    if (node.type === 'BlockStatement') {
      const block = node as hbs.AST.BlockStatement;
      const helper = block.path.original as string;
      const [argument] = block.params as hbs.AST.PathExpression[];
      if (!['each', 'if'].includes(helper) || block.params.length !== 1 || argument?.type !== 'PathExpression' || block.inverse)
        throw new Error(`a template decides: ${helper}`);
      const path = scope + argument.original;
      return [path, ...pathsOf(block.program, helper === 'each' ? `${path}[].` : scope)];
    }
    throw new Error(`a template uses ${node.type}`);
  });
}

function valueAt(value: unknown, path: string): unknown {
  return path.split(/\.|(?=\[\])/).reduce<unknown>((v, part) => {
    if (part === 'this' || part === '') return v;
    if (part === '[]') return (v as unknown[])[0];
    return (v as Record<string, unknown>)[part];
  }, value);
}

describe('templates', () => {
  test('there are some', () => expect(names.length).toBeGreaterThan(5));

  const { gateway, problems } = resolveSpec(specOf(`${WITH_TOKENS}listen: { http: 8080 }\n`), NOBODY, null);
  if (!gateway) throw new Error(JSON.stringify(problems));
  const views: Readonly<Record<string, object>> = {
    nginx: nginxView(gateway, { output: 'gateway' }, snippetPlace({ output: 'gateway' })),
    httpd: httpdView(gateway, { output: 'gateway' }),
  };

  for (const name of names) {
    test(`${name} only prints, and everything it prints is in the view`, () => {
      const paths = pathsOf(Handlebars.parse(readFileSync(join(TEMPLATES, name), 'utf8')) as hbs.AST.Program, '');
      expect(paths.length).toBeGreaterThan(0);
      const view = views[name.split('/')[0] ?? ''];
      if (!view) return;
      for (const path of paths) expect({ path, defined: valueAt(view, path) !== undefined }).toEqual({ path, defined: true });
    });

    test(`${name} is short`, () => expect(readFileSync(join(TEMPLATES, name), 'utf8').split('\n').length).toBeLessThan(125));
  }

  test('a missing value throws instead of printing nothing', () => {
    expect(() => renderTemplate('nginx/upstream-headers.conf.hbs', { passedHeaders: [] })).toThrow();
  });

  test('without granted routes nothing but the refusal is left', () => {
    const text = renderTemplate('nginx/server.conf.hbs', { ...views.nginx, locations: [] });
    expect(text).not.toContain('try_files /.none @gw_upstream');
    expect(text).toContain('location / { return 404; }');
  });
});
