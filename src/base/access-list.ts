import ipaddr from 'ipaddr.js'
import type { Cidr } from './config-values.ts'
import { type Endpoint, hostPort } from './endpoint.ts'

/** `allow` and `deny` of the configuration, as one question: may this node have to do with that one?. */
export type Access = (address: Endpoint) => boolean

/** An empty `allow` means all; `deny` wins over `allow`. */
export function createAccess({ allow, deny }: { allow: Cidr[]; deny: Cidr[] }): Access {
  return (address) => {
    const parsed = ipaddr.process(hostPort(address).host.replace(/%.*$/, ''))
    const within = ([net, bits]: Cidr) => parsed.kind() === net.kind() && parsed.match(net, bits)
    return !deny.some(within) && (allow.length === 0 || allow.some(within))
  }
}
