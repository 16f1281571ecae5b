import type { Clock } from '../base/clock.ts'
import type { WantedFile } from '../wire/messages.ts'
import type { FileNetwork } from './network.ts'

/**
 * Whether a file is worth fetching here for a pacman that would otherwise take it from the mirror itself, at once and
 * more simply (a CacheServer's choice).
 */
export interface Scout {
  isWorthIt(file: WantedFile): Promise<boolean>
}

export interface ScoutDeps {
  clock: Clock
  network: Pick<FileNetwork, 'find' | 'hasNeighbours'>
  /** Whether there are neighbours on this site, with whom one copy from the mirror would be enough. */
  hasCompanions(): boolean
}

/** With companions, files from this size on are fetched here though nobody has them: others may want them next. */
const SHARED_BYTES = 1024 * 1024
/** A search may cost a twentieth of what a mirror of 1 MB/s would take, within bounds, in milliseconds. */
const BYTES_PER_MS = 20_000
const LEAST_MS = 30
const MOST_MS = 400
/** Searches that found nobody, one after another, before only each eighth file is searched for. */
const MISSES = 5
const EACH = 8
/** Who asks for nothing for so long, in milliseconds, is followed by another transaction. */
const FORGET_MS = 60_000

export function createScout({ clock, network, hasCompanions }: ScoutDeps): Scout {
  let misses = 0
  let askedAt = clock.now()

  /** Halved with each search in vain: a transaction that nobody has anything of is hardly slower for asking. */
  function patience({ size }: WantedFile): number {
    if (misses >= MISSES) return misses % EACH === 0 ? LEAST_MS / 2 : 0
    return Math.min(MOST_MS, Math.max(LEAST_MS, size / BYTES_PER_MS)) / 2 ** misses
  }

  /** What is remembered is told at once; beyond that it takes `patience` at most. */
  function isHeld(file: WantedFile, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const over = new AbortController()
      const settle = (found: boolean) => {
        stop()
        resolve(found)
        over.abort('it is known') // no exception is made for it, as in job.ts
      }
      const stop = clock.after(ms, () => settle(false))
      const { signal } = over
      void network.find([file], { signal, onHolder: () => settle(true) }).then(() => settle(false))
    })
  }

  return {
    async isWorthIt(file) {
      if (!network.hasNeighbours()) return false
      if (file.size >= SHARED_BYTES && hasCompanions()) return true
      if (clock.now() - askedAt >= FORGET_MS) misses = 0
      askedAt = clock.now()
      const found = await isHeld(file, patience(file))
      misses = found ? 0 : misses + 1
      return found
    },
  }
}
