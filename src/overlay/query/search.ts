import type { Cancel, Clock } from '../../base/clock.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import type { Random } from '../../base/random.ts'
import { limits } from '../../wire/limits.ts'
import type { FileAck, FileQuery, QueryId, Sha256, WantedFile } from '../../wire/messages.ts'
import { ringsUpTo } from './flood.ts'
import type { Holder, HolderMemory } from './holders.ts'

/** Time for answers to the last ring, in milliseconds. */
export const ANSWER_TIME = 2_000
/** "Nobody has it" is believed this long, in milliseconds. */
const NOBODY_TTL = 30_000
const MAX_NOBODY = 10_000
/** Holders told of for one file: more are of no use to a download. */
const MAX_HOLDERS = 64

export interface SearchDeps {
  clock: Clock
  random: Random
  holders: HolderMemory
  /** Sends a query of this node's own to every neighbour; how many there are. */
  ask(query: Omit<FileQuery, 'path'>): number
}

export interface FindOptions {
  signal?: AbortSignal
  onHolder(holder: Holder): void
  /** No claim ends the search: all rings go out. */
  beyond?: boolean
}

/** The searches of this node's own that are under way. */
export interface Searches {
  /**
   * Tells of each (file, holder) as it becomes known: what is remembered at once, then what a widening query
   * brings. Resolves when nobody more will come, also after an abort; never rejects.
   */
  find(files: WantedFile[], options: FindOptions): Promise<void>
  /** A FILE-ACK has come home. Whether it answers a running search. */
  answered(ack: FileAck): boolean
  /** A claim from a neighbour, for the searches that are under way. */
  learned(holder: Holder): void
}

interface Search {
  wanted: Map<Sha256, WantedFile>
  /** What it asks for just now: others that want the same hear its answers, and needn't ask too. */
  asks: Set<Sha256>
  /** Files of which a whole holder was told of: who is itself downloading one ends no search. */
  found: Set<Sha256>
  /** Files that somebody claims to have whole; that ends the search of them, unless it goes beyond claims. */
  claimed: Set<Sha256>
  tell(holder: Holder): void
}

export function createSearches(deps: SearchDeps, { ttl }: { ttl: number }): Searches {
  const { clock, random, holders } = deps
  const running = new Set<QueryId>()
  const all = new Set<Search>()
  /** Called when a search that asks is over. */
  const waiting = new Set<() => void>()
  const nobody = createExpiringMap<Sha256, true>(clock, { ttl: NOBODY_TTL, limit: MAX_NOBODY })

  function createSearch(files: WantedFile[], { onHolder, beyond }: FindOptions): Search {
    const wanted = new Map(files.map((file) => [file.sha256, file]))
    const found = new Set<Sha256>()
    const claimed = new Set<Sha256>()
    /** Per file, who was told of: as a whole holder, or as one that is downloading. */
    const told = new Map<Sha256, Set<string>>()
    return {
      wanted,
      asks: new Set(),
      found,
      claimed,
      tell(holder) {
        const { sha256, size, whole } = holder.file
        const key = `${holder.id} ${whole}`
        const known = told.get(sha256) ?? new Set()
        if (wanted.get(sha256)?.size !== size || known.has(key) || known.size >= MAX_HOLDERS) return
        told.set(sha256, known.add(key))
        if (whole) claimed.add(sha256)
        if (whole && !beyond) found.add(sha256)
        onHolder(holder)
      },
    }
  }

  const missing = ({ wanted, found }: Search) =>
    [...wanted.values()].filter((file) => !found.has(file.sha256))
  const toAsk = (search: Search) => missing(search).filter(({ sha256 }) => !nobody.get(sha256))
  const asked = (search: Search) => toAsk(search).filter(({ sha256 }) => search.asks.has(sha256))
  const isAsked = (sha256: Sha256) =>
    [...all].some(({ asks, found }) => asks.has(sha256) && !found.has(sha256))

  /** One ring: what is still missing, in queries of at most 500 files. False when there is nobody to ask. */
  function sendRing(search: Search, ringTtl: number, ids: QueryId[]): boolean {
    const files = asked(search)
    let reached = files.length > 0
    for (let at = 0; at < files.length && reached; at += limits.filesPerQuery) {
      const query = random.hex(16)
      running.add(query)
      ids.push(query)
      const some = files.slice(at, at + limits.filesPerQuery)
      reached = deps.ask({ type: 'file', query, ttl: ringTtl, files: some }) > 0
    }
    return reached
  }

  /** Sends ring after ring until time is up. False when there is nobody to ask, or after an abort. */
  function widen(search: Search, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const ids: QueryId[] = []
      const rings = ringsUpTo(ttl)
      const start = clock.now()
      let next = 0
      let timer: Cancel = () => {}

      function finish(done: boolean) {
        timer()
        signal?.removeEventListener('abort', stop)
        for (const id of ids) running.delete(id)
        search.asks.clear()
        resolve(done)
        for (const wake of waiting) wake()
      }
      const stop = () => finish(false)
      function nobodyHasIt() {
        for (const { sha256 } of asked(search)) if (!search.claimed.has(sha256)) nobody.set(sha256, true)
        finish(true)
      }
      function sendNext() {
        const reached = asked(search).length > 0 && sendRing(search, rings[next]!.ttl, ids)
        next++
        if (!reached && next === 1) return stop()
        const then = rings[next]
        if (!reached || !then) timer = clock.after(ANSWER_TIME, nobodyHasIt)
        else timer = clock.after(start + then.at - clock.now(), sendNext)
      }
      signal?.addEventListener('abort', stop)
      sendNext()
    })
  }

  /** Resolves when a search that asks is over, or after an abort. */
  function otherEnds(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        waiting.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      waiting.add(wake)
      signal?.addEventListener('abort', wake)
    })
  }

  return {
    async find(files, options) {
      const { signal, beyond } = options
      const search = createSearch(files, options)
      for (const { sha256 } of files) for (const holder of holders.find(sha256)) search.tell(holder)
      if (signal?.aborted || toAsk(search).length === 0) return
      all.add(search)
      while (!signal?.aborted && toAsk(search).length > 0) {
        for (const { sha256 } of toAsk(search)) if (beyond || !isAsked(sha256)) search.asks.add(sha256)
        if (search.asks.size === 0) await otherEnds(signal)
        else if (!(await widen(search, signal)) || beyond) break
      }
      all.delete(search)
    },
    answered({ query, way, reachable, files }) {
      if (!running.has(query)) return false
      const { id, address } = way[0]!
      const at = address === undefined ? {} : { address }
      for (const file of files) {
        const isWanted = [...all].some(({ wanted }) => wanted.get(file.sha256)?.size === file.size)
        if (!isWanted) continue
        const holder: Holder = { id, ...at, reachable, file, via: 'answer', way: { query, path: way } }
        holders.add(holder)
        for (const search of all) search.tell(holder)
      }
      return true
    },
    learned(holder) {
      if (holder.file.whole) nobody.delete(holder.file.sha256)
      for (const search of all) search.tell(holder)
    },
  }
}
