import ipaddr from 'ipaddr.js'
import { type Endpoint, hostPort } from './endpoint.ts'

/** How far an address can be reached from, narrowest first. */
const REACHES = ['host', 'link', 'site', 'world'] as const
export type Reach = (typeof REACHES)[number]

function parse(host: string) {
  return ipaddr.process(host.replace(/%.*$/, ''))
}

/**
 * From where a numeric address can be reached: this machine (loopback), one wire (link-local), a site
 * (RFC 1918, RFC 4193, and RFC 6598's carrier NAT) or the world. Undefined for what no connection can have:
 * unspecified, multicast, broadcast.
 */
export function reachOf(of: Endpoint): Reach | undefined {
  switch (parse(hostPort(of).host).range()) {
    case 'unspecified':
    case 'multicast':
    case 'broadcast':
      return undefined
    case 'loopback':
      return 'host'
    case 'linkLocal':
      return 'link'
    case 'private':
    case 'uniqueLocal':
    case 'carrierGradeNat':
      return 'site'
    default:
      return 'world'
  }
}

/** On this machine, wire or site: what it sends costs nobody an internet line. */
export function isNear(of: Endpoint): boolean {
  const reach = reachOf(of)
  return reach !== undefined && reach !== 'world'
}

/**
 * Whether somebody whose address reaches `from` may be told of one that reaches `other`: only of what reaches
 * at least as far. A machine in the world is never sent to its own loopback or into its own site.
 */
export function isOfUse(other: Reach | undefined, from: Reach | undefined): boolean {
  if (other === undefined || from === undefined) return false
  return REACHES.indexOf(other) >= REACHES.indexOf(from)
}

/** The block in which one stranger can have many addresses, as a key to count by: an IPv4 address, or an IPv6 /64. */
export function addressBlock(of: Endpoint): string {
  const address = parse(hostPort(of).host)
  if (address.kind() === 'ipv4') return address.toString()
  const parts = (address as ipaddr.IPv6).parts.slice(0, 4)
  return `${parts.map((part) => part.toString(16)).join(':')}::/64`
}

/** The same for places: near by, where an IPv6 /64 is a whole site, each machine has its own. */
export const placeBlock = (of: Endpoint): string => (isNear(of) ? hostPort(of).host : addressBlock(of))
