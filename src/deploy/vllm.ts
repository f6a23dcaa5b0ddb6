import { inContainer } from '../gateway/container.ts';
import type { Gateway, Model } from '../gateway/types.ts';
import { literal } from '../output/literal.ts';

/** The oldest safe floor of the published advisories is 0.23.1; this is the version whose routes we know. */
const IMAGE = 'vllm/vllm-openai:v0.33.0';
/** Loading a large model from a cold cache takes tens of minutes, and vLLM listens only when it is done. */
const START_PERIOD_SECONDS = 3600;
const SHM_BYTES = 8 * 2 ** 30;
const HOME = '/home/vllm';
/** RFC 2606: never resolves. vLLM fetches media from any host unless it is given a list of hosts. */
const NO_MEDIA_HOST = 'media.invalid';

export const vllmServiceName = (model: Model): string => `vllm-${model.id}`;

/** The compose service that runs one model. It publishes nothing and holds its key in a mounted file. */
export function vllmService(gateway: Gateway, model: Model, toProject: string, common: object): Record<string, unknown> | null {
  const { run } = model;
  if (!run) return null;
  const { settings } = run;
  const address = inContainer.addressOf(gateway, model.id);
  const mounts = [
    ...(model.keyRequired ? [bind(`${toProject}private/run/vllm/${model.id}.yaml`, '/run/vllm/config.yaml')] : []),
    ...(run.token ? [bind(`${toProject}private/run/huggingface.token`, '/run/vllm/huggingface.token')] : []),
  ];
  return {
    image: literal(settings.image ?? IMAGE),
    command: commandOf(model, run).map(literal),
    // Group 0 can write the caches that the image keeps below its home.
    user: '${GATEWRIGHT_UID:-1000}:0',
    environment: {
      HOME,
      HF_HOME: `${HOME}/.cache/huggingface`,
      ...(run.token ? { HF_TOKEN_PATH: '/run/vllm/huggingface.token' } : {}),
      ...(run.offline ? { HF_HUB_OFFLINE: '1' } : {}),
      VLLM_SERVER_DEV_MODE: '0',
      VLLM_ALLOW_RUNTIME_LORA_UPDATING: '0',
      VLLM_MEDIA_URL_ALLOW_REDIRECTS: '0',
      VLLM_MAX_N_SEQUENCES: '64',
      VLLM_NO_USAGE_STATS: '1',
      DO_NOT_TRACK: '1',
      VLLM_ENGINE_READY_TIMEOUT_S: String(settings.startPeriod ?? START_PERIOD_SECONDS),
    },
    volumes: [
      ...mounts,
      { type: 'volume', source: 'huggingface', target: `${HOME}/.cache/huggingface` },
      { type: 'volume', source: `vllm-cache-${model.id}`, target: `${HOME}/.cache/vllm` },
    ],
    tmpfs: ['/tmp'],
    shm_size: settings.shmSize ?? SHM_BYTES,
    deploy: {
      resources: {
        reservations: {
          devices: [
            { driver: 'nvidia', ...(run.gpus ? { device_ids: run.gpus } : { count: settings.tensorParallel ?? 1 }), capabilities: ['gpu'] },
          ],
        },
      },
    },
    networks: { inner: address ? { ipv4_address: address } : {}, ...(run.offline ? {} : { egress: {} }) },
    healthcheck: {
      test: ['CMD', 'python3', '-c', "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=5)"],
      interval: '10s',
      timeout: '6s',
      retries: 6,
      start_period: `${settings.startPeriod ?? START_PERIOD_SECONDS}s`,
    },
    stop_grace_period: '2m',
    ...common,
  };
}

/** Arguments of `vllm serve`; the model comes first, because list flags would swallow it. */
function commandOf(model: Model, run: NonNullable<Model['run']>): string[] {
  const { settings } = run;
  const names = [...new Set([model.name, ...model.aliases].filter((name) => name !== null))];
  const tensorParallel = settings.tensorParallel ?? run.gpus?.length ?? 1;
  const option = (flag: string, value: string | number | undefined): string[] => (value === undefined ? [] : [flag, String(value)]);
  return [
    run.model,
    ...(model.keyRequired ? ['--config', '/run/vllm/config.yaml'] : []),
    '--served-model-name',
    ...names,
    '--port',
    '8000',
    '--allowed-origins',
    '[]',
    '--allowed-media-domains',
    NO_MEDIA_HOST,
    '--disable-fastapi-docs',
    ...option('--quantization', settings.quantization),
    ...option('--dtype', settings.dtype),
    ...option('--max-model-len', settings.maxModelLen),
    ...option('--max-num-seqs', settings.maxNumSeqs),
    ...option('--max-num-queued-reqs', settings.maxQueued),
    ...option('--gpu-memory-utilization', settings.gpuMemoryUtilization),
    ...option('--revision', settings.revision),
    ...(tensorParallel > 1 ? ['--tensor-parallel-size', String(tensorParallel)] : []),
  ];
}

/** A read-only bind mount of something that must exist: Docker would otherwise make an empty folder in its place. */
export function bind(source: string, target: string): Record<string, unknown> {
  return { type: 'bind', source, target, read_only: true, bind: { create_host_path: false } };
}
