import { cidrsOverlap, parseCidr } from '../../gateway/address.ts';
import type { ComposeDeployment, Gateway } from '../../gateway/types.ts';
import type { ComposeSpec, Spec } from '../schema.ts';
import type { Report } from './report.ts';

/** RFC 1918 space that Docker does not hand out by default, so it rarely meets an existing network. */
const DEFAULT_SUBNET = '172.31.237.0/24';

export function resolveDeploy(spec: Spec, report: Report): Gateway['deploy'] {
  const wanted = spec.deploy ?? { compose: {} };
  if (!('compose' in wanted) || wanted.compose === undefined) return { kind: 'host' };
  const compose: ComposeSpec = wanted.compose;
  const subnet = compose.subnet ?? parseCidr(DEFAULT_SUBNET);
  if (!subnet) throw new Error('the default subnet does not parse');
  if (subnet.bits < 96 || subnet.bits > 124)
    report('invalid-value', ['deploy', 'compose', 'subnet'], 'the subnet must be an IPv4 network of at least eight addresses');
  const { attach } = compose;
  const native = compose.gate === 'native';
  const others = (spec.proxy ?? ['nginx']).filter((name) => name !== 'traefik');
  if (native && others.length > 0)
    report('native-cannot', ['deploy', 'compose', 'gate'], `gate: native is of Traefik, and not of ${others.join(' or ')}`, {
      hint: 'write proxy: traefik',
    });
  if (attach && !native)
    report('native-cannot', ['deploy', 'compose', 'attach'], 'a Traefik that runs already can only be given labels', {
      hint: 'write gate: native beside it, or leave attach out',
    });
  return {
    kind: 'compose',
    subnet,
    image: compose.image ?? null,
    native,
    attach: attach ? { network: attach.network, entryPoint: attach.entryPoint ?? 'websecure', resolver: attach.resolver ?? null } : null,
  };
}

/** Where every caller may appear with an address of the bridge, no address may mean anything. */
export function checkSubnet(spec: Spec, deploy: ComposeDeployment, branches: readonly (readonly string[])[], report: Report): void {
  const ranges = [
    ...(spec.auth.ip?.allow ?? []).map((range, i) => ({ range, path: ['auth', 'ip', 'allow', i] })),
    ...(spec.listen?.trustedProxies ?? []).map((range, i) => ({ range, path: ['listen', 'trustedProxies', i] })),
  ];
  for (const { range, path } of ranges) {
    if (cidrsOverlap(range, deploy.subnet))
      report('address-overlap', path, `${range.text} overlaps the compose subnet ${deploy.subnet.text}, where every caller may appear`, {
        hint: 'choose another deploy.compose.subnet, or deploy: host',
      });
  }
  if (branches.some((branch) => branch.length === 1 && branch[0] === 'ip')) {
    report(
      'address-may-admit-all',
      ['auth', 'ip'],
      'an address alone admits a caller; with a userland proxy, rootless Docker or macOS every caller has the address of the bridge',
      { severity: 'warning', hint: 'join ip with a credential, or use deploy: host' },
    );
  }
}
