import type { Clock } from '../../base/clock.ts'
import type { Endpoint } from '../../base/endpoint.ts'
import type { HeldFile, Hop, NodeId, QueryId, Sha256 } from '../../wire/messages.ts'

/** Somebody who says that it has a file. What it says is checked chunk by chunk, by who fetches. */
export interface Holder {
  id: NodeId
  address?: Endpoint
  /** False: nobody can dial it, so it is asked to dial us. */
  reachable: boolean
  file: HeldFile
  via: 'announced' | 'answer' | 'dht'
  /** Whether it is a neighbour whose word counts, as far as is known (overlay.isCompanion). */
  companion?: boolean
  /** For CALL, when it can't be dialled: the query it answered, and the way there, the holder first. */
  way?: { query: QueryId; path: Hop[] }
}

/** How long a claim is believed, in milliseconds. */
export const HOLDER_TTL = 24 * 3_600_000
/** And that a node is downloading a file, which it says again while it does. */
export const FETCHING_TTL = 2 * 60_000
export const PER_NODE = 20_000
/** About 40 MB when full. */
export const IN_ALL = 100_000

/** Which nodes have which files, as far as this node was told: bounded, expiring, asked before any search. */
export interface HolderMemory {
  /** Where the node, or the memory, has its fill, the oldest goes. */
  add(holder: Holder): void
  find(sha256: Sha256): Holder[]
  remove(id: NodeId, sha256: Sha256): void
  removeNode(id: NodeId): void
  /** The node's connection has ended: what it was downloading nobody knows any more. */
  removeFetching(id: NodeId): void
  readonly size: number
}

interface Entry {
  holder: Holder
  until: number
}

export function createHolders(
  clock: Clock,
  {
    ttl = HOLDER_TTL,
    perNode = PER_NODE,
    inAll = IN_ALL,
  }: { ttl?: number; perNode?: number; inAll?: number } = {},
): HolderMemory {
  const byFile = new Map<Sha256, Map<NodeId, Entry>>()
  /** Each node's files, oldest first; the nodes in the order in which they were last heard. */
  const byNode = new Map<NodeId, Set<Sha256>>()
  let size = 0

  function remove(id: NodeId, sha256: Sha256) {
    const entries = byFile.get(sha256)
    if (!entries?.delete(id)) return
    size--
    if (entries.size === 0) byFile.delete(sha256)
    const files = byNode.get(id)
    files?.delete(sha256)
    if (files?.size === 0) byNode.delete(id)
  }

  /** The oldest entry of the node that has been silent longest. */
  function removeOldest() {
    for (const [id, files] of byNode) {
      for (const sha256 of files) return remove(id, sha256)
    }
  }

  return {
    add(holder) {
      const { id, file } = holder
      remove(id, file.sha256)
      const files = byNode.get(id) ?? new Set()
      if (files.size >= perNode) remove(id, files.values().next().value!)
      else if (size >= inAll) removeOldest()
      byNode.delete(id)
      byNode.set(id, files.add(file.sha256))
      const entries = byFile.get(file.sha256) ?? new Map()
      const until = clock.now() + (file.whole ? ttl : FETCHING_TTL)
      byFile.set(file.sha256, entries.set(id, { holder, until }))
      size++
    },
    find(sha256) {
      const now = clock.now()
      const entries = [...(byFile.get(sha256)?.values() ?? [])]
      for (const { holder, until } of entries) if (until <= now) remove(holder.id, sha256)
      return entries.filter(({ until }) => until > now).map(({ holder }) => holder)
    },
    remove,
    removeNode(id) {
      for (const sha256 of [...(byNode.get(id) ?? [])]) remove(id, sha256)
    },
    removeFetching(id) {
      for (const sha256 of [...(byNode.get(id) ?? [])]) {
        if (byFile.get(sha256)?.get(id)?.holder.file.whole === false) remove(id, sha256)
      }
    },
    get size() {
      return size
    },
  }
}
