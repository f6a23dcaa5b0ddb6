import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { composeObject, renderCompose } from '../../src/deploy/compose.ts';
import type { Gateway } from '../../src/gateway/types.ts';
import { resolveSpec } from '../../src/spec/resolve/index.ts';
import { specOf } from '../support/spec.ts';

const gatewayOf = (text: string): Gateway => {
  const { gateway, problems } = resolveSpec(specOf(text), { keys: [], certificates: [], jwtKeys: [], clientCa: 'ca/clients.pem' }, null);
  if (!gateway) throw new Error(JSON.stringify(problems));
  return gateway;
};
const RUN = `version: 1
hosts: [llm.example.com]
models:
  - { run: Qwen/Qwen3-8B, gpus: ["0", "1"], token: true, vllm: { quantization: fp8, maxModelLen: 16k } }
clients: [alice]
auth: { require: apiKey or basic or mtls }
`;

interface Service {
  image: string;
  command: string[];
  environment?: Record<string, string>;
  ports?: { target: number; published: string }[];
  networks: Record<string, { ipv4_address?: string }>;
  volumes: { type: string; source: string; target: string; read_only?: boolean; bind?: { create_host_path: boolean } }[];
  [key: string]: unknown;
}
interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean; ipam?: { config: { subnet: string }[] } }>;
}

const compose = (text: string): Compose => parse(renderCompose(gatewayOf(text), 'gateway')[0]?.content ?? '') as Compose;

describe('docker-compose.yml', () => {
  const file = compose(RUN);
  const { gateway, 'vllm-qwen3-8b': vllm } = file.services;
  if (!gateway || !vllm) throw new Error('two services are expected');

  test('only the gateway publishes ports', () => {
    expect(
      Object.entries(file.services)
        .filter(([, service]) => service.ports !== undefined)
        .map(([name]) => name),
    ).toEqual(['gateway']);
    expect(gateway.ports?.map((port) => [port.published, port.target])).toEqual([
      ['443', 8443],
      ['80', 8080],
    ]);
    for (const service of Object.values(file.services)) expect(service.network_mode).toBeUndefined();
  });

  test('vLLM has the GPUs that were asked for, and shards over them', () => {
    expect(vllm.deploy).toEqual({
      resources: { reservations: { devices: [{ driver: 'nvidia', device_ids: ['0', '1'], capabilities: ['gpu'] }] } },
    });
    expect(vllm.command.join(' ')).toContain('--tensor-parallel-size 2');
    expect(vllm.command[0]).toBe('Qwen/Qwen3-8B');
    expect(vllm.command.join(' ')).toContain('--served-model-name qwen3-8b Qwen/Qwen3-8B --port');
  });

  test('three networks: the edge, a pinned internal one, and egress for vLLM alone', () => {
    expect(Object.keys(file.networks)).toEqual(['edge', 'inner', 'egress']);
    expect(file.networks.inner).toEqual({ internal: true, ipam: { config: [{ subnet: '172.31.237.0/24' }] } });
    expect(Object.keys(gateway.networks)).toEqual(['edge', 'inner']);
    expect(Object.keys(vllm.networks)).toEqual(['inner', 'egress']);
    expect(gateway.networks.inner?.ipv4_address).toBe('172.31.237.2');
    expect(vllm.networks.inner?.ipv4_address).toBe('172.31.237.3');
    const offline = compose(RUN.replace('token: true', 'offline: true'));
    expect(Object.keys(offline.networks)).toEqual(['edge', 'inner']);
    expect(Object.keys(offline.services['vllm-qwen3-8b']?.networks ?? {})).toEqual(['inner']);
  });

  test('no secret in environment or command: secrets are files', () => {
    for (const service of Object.values(file.services)) {
      for (const word of [...service.command, ...Object.entries(service.environment ?? {}).flat()])
        expect(word).not.toMatch(/^(hf_|sk-)|--api-key|VLLM_API_KEY|^HF_TOKEN$/);
    }
    expect(vllm.environment?.HF_TOKEN_PATH).toBe('/run/vllm/huggingface.token');
    expect(vllm.volumes.map((v) => v.source)).toContain('../private/run/vllm/qwen3-8b.yaml');
  });

  test('what is mounted from the project is read-only, must exist, and comes from private/run alone', () => {
    for (const service of Object.values(file.services)) {
      for (const volume of service.volumes.filter((v) => v.type === 'bind')) {
        expect(volume).toMatchObject({ read_only: true, bind: { create_host_path: false } });
        expect(volume.source).not.toMatch(/private\/(ca|issued)/);
      }
    }
    // Only folders for what is replaced while the gateway runs: a renamed file would stay the old one inside.
    expect(gateway.volumes.map((v) => v.source)).toEqual([
      './nginx',
      '../private/run/tls',
      '../credentials/ca',
      '../private/run/passwords',
      '../private/run/upstream',
    ]);
  });

  test('hardening', () => {
    for (const service of Object.values(file.services))
      expect(service).toMatchObject({ cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'], restart: 'unless-stopped' });
    expect(gateway).toMatchObject({ read_only: true, user: '${GATEWRIGHT_UID:-1000}:${GATEWRIGHT_GID:-1000}', stop_signal: 'SIGQUIT' });
    for (const service of Object.values(file.services)) expect(service.image).toMatch(/^[a-z/-]+:v?\d+\.\d+\.\d+$/);
    expect(vllm.environment).toMatchObject({ VLLM_SERVER_DEV_MODE: '0', VLLM_NO_USAGE_STATS: '1', VLLM_MEDIA_URL_ALLOW_REDIRECTS: '0' });
    expect(vllm.command.join(' ')).toContain('--allowed-media-domains media.invalid');
    expect(vllm.command.join(' ')).toContain('--allowed-origins []');
    expect(vllm.shm_size).toBeGreaterThan(2 ** 30);
    expect((vllm.healthcheck as { start_period: string }).start_period).toBe('3600s');
    expect(vllm.ipc).toBeUndefined();
    expect(vllm.privileged).toBeUndefined();
  });

  test('an upstream on this machine is the host of the containers', () => {
    const text = 'version: 1\nhosts: [a]\nmodels: [http://localhost:8000]\nclients: [alice]\nauth: apiKey\n';
    expect(compose(text).services.gateway?.extra_hosts).toEqual(['host.docker.internal:host-gateway']);
    expect(Object.keys(compose(text).services)).toEqual(['gateway']);
  });

  test('under host there is none', () =>
    expect(
      composeObject(
        gatewayOf('version: 1\nhosts: [a]\ndeploy: host\nmodels: [http://localhost:8000]\nclients: [alice]\nauth: apiKey\n'),
        'gateway',
      ),
    ).toBeNull());
});
