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
/** Some 13 MB when full. Who isn't remembered is found by a search. */
export const IN_ALL = 60_000

/** Which nodes have which files, as far as this node was told: bounded, expiring, asked before any search. */
export interface HolderMemory {
  /**
   * Where the node, or the memory, has its fill, the oldest goes: of this node, where it has more than its part, or else
   * of the node that has been silent longest.
   */
  add(holder: Holder): void
  find(sha256: Sha256): Holder[]
  remove(id: NodeId, sha256: Sha256): void
  removeNode(id: NodeId): void
  /** The node's connection has ended: what it was downloading nobody knows any more. */
  removeFetching(id: NodeId): void
  readonly size: number
}

/** 32 bytes as a string of as many characters: half as long as in hex. */
type Packed = string
const pack = (hex: string): Packed => Buffer.from(hex, 'hex').toString('latin1')
const unpack = (packed: Packed) => Buffer.from(packed, 'latin1').toString('hex')

/** Who it is and where, the same object for all that it says in one breath. */
type Who = Omit<Holder, 'file'>

/** A holder as it is kept: without what its place says. */
interface Claim {
  who: Who
  size: number
  root: Packed
  whole: boolean
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
  /** What is said of each file; mostly by one. */
  const byFile = new Map<Packed, Claim | Claim[]>()
  /** Each node's files, oldest first; the nodes in the order in which they were last heard. */
  const byNode = new Map<NodeId, Set<Packed>>()
  let size = 0
  /** Who was added last. */
  let last: Who | undefined

  function claimsOf(file: Packed): Claim[] {
    const claims = byFile.get(file) ?? []
    return Array.isArray(claims) ? claims : [claims]
  }

  function keep(file: Packed, claims: Claim[]) {
    size += claims.length - claimsOf(file).length
    if (claims.length > 0) byFile.set(file, claims.length > 1 ? claims : claims[0]!)
    else byFile.delete(file)
  }

  function remove(id: NodeId, file: Packed) {
    const files = byNode.get(id)
    if (!files?.delete(file)) return
    if (files.size === 0) byNode.delete(id)
    keep(
      file,
      claimsOf(file).filter(({ who }) => who.id !== id),
    )
  }

  const removeOldestOf = (id: NodeId) => remove(id, byNode.get(id)!.values().next().value!)

  /** For one more of this node. */
  function makeRoom(id: NodeId) {
    const files = byNode.get(id)?.size ?? 0
    if (files > inAll / byNode.size) removeOldestOf(id)
    else removeOldestOf(byNode.keys().next().value!)
  }

  return {
    add({ file: { sha256, size: bytes, root, whole }, ...who }) {
      const { id } = who
      const file = pack(sha256)
      remove(id, file)
      if ((byNode.get(id)?.size ?? 0) >= perNode) removeOldestOf(id)
      else if (size >= inAll) makeRoom(id)
      const files = byNode.get(id) ?? new Set()
      byNode.delete(id)
      byNode.set(id, files.add(file))
      const until = clock.now() + (whole ? ttl : FETCHING_TTL)
      if (!isSame(last, who)) last = who
      keep(file, [...claimsOf(file), { who: last, size: bytes, root: pack(root), whole, until }])
    },
    find(sha256) {
      const now = clock.now()
      const file = pack(sha256)
      for (const { who, until } of claimsOf(file)) if (until <= now) remove(who.id, file)
      return claimsOf(file).map(({ who, size, root, whole }) => ({
        ...who,
        file: { sha256, size, root: unpack(root), whole },
      }))
    },
    remove: (id, sha256) => remove(id, pack(sha256)),
    removeNode(id) {
      for (const file of [...(byNode.get(id) ?? [])]) remove(id, file)
    },
    removeFetching(id) {
      for (const file of [...(byNode.get(id) ?? [])]) {
        if (claimsOf(file).some(({ who, whole }) => who.id === id && !whole)) remove(id, file)
      }
    },
    get size() {
      return size
    },
  }
}

function isSame(a: Who | undefined, b: Who): a is Who {
  return (
    a?.id === b.id &&
    a.address === b.address &&
    a.reachable === b.reachable &&
    a.via === b.via &&
    a.companion === b.companion &&
    a.way === b.way
  )
}
