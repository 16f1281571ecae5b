import type { Clock } from '../base/clock.ts'
import { createExpiringMap } from '../base/expiring-map.ts'
import type { WantedFile } from '../wire/messages.ts'
import type { Origins } from './file/spool-file.ts'

/** What pacman was given of late, for the one line that its user sees when the transaction is over. */
export interface Handovers {
  /** A file came whole and right. */
  came(sha256: string, from: Origins): void
  /**
   * pacman has got all of a file that it asked for at `askedAt`, by the clock. `transaction`: which pacman; left out where
   * that can't be told, as of a CacheServer's.
   */
  gave(file: WantedFile, about: { askedAt: number; transaction?: string | undefined }): void
  /** What the pacman of this transaction was given since it began, `age` milliseconds ago; undefined where that was nothing. */
  to(transaction: string, age: number): HandedOver | undefined
}

export interface HandedOver {
  packages: number
  bytes: number
  /** Of these bytes, what came during the transaction, and from where. The rest was here before. */
  fromPeers: number
  fromMirror: number
  /** Peers that gave something. */
  peers: number
  /** Milliseconds from the first question to the end of the last file. */
  ms: number
}

interface Given {
  file: WantedFile
  askedAt: number
  at: number
  transaction: string | undefined
}

/** As many as are read ahead. */
const MOST_FILES = 2_000
/** A transaction that has been installing for longer gets no line. */
const KEPT_MS = 24 * 60 * 60_000

export function createHandovers(clock: Clock): Handovers {
  const bounds = { ttl: KEPT_MS, limit: MOST_FILES }
  const origins = createExpiringMap<string, { at: number; from: Origins }>(clock, bounds)
  /** By caller and file: what it asked for twice it was given once. */
  const given = createExpiringMap<string, Given>(clock, bounds)

  function sum(files: Given[], since: number): HandedOver {
    const all = files.map(({ file }) => {
      const came = origins.get(file.sha256)
      return { size: file.size, from: came && came.at >= since ? came.from : undefined }
    })
    const total = (of: (one: (typeof all)[number]) => number) =>
      all.reduce((bytes, one) => bytes + of(one), 0)
    return {
      packages: files.length,
      bytes: total(({ size }) => size),
      fromPeers: total(({ from }) => from?.fromPeers ?? 0),
      fromMirror: total(({ from }) => from?.fromMirror ?? 0),
      peers: new Set(all.flatMap(({ from }) => from?.peers ?? [])).size,
      ms: Math.max(...files.map(({ at }) => at)) - Math.min(...files.map(({ askedAt }) => askedAt)),
    }
  }

  return {
    came: (sha256, from) => origins.set(sha256, { at: clock.now(), from }),
    gave(file, { askedAt, transaction }) {
      given.set(`${transaction ?? ''} ${file.sha256}`, { file, askedAt, at: clock.now(), transaction })
    },
    to(transaction, age) {
      const since = clock.now() - age
      const its = [...given.entries()]
        .map(([, one]) => one)
        .filter((one) =>
          one.transaction === undefined ? one.askedAt >= since : one.transaction === transaction,
        )
      return its.length > 0 ? sum(its, since) : undefined
    },
  }
}
