import type { Clock } from '../base/clock.ts'

/** Bytes that went between this node and another. */
export interface Traffic {
  /** What the other gave. */
  gave: number
  /** What it took. */
  took: number
}

/** Something wrong that came from others, or what was done about it. */
export interface Trouble {
  kind: 'rejected' | 'banned'
  /** By the clock. */
  at: number
  /** A sentence's end: what was wrong, or why. */
  reason: string
  /** Whom it was about, where that is known. */
  who: string | undefined
}

/** A package that came whole. */
export interface Arrived {
  name: string
  fromSite: number
  fromWorld: number
  fromMirror: number
  /** By the clock, when its download began. */
  began: number
}

/** Packages that came one after another, as for one call of pacman. */
export interface Transaction {
  /** By the clock. */
  began: number
  ended: number
  packages: number
  /** The first few of their files. */
  names: string[]
  fromSite: number
  fromWorld: number
  fromMirror: number
}

/** What was seen since the start: who gave and took, which files, what came, what went wrong. All of it bounded. */
export interface Tallies {
  /** Bytes have come from a node. */
  took(from: string, bytes: number): void
  /** Bytes of a file have been given to a node. */
  gave(to: string, bytes: number, sha256: string): void
  trafficWith(id: string): Traffic
  /** Bytes given, by file. */
  given(): ReadonlyMap<string, number>
  arrived(file: Arrived): void
  /** The newest first. */
  transactions(): readonly Transaction[]
  trouble(kind: Trouble['kind'], reason: string, who?: string): void
  /** The newest first. */
  troubles(): readonly Trouble[]
}

/** Nodes and files that are remembered; whoever was heard of longest ago is forgotten first. */
export const MOST_NODES = 1_000
export const MOST_FILES = 2_000
export const MOST_TRANSACTIONS = 10
export const MOST_TROUBLES = 20
/** Files of a transaction that are named. */
export const MOST_NAMES = 5
/** What begins so long after the last came, in milliseconds, is another transaction. */
const QUIET_MS = 10_000
/** Longest text that is kept of what others may have had a say in. */
const MOST_CHARS = 300

export function createTallies(clock: Pick<Clock, 'now'>): Tallies {
  const nodes = new Map<string, Traffic>()
  const files = new Map<string, number>()
  const transactions: Transaction[] = []
  const troubles: Trouble[] = []

  function count(id: string, { gave = 0, took = 0 }: Partial<Traffic>) {
    const before = nodes.get(id)
    putLast(nodes, id, { gave: (before?.gave ?? 0) + gave, took: (before?.took ?? 0) + took }, MOST_NODES)
  }

  return {
    took: (id, bytes) => count(id, { gave: bytes }),
    gave(id, bytes, sha256) {
      count(id, { took: bytes })
      putLast(files, sha256, (files.get(sha256) ?? 0) + bytes, MOST_FILES)
    },
    trafficWith: (id) => nodes.get(id) ?? { gave: 0, took: 0 },
    given: () => files,
    arrived({ name, fromSite, fromWorld, fromMirror, began }) {
      const last = transactions[0]
      const isNew = !last || began - last.ended > QUIET_MS
      const now = isNew ? blank(began) : last
      if (isNew) transactions.unshift(now)
      transactions.length = Math.min(transactions.length, MOST_TRANSACTIONS)
      now.began = Math.min(now.began, began)
      now.ended = clock.now()
      now.packages++
      if (now.names.length < MOST_NAMES) now.names.push(name)
      now.fromSite += fromSite
      now.fromWorld += fromWorld
      now.fromMirror += fromMirror
    },
    transactions: () => transactions,
    trouble(kind, reason, who) {
      const [told, whom] = [reason.slice(0, MOST_CHARS), who?.slice(0, MOST_CHARS)]
      troubles.unshift({ kind, at: clock.now(), reason: told, who: whom })
      troubles.length = Math.min(troubles.length, MOST_TROUBLES)
    },
    troubles: () => troubles,
  }
}

const blank = (began: number): Transaction => ({
  began,
  ended: began,
  packages: 0,
  names: [],
  fromSite: 0,
  fromWorld: 0,
  fromMirror: 0,
})

/** Sets it as the youngest; one over the limit pushes the oldest out. */
function putLast<V>(map: Map<string, V>, key: string, value: V, limit: number) {
  map.delete(key)
  map.set(key, value)
  if (map.size > limit) for (const oldest of map.keys()) return void map.delete(oldest)
}
