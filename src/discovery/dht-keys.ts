import { sha256 } from '../base/sha256.ts'
import { MAGIC } from '../wire/framing.ts'

/** What the DHT calls an infohash: 20 bytes as 40 hex digits. */
export type DhtKey = string

/** Keys of our own, so that no torrent has the same; another framing is another network (docs/protocol.md). */
function keyOf(kind: string, rest: Uint8Array = Buffer.alloc(0)): DhtKey {
  return sha256(Buffer.concat([Buffer.from(kind), MAGIC, rest])).slice(0, 40)
}

/** Where nodes of the network meet. */
export const MEETING_KEY = keyOf('pacsrv nodes')

/** Where the holders of a package are listed; `hash` is its SHA-256 in hex. */
export function packageKey(hash: string): DhtKey {
  return keyOf('pacsrv package', Buffer.from(hash, 'hex'))
}
