import { reachOf } from '../../base/address.ts'
import type { Config } from '../../base/config.ts'
import { endpoint, hostPort, splitHostPort } from '../../base/endpoint.ts'
import { type ProblemCode, unreachableAt } from '../../base/problems.ts'
import type { Status } from '../../http/status.ts'
import type { Finding } from './check-finding.ts'
import { hostColonPort, type Probe } from './check-probe.ts'

const MDNS_PORT = '5353/udp'
const ALONE = 'No other node is connected: everything comes from the mirror.'
/** Where the daemon has said what is wrong, nothing is to be guessed. */
const ALONE_FOR_REASONS: Finding = { problem: ALONE, fix: 'solve the problems above first' }
/** The ways to meet others, as the daemon's problems call them. */
const WAYS: ProblemCode[] = ['direct', 'key', 'webhost', 'lan', 'dht']

/** Whether others are found, and whether they can come in. `status` is what the daemon said, of whatever version. */
export async function checkNeighbours(
  config: Config,
  probe: Probe,
  { node, peers, problems }: Pick<Partial<Status>, 'node' | 'peers'> & { problems: Finding[] },
): Promise<Finding[]> {
  const { lan, pacserve } = config.network
  const findings: Finding[] = []
  if (pacserve && lan === false) {
    findings.push({
      problem:
        '[network] pacserve = yes finds nobody by lan = no: these hosts are found in the local network.',
      fix: `set lan to yes, or to names of interfaces, in ${config.file}`,
    })
  }
  const port = `${hostPort(config.network.listen).port}/tcp`
  if (peers?.length === 0) {
    const isKnown = problems.some(({ code }) => code !== undefined && WAYS.includes(code))
    return [...findings, isKnown ? ALONE_FOR_REASONS : await alone(config, probe, port)]
  }
  findings.push(...behindRouters(config, peers ?? []))
  if (node?.reachable !== 'no') return findings
  const open = await openCommand(probe, [port])
  return [
    ...findings,
    {
      problem: unreachableAt(port.slice(0, -4)),
      fix: `${open}; behind a router, forward the port there and set advertise in ${config.file}`,
    },
  ]
}

/** Neighbours of a routed office. An older daemon doesn't say who is a companion. */
function behindRouters({ file }: Config, peers: Status['peers']): Finding[] {
  const others = peers.filter((peer) => peer?.companion === false && isOfSite(peer.address))
  const [first] = others
  if (!first) return []
  const who = others.length > 1 ? `${first.address} and ${others.length - 1} more are` : `${first.address} is`
  return [
    {
      problem: `${who} behind a router and so not taken for this office: each fetches its own copy from the mirror.`,
      fix: `if this is one office, give all its machines one key-file under [network], or let each name the other under [direct], in ${file}`,
    },
  ]
}

/** Whatever the daemon says: another program may answer at its socket. */
function isOfSite(address: unknown): boolean {
  const parts = typeof address === 'string' ? splitHostPort(address) : undefined
  const at = parts && endpoint(parts.host, parts.port)
  return at !== undefined && reachOf(at) === 'site'
}

async function alone(config: Config, probe: Probe, port: string): Promise<Finding> {
  const { network, direct, file } = config
  const named = direct.server.length > 0 || network.webhost.length > 0 || network.dht
  const problem = ALONE
  if (!named && network.lan === false) {
    return { problem, fix: `name a node under [direct], or a webhost under [network], in ${file}` }
  }
  if (!named && probe.interfaces().length === 0) {
    return { problem, fix: 'bring up the network: this machine has no address that others could reach' }
  }
  const steps = ['see that another node runs']
  if (direct.server.length > 0) {
    steps[0] = `see that pacsrv runs at ${direct.server.map(hostColonPort).join(', ')}, and that its port is open`
  }
  if (network['key-file'].length > 0) steps.push(`that it has the same key as ${network['key-file'][0]}`)
  const udp = [
    ...(network.lan === false ? [] : [MDNS_PORT]),
    ...(network.dht ? [port.replace('tcp', 'udp')] : []),
  ]
  if (udp.length > 0) steps.push(await openCommand(probe, [port, ...udp]))
  if (!named) steps.push(`or name a node under [direct] in ${file}`)
  return { problem, fix: steps.join('; ') }
}

const FIREWALLS: Record<string, (port: string, protocol: string) => string> = {
  ufw: (port, protocol) => `ufw allow ${port}/${protocol}`,
  firewalld: (port, protocol) => `firewall-cmd --permanent --add-port=${port}/${protocol}`,
  nftables: (port, protocol) => `nft add rule inet filter input ${protocol} dport ${port} accept`,
  iptables: (port, protocol) => `iptables -I INPUT -p ${protocol} --dport ${port} -j ACCEPT`,
}

/** How `ports` (8048/tcp) are opened in the firewall that is at work. */
async function openCommand(probe: Probe, ports: string[]): Promise<string> {
  const names = Object.keys(FIREWALLS)
  const { stdout } = await probe.run('systemctl', ['is-active', ...names.map((name) => `${name}.service`)])
  const active = names[stdout.split('\n').indexOf('active')]
  const command = FIREWALLS[active ?? '']
  if (!command) return `let ${ports.join(' and ')} in through the firewall, if there is one`
  const commands = ports.map((each) => command(...(each.split('/') as [string, string])))
  return [...commands, ...(active === 'firewalld' ? ['firewall-cmd --reload'] : [])].join(' && ')
}
