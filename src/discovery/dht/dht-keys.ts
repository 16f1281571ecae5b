import { createHash, createHmac } from 'node:crypto'
import type { NetworkKey } from '../../net/key-file.ts'
import { MAGIC } from '../../wire/framing.ts'

/** What the DHT calls an infohash: 20 bytes as 40 hex digits. */
export type DhtKey = string

/** The keys of one network, no torrent's among them (docs/protocol.md). */
export interface DhtKeys {
  /** Where its nodes meet. */
  meeting: DhtKey
  /** Where the holders of a package are listed; `hash` is its SHA-256 in hex. */
  package(hash: string): DhtKey
}

/**
 * Another framing makes another network, and so does a closed network's key: only who has it can say which keys of
 * the DHT are its own, or which packages they stand for.
 */
export function dhtKeys(closed?: NetworkKey): DhtKeys {
  const keyOf = (kind: string, rest: Uint8Array) => {
    const hash = closed ? createHmac('sha256', closed.secret) : createHash('sha256')
    return hash.update(kind).update(MAGIC).update(rest).digest('hex').slice(0, 40)
  }
  return {
    meeting: keyOf('pacsrv nodes', Buffer.alloc(0)),
    package: (hash) => keyOf('pacsrv package', Buffer.from(hash, 'hex')),
  }
}
