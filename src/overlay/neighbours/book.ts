import { reachOf } from '../../base/address.ts'
import type { Clock } from '../../base/clock.ts'
import { type Endpoint, hostPort, LOWEST_PORT } from '../../base/endpoint.ts'
import { jitter, type Random } from '../../base/random.ts'
import type { NodeId } from '../../wire/messages.ts'

/** Where an address was learned: on the LAN by our own asking, or from somebody who may say what they like. */
export type Source = 'lan' | 'stranger'
/** How it is chosen from: a lost neighbour is looked for wherever it came from, so that a torn net heals. */
export type Kind = Source | 'lost'

const MAX_ADDRESSES = 1_000
const FIRST_PAUSE = 30_000
const LONGEST_PAUSE = 3_600_000
/** An address is forgotten after so many failures in a row. */
const MAX_FAILURES = 5
/** A neighbour that was lost is tried about this often, in milliseconds, and so many times. */
const LOST_PAUSE = 40_000
const MAX_LOST = 60

interface Entry {
  source: Source
  lost: boolean
  failures: number
  notBefore: number
  /** Who answered there last, or is said to be there. */
  id?: NodeId
}

/** The addresses that this node may dial for neighbours: bounded, the failed ones with growing pauses. */
export interface Book {
  /** `id` is who is said to be there: it isn't dialled while that node is connected. */
  add(address: Endpoint, source: Source, id?: NodeId): void
  /**
   * Addresses of one kind whose time has come, at random, of nodes that aren't `connected`: one of each node that is
   * known by id, not a link-local one where there is another.
   */
  due(kind: Kind, connected: (id: NodeId) => boolean): Endpoint[]
  /** Who is at an address, as far as is known. */
  idAt(address: Endpoint): NodeId | undefined
  worked(address: Endpoint, id: NodeId): void
  failed(address: Endpoint): void
  /** A neighbour there is gone without a word. */
  lost(address: Endpoint): void
  /** Nodes of the LAN. */
  near(): Set<NodeId>
  readonly size: number
}

export function createBook({ clock, random }: { clock: Clock; random: Random }): Book {
  const entries = new Map<Endpoint, Entry>()

  function makeRoom() {
    for (const [address, { source }] of entries) {
      if (entries.size < MAX_ADDRESSES) return
      if (source === 'stranger') entries.delete(address)
    }
  }

  return {
    add(address, source, id) {
      if (reachOf(address) === undefined || hostPort(address).port < LOWEST_PORT) return
      const who = id === undefined ? {} : { id }
      const known = entries.get(address)
      if (known) {
        if (source === 'lan') Object.assign(known, { source, ...who })
        return
      }
      makeRoom()
      if (entries.size < MAX_ADDRESSES)
        entries.set(address, { source, lost: false, failures: 0, notBefore: 0, ...who })
    },
    due(kind, connected) {
      const now = clock.now()
      const found: Endpoint[] = []
      for (const [address, entry] of entries) {
        if ((entry.lost ? 'lost' : entry.source) !== kind || entry.notBefore > now) continue
        if (entry.id === undefined || !connected(entry.id)) found.push(address)
      }
      const ids = new Set<NodeId>()
      const isFirst = (address: Endpoint) => {
        const { id } = entries.get(address)!
        return id === undefined || (!ids.has(id) && ids.add(id))
      }
      for (let i = found.length - 1; i > 0; i--) {
        const j = random.below(i + 1)
        ;[found[i], found[j]] = [found[j]!, found[i]!]
      }
      const isLocal = (address: Endpoint) => Number(reachOf(address) === 'link')
      return found.sort((a, b) => isLocal(a) - isLocal(b)).filter(isFirst)
    },
    idAt: (address) => entries.get(address)?.id,
    worked(address, id) {
      const entry = entries.get(address)
      if (entry) Object.assign(entry, { id, lost: false, failures: 0, notBefore: 0 })
    },
    failed(address) {
      const entry = entries.get(address)
      if (!entry) return
      const pause = Math.min(FIRST_PAUSE * 2 ** entry.failures, LONGEST_PAUSE)
      entry.failures++
      entry.notBefore = clock.now() + jitter(entry.lost ? LOST_PAUSE : pause, random)
      if (entry.lost && entry.failures < MAX_LOST) return
      entry.lost = false
      if (entry.failures >= MAX_FAILURES) entries.delete(address)
    },
    lost(address) {
      const entry = entries.get(address)
      if (entry) Object.assign(entry, { lost: true, failures: 0, notBefore: clock.now() + FIRST_PAUSE / 10 })
    },
    near: () =>
      new Set([...entries.values()].flatMap(({ source, id }) => (source === 'lan' && id ? [id] : []))),
    get size() {
      return entries.size
    },
  }
}
