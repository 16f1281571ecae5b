import { machine } from 'node:os'
import ipaddr from 'ipaddr.js'
import { type Endpoint, endpoint, type HostPort, splitHostPort } from './endpoint.ts'
import { LOG_COMPONENTS, LOG_LEVELS, type LogLevels } from './log.ts'

/** Turns the text of a value into what it means, or throws an Error whose message completes "key …". */
export type ValueParser<T> = (text: string) => T

/** A network such as 192.0.2.0/24: the address and how many of its bits count. */
export type Cidr = [ipaddr.IPv4 | ipaddr.IPv6, number]

export function absolutePath(text: string): string {
  if (!text.startsWith('/')) throw new Error(`must be an absolute path, not "${text}"`)
  return text.length > 1 ? text.replace(/\/+$/, '') : text
}

export function userName(text: string): string {
  if (!/^[a-z_][a-z0-9_-]*\$?$/i.test(text)) throw new Error(`must be a user's name, not "${text}"`)
  return text
}

export function oneOf<const T extends string>(...words: T[]): ValueParser<T> {
  return (text) => {
    const found = words.find((word) => word === text)
    if (!found) throw new Error(`must be one of ${words.join(', ')}, not "${text}"`)
    return found
  }
}

export function yesOrNo(text: string): boolean {
  return oneOf('yes', 'no')(text) === 'yes'
}

export function integer(least: number, most: number): ValueParser<number> {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new Error(`must be a whole number from ${least} to ${most}, not "${text}"`)
    }
    return value
  }
}

/** HOST:PORT, names allowed, as the user wrote it. */
export function server(text: string): HostPort {
  const parts = splitHostPort(text)
  if (!parts || parts.port === 0) throw new Error(`must be HOST:PORT or [IPV6]:PORT, not "${text}"`)
  return parts
}

/** Numeric ADDRESS:PORT; port 0 lets the system choose. */
export function listenAddress(text: string): Endpoint {
  const parts = splitHostPort(text)
  const listen = parts && endpoint(parts.host, parts.port)
  if (!listen) throw new Error(`must be ADDRESS:PORT or [IPV6]:PORT, in numbers, not "${text}"`)
  return listen
}

export function httpUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new Error(`must be an http or https URL, not "${text}"`)
  }
  return text
}

/** Networks, separated by blanks or commas; a bare address is a network of one. */
export function cidrList(text: string): Cidr[] {
  return words(text).map((word) => {
    const bits = ipaddr.IPv4.isValidFourPartDecimal(word) ? '/32' : ipaddr.IPv6.isValid(word) ? '/128' : ''
    try {
      return ipaddr.parseCIDR(word + bits)
    } catch {
      throw new Error(`must be addresses or networks such as 192.168.0.0/16, not "${word}"`)
    }
  })
}

/** No interface is called so: it is `yes` or `no` written otherwise, or in a list. */
const YES_OR_NO = /^(?:yes|no|true|false|on|off)$/i

/** `yes`, `no`, or the interfaces by name. */
export function yesNoOrNames(text: string): boolean | string[] {
  if (text === 'yes' || text === 'no') return text === 'yes'
  const names = words(text)
  const wrong = names.find((name) => !/^[^\s/:]{1,15}$/.test(name) || YES_OR_NO.test(name))
  if (names.length === 0 || wrong !== undefined) {
    throw new Error(`must be yes, no or names of interfaces, not "${wrong ?? text}"`)
  }
  return names
}

/** A level for all, and after it components with others: `info overlay=debug downloads=trace`. */
export function logLevels(text: string): LogLevels {
  const levels: LogLevels = { level: 'info', components: {} }
  const given = new Set<string>()
  for (const word of text.split(/\s+/).filter((word) => word !== '')) {
    const equals = word.indexOf('=')
    const component = equals < 0 ? undefined : oneOf(...LOG_COMPONENTS)(word.slice(0, equals))
    const level = oneOf(...LOG_LEVELS)(word.slice(equals + 1))
    const name = component ?? 'all'
    if (given.has(name)) throw new Error(`must not name a level for ${name} twice: "${text}"`)
    given.add(name)
    if (component === undefined) levels.level = level
    else levels.components[component] = level
  }
  return levels
}

const SCALES: Record<string, number> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 }

/** 500K, 2M (1024 each) or a plain number; NaN for all else. */
function bytes(text: string): number {
  const [, number, scale = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)$/i.exec(text) ?? []
  return Math.floor(Number(number) * (SCALES[scale.toUpperCase()] ?? Number.NaN))
}

/** Bytes: 20G, 500M. */
export function size(text: string): number {
  const value = bytes(text)
  if (!(value >= 1024 ** 2 && value <= Number.MAX_SAFE_INTEGER))
    throw new Error(`must be a size such as 20G or 500M, at least 1M, not "${text}"`)
  return value
}

/**
 * A repository's name and the URL of its folder at a mirror, in which `$repo` and `$arch` stand for what they do in
 * pacman.conf.
 */
export function repository(text: string): { name: string; server: string } {
  const [name = '', server = '', ...more] = text.split(/\s+/)
  if (!/^[a-z0-9@_+][a-z0-9@._+-]*$/i.test(name) || server === '' || more.length > 0)
    throw new Error(`must be a repository's name and its mirror's URL, not "${text}"`)
  const url = server.replaceAll('$repo', name).replaceAll('$arch', machine())
  return { name, server: httpUrl(url) }
}

/** Bytes a second: 500K, 2M (1024 each), or a plain number. */
export function rate(text: string): number {
  const value = bytes(text)
  if (!(value >= 1024))
    throw new Error(`must be bytes a second such as 500K or 2M, at least 1K, not "${text}"`)
  return value
}

/** `auto`, or a time such as 2s or 300ms, in milliseconds. */
export function delay(text: string): 'auto' | number {
  if (text === 'auto') return text
  const match = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text)
  const ms = Number(match?.[1]) * (match?.[2] === 's' ? 1000 : 1)
  if (!(ms <= 60_000))
    throw new Error(`must be auto or a time such as 2s or 300ms, at most 60s, not "${text}"`)
  return ms
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '')
}
