import ipaddr from 'ipaddr.js'

/**
 * Where a node listens, in one spelling only: `192.0.2.1:8048` or `[2001:db8::1]:8048`. Always a number,
 * never a name: what a stranger sends must not make us ask DNS. IPv4 inside IPv6 is written as IPv4.
 */
export type Endpoint = string

/** Ports below are the system's: no node of ours listens there, and nobody gets a mail or web server dialled through us. */
export const LOWEST_PORT = 1024

/** An address and a port taken apart. `host` has no brackets; a link-local one may carry `%zone`. */
export interface HostPort {
  host: string
  port: number
}

/** Splits `HOST:PORT` or `[HOST]:PORT`, names allowed; undefined when it is neither. */
export function splitHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65535) return undefined
  return { host: (match[1] ?? match[2])!, port }
}

/** The one spelling of a numeric address and port; undefined for names and nonsense. */
export function endpoint(host: string, port: number): Endpoint | undefined {
  if (!Number.isInteger(port) || port < 0 || port > 65535) return undefined
  const zone = /%[\w.-]+$/.exec(host)?.[0] ?? ''
  const bare = zone ? host.slice(0, -zone.length) : host
  if (!ipaddr.IPv6.isValid(bare) && !ipaddr.IPv4.isValidFourPartDecimal(bare)) return undefined
  const address = ipaddr.process(bare)
  return address.kind() === 'ipv4' ? `${address}:${port}` : `[${address}${zone}]:${port}`
}

/** The host and port of an Endpoint, ready for a socket. */
export function hostPort(of: Endpoint): HostPort {
  const cut = of.lastIndexOf(':')
  return { host: of.slice(0, cut).replace(/^\[|\]$/g, ''), port: Number(of.slice(cut + 1)) }
}
