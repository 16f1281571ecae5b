import { addressBlock, isOfUse, type Reach, reachOf } from '../../base/address.ts'
import type { Endpoint } from '../../base/endpoint.ts'
import type { Random } from '../../base/random.ts'
import type { ListedNode } from './webhost-answer.ts'

export interface RegistryBounds {
  /** Nodes in total. */
  capacity: number
  /** Nodes at one IPv4 address, or in one IPv6 /64. */
  perBlock: number
  /** Milliseconds that a node stays without being heard from. */
  expiry: number
}

export interface Entry {
  node: ListedNode
  reach: Reach | undefined
  heardAt: number
  /** When it was last dialled back: the owner's to note. */
  dialledAt?: number
}

/** The nodes that are listed: pure memory, told the time. */
export interface Registry {
  readonly size: number
  /** Adds a node, or notes that it was heard from; undefined when there is no room for it. */
  hear(node: ListedNode, now: number): Entry | undefined
  forget(endpoint: Endpoint): void
  /** Up to `count` nodes by chance that are of use to the asker: none narrower than it, never itself. */
  choose(asker: ListedNode, count: number, now: number): ListedNode[]
}

/** When it is full, newcomers stay out: whoever can fill it can't also push the others out. */
export function createRegistry({ random }: { random: Random }, bounds: RegistryBounds): Registry {
  /** Longest unheard first. */
  const entries = new Map<Endpoint, Entry>()
  const blocks = new Map<string, number>()

  function count(endpoint: Endpoint, change: number) {
    const block = addressBlock(endpoint)
    const left = (blocks.get(block) ?? 0) + change
    if (left > 0) blocks.set(block, left)
    else blocks.delete(block)
  }

  function forget(endpoint: Endpoint) {
    if (entries.delete(endpoint)) count(endpoint, -1)
  }

  function expire(now: number) {
    for (const [endpoint, { heardAt }] of entries) {
      if (now - heardAt <= bounds.expiry) return
      forget(endpoint)
    }
  }

  function hasRoom(endpoint: Endpoint): boolean {
    return entries.size < bounds.capacity && (blocks.get(addressBlock(endpoint)) ?? 0) < bounds.perBlock
  }

  return {
    get size() {
      return entries.size
    },
    hear(node, now) {
      expire(now)
      const { endpoint } = node
      const known = entries.get(endpoint)
      if (!known && !hasRoom(endpoint)) return undefined
      if (known) entries.delete(endpoint)
      else count(endpoint, 1)
      const entry = { ...known, node, reach: reachOf(endpoint), heardAt: now }
      entries.set(endpoint, entry)
      return entry
    },
    forget,
    choose(asker, wanted, now) {
      expire(now)
      const others: ListedNode[] = []
      const from = reachOf(asker.endpoint)
      for (const { node, reach } of entries.values()) {
        if (node.endpoint === asker.endpoint || node.peerId === asker.peerId) continue
        if (isOfUse(reach, from)) others.push(node)
      }
      const chosen = Math.min(wanted, others.length)
      for (let at = 0; at < chosen; at++) {
        const other = at + random.below(others.length - at)
        ;[others[at], others[other]] = [others[other]!, others[at]!]
      }
      return others.slice(0, chosen)
    },
  }
}
