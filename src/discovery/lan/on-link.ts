import { networkInterfaces } from 'node:os'
import type { IPv4, IPv6 } from 'ipaddr.js'
import { reachOf } from '../../base/address.ts'
import type { Clock } from '../../base/clock.ts'
import type { Cidr } from '../../base/config-values.ts'
import { type Endpoint, hostPort } from '../../base/endpoint.ts'
import { isOnLink, type LanLink, lanLinks, readLinkFacts } from './lan-link.ts'

/** The interfaces are looked at again after this long, in milliseconds: a VPN comes up, another Wi-Fi is joined. */
export const LOOK_AGAIN = 2_500
/** A public network wider than this is a provider's, where the addresses beside one's own are strangers'. */
const PUBLIC_BITS = { ipv4: 24, ipv6: 64 }

/**
 * Tells whether an address is this machine's own or on one of its links, without a router between. Whoever has a
 * connection from there sits on that link, since the kernel's answers go nowhere else; by mDNS it could have announced
 * itself as well. What `lan` leaves out (tunnels, unless they are named) counts for neither. Each answer is at most
 * LOOK_AGAIN old.
 */
export function createOnLink({ clock, links }: { clock: Clock; links(): LanLink[] }) {
  let known: LanLink[] = []
  let lookedAt = Number.NEGATIVE_INFINITY

  function current(): LanLink[] {
    if (clock.now() - lookedAt < LOOK_AGAIN) return known
    lookedAt = clock.now()
    known = links().map((link) => ({ ...link, networks: link.networks.filter(isNarrow) }))
    return known
  }

  return (address: Endpoint): boolean => {
    if (reachOf(address) === 'host') return true
    const { host } = hostPort(address)
    return current().some((link) => isOnLink(link, host))
  }
}

/** The links that make up this machine's site: those that `lan` means, and all ordinary ones where it is `no`. */
export const siteLinks = (lan: boolean | string[]) => () =>
  lanLinks(networkInterfaces(), readLinkFacts, lan === false || lan)

function isNarrow([network, bits]: Cidr): boolean {
  const isPrivate = ['private', 'uniqueLocal', 'linkLocal'].includes((network as IPv4 | IPv6).range())
  return isPrivate || bits >= PUBLIC_BITS[network.kind()]
}
