import type { Cancel, Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { limits } from '../wire/limits.ts'
import type { FileAck, FileQuery, QueryId, Sha256, WantedFile } from '../wire/messages.ts'
import { createExpiringMap } from './expiring.ts'
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
  /** Files of which a whole holder was told of: who is itself downloading one ends no search. */
  found: Set<Sha256>
  tell(holder: Holder): void
}

export function createSearches(deps: SearchDeps, { ttl }: { ttl: number }): Searches {
  const { clock, random, holders } = deps
  const running = new Map<QueryId, Search>()
  const all = new Set<Search>()
  const nobody = createExpiringMap<Sha256, true>(clock, { ttl: NOBODY_TTL, limit: MAX_NOBODY })

  function createSearch(files: WantedFile[], onHolder: (holder: Holder) => void): Search {
    const wanted = new Map(files.map((file) => [file.sha256, file]))
    const found = new Set<Sha256>()
    /** Per file, who was told of: as a whole holder, or as one that is downloading. */
    const told = new Map<Sha256, Set<string>>()
    return {
      wanted,
      found,
      tell(holder) {
        const { sha256, size, whole } = holder.file
        const key = `${holder.id} ${whole}`
        const known = told.get(sha256) ?? new Set()
        if (wanted.get(sha256)?.size !== size || known.has(key) || known.size >= MAX_HOLDERS) return
        told.set(sha256, known.add(key))
        if (whole) found.add(sha256)
        onHolder(holder)
      },
    }
  }

  const missing = ({ wanted, found }: Search) =>
    [...wanted.values()].filter((file) => !found.has(file.sha256))
  const toAsk = (search: Search) => missing(search).filter(({ sha256 }) => !nobody.get(sha256))

  /** One ring: what is still missing, in queries of at most 500 files. False when there is nobody to ask. */
  function sendRing(search: Search, ringTtl: number, ids: QueryId[]): boolean {
    const files = toAsk(search)
    let reached = files.length > 0
    for (let at = 0; at < files.length && reached; at += limits.filesPerQuery) {
      const query = random.hex(16)
      running.set(query, search)
      ids.push(query)
      const some = files.slice(at, at + limits.filesPerQuery)
      reached = deps.ask({ type: 'file', query, ttl: ringTtl, files: some }) > 0
    }
    return reached
  }

  /** Sends ring after ring until all is found or time is up. */
  function widen(search: Search, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const ids: QueryId[] = []
      const rings = ringsUpTo(ttl)
      const start = clock.now()
      let next = 0
      let timer: Cancel = () => {}

      function finish() {
        timer()
        signal?.removeEventListener('abort', finish)
        for (const id of ids) running.delete(id)
        resolve()
      }
      function nobodyHasIt() {
        for (const { sha256 } of missing(search)) nobody.set(sha256, true)
        finish()
      }
      function sendNext() {
        const reached = toAsk(search).length > 0 && sendRing(search, rings[next]!.ttl, ids)
        next++
        if (!reached && next === 1) return finish()
        const then = rings[next]
        if (!reached || !then) timer = clock.after(ANSWER_TIME, nobodyHasIt)
        else timer = clock.after(start + then.at - clock.now(), sendNext)
      }
      signal?.addEventListener('abort', finish)
      sendNext()
    })
  }

  return {
    async find(files, { signal, onHolder }) {
      const search = createSearch(files, onHolder)
      for (const { sha256 } of files) for (const holder of holders.find(sha256)) search.tell(holder)
      if (signal?.aborted || toAsk(search).length === 0) return
      all.add(search)
      await widen(search, signal)
      all.delete(search)
    },
    answered({ query, way, reachable, files }) {
      const search = running.get(query)
      const { id, address } = way[0]!
      if (!search) return false
      for (const file of files) {
        if (search.wanted.get(file.sha256)?.size !== file.size) continue
        const at = address === undefined ? {} : { address }
        const holder: Holder = { id, ...at, reachable, file, via: 'answer', way: { query, path: way } }
        holders.add(holder)
        search.tell(holder)
      }
      return true
    },
    learned(holder) {
      if (holder.file.whole) nobody.delete(holder.file.sha256)
      for (const search of all) search.tell(holder)
    },
  }
}
