import type { Clock } from '../../base/clock.ts'
import { type Endpoint, hostPort } from '../../base/endpoint.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import type { NodeId } from '../../wire/messages.ts'

/** What a peer did when it was asked for chunks: gave one, kept the first too long, or was left for its silence. */
export type Conduct = 'gave' | 'late' | 'silent'

/** How peers have behaved, from one download to the next: a silent one costs its time once, not with each file. */
export interface PeerRecord {
  /** `address`: where it was connected to; undefined where that isn't known. */
  note(id: NodeId, conduct: Conduct, address?: Endpoint): void
  /** Whether it has given something, and was not left since. */
  hasGiven(id: NodeId): boolean
  /** Whether it was asked in vain. Who has no record of its own is taken for the last at its address. */
  isSilent(id: NodeId, address?: Endpoint): boolean
}

/** For so long, in milliseconds: a transaction or two. Who was only busy is asked as before then. */
const TTL = 5 * 60_000
/** Nodes, and addresses; about 300 KB when full. */
const MOST = 1_000

export function createPeerRecord(clock: Clock): PeerRecord {
  /** Whether it gave. */
  const byId = createExpiringMap<NodeId, boolean>(clock, { ttl: TTL, limit: MOST })
  const byHost = createExpiringMap<string, boolean>(clock, { ttl: TTL, limit: MOST })

  return {
    note(id, conduct, address) {
      // Who has given before is late because it is busy, until it has to be left.
      if (conduct === 'late' && byId.get(id)) return
      byId.set(id, conduct === 'gave')
      if (address !== undefined) byHost.set(hostPort(address).host, conduct === 'gave')
    },
    hasGiven: (id) => byId.get(id) === true,
    isSilent(id, address) {
      const gave = byId.get(id) ?? (address === undefined ? undefined : byHost.get(hostPort(address).host))
      return gave === false
    },
  }
}
