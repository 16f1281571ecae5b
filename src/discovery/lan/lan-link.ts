import { readFileSync, statSync } from 'node:fs'
import type { NetworkInterfaceInfo } from 'node:os'
import ipaddr from 'ipaddr.js'
import type { Cidr } from '../../base/config-values.ts'

/** One interface by one IP version: what one mDNS socket is for. */
export interface LanLink {
  /** The interface's name, which is also the zone of its link-local addresses. */
  name: string
  family: 4 | 6
  /** This machine's own there, without zone. */
  addresses: string[]
  /** The networks that can be reached there without a router. */
  networks: Cidr[]
}

/** What the kernel says of an interface beside its addresses. */
export interface LinkFacts {
  /** A point-to-point line, or a device that a program makes up (tun, tap): a VPN, most likely. */
  tunnel: boolean
  /** It is a port of a bridge or part of a bond, which has the addresses that count. */
  enslaved: boolean
}

/** A machine with hundreds of containers must not open hundreds of sockets. */
export const MAX_LINKS = 32

/** Flags of Linux's if.h, as in /sys/class/net/NAME/flags. */
const BROADCAST = 0x2
const POINT_TO_POINT = 0x10

/** Facts from /sys. Where that can't be read, an interface is taken for an ordinary one. */
export function readLinkFacts(name: string, sys = '/sys/class/net'): LinkFacts {
  const has = (file: string) => statSync(`${sys}/${name}/${file}`, { throwIfNoEntry: false }) !== undefined
  try {
    const flags = Number(readFileSync(`${sys}/${name}/flags`, 'utf8'))
    const isLine = (flags & BROADCAST) === 0 || (flags & POINT_TO_POINT) !== 0
    return { tunnel: isLine || has('tun_flags'), enslaved: has('master') }
  } catch {
    return { tunnel: false, enslaved: false }
  }
}

/**
 * Where to look for nodes. `lan` is the configuration's: with `true`, every interface but loopback, tunnels
 * and ports of a bridge; bridges to this machine's own containers count, for whoever is there may have
 * packages too. Names are taken as they are, tunnels included.
 */
export function lanLinks(
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>,
  facts: (name: string) => LinkFacts,
  lan: boolean | string[],
): LanLink[] {
  const wanted = (name: string) => {
    if (Array.isArray(lan)) return lan.includes(name)
    const { tunnel, enslaved } = facts(name)
    return lan && !tunnel && !enslaved
  }
  return Object.entries(interfaces)
    .filter(([name, infos]) => infos?.some(({ internal }) => !internal) && wanted(name))
    .flatMap(([name, infos]) => ([4, 6] as const).map((family) => linkOf(name, family, infos!)))
    .filter(({ addresses }) => addresses.length > 0)
    .slice(0, MAX_LINKS)
}

function linkOf(name: string, family: 4 | 6, infos: NetworkInterfaceInfo[]): LanLink {
  const own = infos.filter((info) => info.family === `IPv${family}` && !info.internal)
  return {
    name,
    family,
    addresses: own.map(({ address }) => address),
    networks: own.flatMap(({ cidr }) => (cidr === null ? [] : [ipaddr.parseCIDR(cidr)])),
  }
}

/** Whether a packet from this address can have been sent on that very link. */
export function isOnLink({ name, family, networks }: LanLink, source: string): boolean {
  const [bare = '', zone] = source.split('%')
  if (!ipaddr.isValid(bare)) return false
  const address = ipaddr.parse(bare)
  if (address.kind() !== `ipv${family}`) return false
  if (zone !== undefined && zone !== name) return false
  if (family === 6 && address.range() === 'linkLocal' && zone === undefined) return false
  return networks.some(([net, bits]) => address.kind() === net.kind() && address.match(net, bits))
}
