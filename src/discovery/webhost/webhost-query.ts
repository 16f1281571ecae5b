import { createHash } from 'node:crypto'
import { PacsrvError } from '../../base/error.ts'
import type { NetworkKey } from '../../net/key-file.ts'

/** Nodes that share this name make one network; a tracker knows it by the SHA-1, 40 hex digits. */
export const NETWORK_NAME = 'pacsrv network 1'
export const INFO_HASH = createHash('sha1').update(NETWORK_NAME).digest('hex')

/**
 * What a tracker knows the networks of these keys by, one for each; without keys, the open one. Only who has a key
 * can say which is its network: a key's id, which goes openly over the wire, doesn't tell.
 */
export function infoHashes(keys: NetworkKey[]): string[] {
  if (keys.length === 0) return [INFO_HASH]
  return keys.map(({ secret }) => createHash('sha1').update(`${NETWORK_NAME}\0`).update(secret).digest('hex'))
}

/** Others that one answer names at most, and when the asker doesn't say (BEP 3 suggests 50). */
export const MAX_WANTED = 50

/** The tracker announce of BEP 3, as far as a network without files of its own needs it. */
export interface AnnounceQuery {
  /** 20 bytes as 40 hex digits. */
  infoHash: string
  /** 20 bytes as 40 hex digits: one a run of a node. */
  peerId: string
  /** Where the asker takes connections, at the address that it asks from; 0: nowhere. */
  port: number
  /** None: still here. */
  event?: 'started' | 'stopped'
  /** Others to be told of. */
  wanted: number
  /** BEP 23: six bytes a node, or eighteen (BEP 7), in place of a dictionary. */
  compact: boolean
}

const percent = (hex: string) => hex.replace(/../g, '%$&')

/**
 * The query part of an announce, without `?`. A node is a leecher (`left=1`): trackers don't tell seeders of
 * each other.
 */
export function formatQuery(query: AnnounceQuery): string {
  const event = query.event ? `&event=${query.event}` : ''
  return (
    `info_hash=${percent(query.infoHash)}&peer_id=${percent(query.peerId)}&port=${query.port}` +
    `&uploaded=0&downloaded=0&left=1&compact=${query.compact ? 1 : 0}&numwant=${query.wanted}${event}`
  )
}

/** Escapes stand for raw bytes; URLSearchParams would take them for UTF-8. */
function unescaped(text: string): Buffer {
  const raw = text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(raw, 'latin1')
}

/** The first of a name counts. */
function parameters(search: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const pair of search.split('&')) {
    const cut = pair.indexOf('=')
    const name = pair.slice(0, cut)
    if (cut > 0 && !found.has(name)) found.set(name, unescaped(pair.slice(cut + 1)))
  }
  return found
}

/**
 * Reads the query part of an announce; throws a PacsrvError of code `wire` whose message can be the failure
 * reason. Parameters that nothing here needs are ignored, `ip` above all: an asker is where it asks from.
 */
export function parseQuery(search: string): AnnounceQuery {
  const found = parameters(search)

  function id(name: string): string {
    const bytes = found.get(name)
    if (bytes?.length !== 20) throw new PacsrvError('wire', `${name} must be 20 bytes`)
    return bytes.toString('hex')
  }

  function whole(name: string, pattern: RegExp, fallback?: number): number {
    const text = found.get(name)?.toString('latin1')
    if (text === undefined && fallback !== undefined) return fallback
    if (!pattern.test(text ?? '')) throw new PacsrvError('wire', `${name} must be a number`)
    return Number(text)
  }

  const port = whole('port', /^\d{1,5}$/)
  if (port > 65535) throw new PacsrvError('wire', 'port must be at most 65535')
  const wanted = whole('numwant', /^-?\d{1,9}$/, MAX_WANTED)
  const event = found.get('event')?.toString('latin1')
  return {
    infoHash: id('info_hash'),
    peerId: id('peer_id'),
    port,
    ...(event === 'started' || event === 'stopped' ? { event } : {}),
    wanted: wanted < 0 ? MAX_WANTED : Math.min(wanted, MAX_WANTED),
    compact: found.get('compact')?.toString('latin1') !== '0',
  }
}
