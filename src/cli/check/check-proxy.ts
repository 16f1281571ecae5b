import type { Config } from '../../base/config.ts'
import type { Finding } from './check-finding.ts'
import { isOwnPort, type PacmanFacts } from './check-pacman.ts'
import type { Probe } from './check-probe.ts'

/** pacman asks a proxy for everything, this machine's own daemon too: nothing fails, and the daemon is never asked. */
export function checkProxy(
  { cacheServers }: Pick<PacmanFacts, 'cacheServers'>,
  config: Config,
  { environment }: Pick<Probe, 'environment'>,
): Finding[] {
  const name = ['http_proxy', 'all_proxy', 'ALL_PROXY'].find((key) => environment[key])
  const url = cacheServers.find((server) => isOwnPort(server, config))
  if (name === undefined || url === undefined) return []
  const { hostname } = new URL(url)
  if (isExempt(hostname, environment.no_proxy || environment.NO_PROXY || '')) return []
  const problem = `pacman asks the proxy in ${name} for ${hostname} too, so the CacheServer ${url} is never reached.`
  const fix = `set no_proxy=${hostname} wherever ${name} is set, and see that sudo keeps it (env_keep)`
  return [{ problem, fix }]
}

/** As curl reads no_proxy: `*`, names with all that ends so, or addresses. */
export function isExempt(host: string, noProxy: string): boolean {
  if (noProxy.trim() === '*') return true
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  const entries = noProxy.toLowerCase().split(/[\s,]+/)
  return entries.some((entry) => {
    const name = entry.replace(/^\.|\.$/g, '').replace(/^\[|\]$/g, '')
    return name !== '' && (bare === name || bare.endsWith(`.${name}`) || isInNetwork(bare, name))
  })
}

/** Loopback is the only network that matters here. */
const isInNetwork = (host: string, network: string) => host.startsWith('127.') && network === '127.0.0.0/8'
