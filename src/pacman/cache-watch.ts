import { watch } from 'node:fs'
import { systemCode } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { isPackageName } from './cache-folder.ts'

/** Calls `onName` with the name of each file that changes in `dir` (null: unknown). Returns how to stop. */
export type WatchFolder = (
  dir: string,
  onName: (name: string | null) => void,
  onError: (error: Error) => void,
) => () => void

export const watchFolder: WatchFolder = (dir, onName, onError) => {
  const watcher = watch(dir, { persistent: false }, (_event, name) => onName(name))
  watcher.on('error', onError)
  return () => watcher.close()
}

export interface CacheWatch {
  /** Watches every folder again: one may have been made, or removed and made again, which ends its watch. */
  renew(): void
  close(): void
}

/** `onActivity` hears that some package file came, went or changed. Where watching fails, it is warned of once. */
export function createCacheWatch(
  { log, watchFolder }: { log: Log; watchFolder: WatchFolder },
  dirs: readonly string[],
  onActivity: () => void,
): CacheWatch {
  const stops = new Map<string, () => void>()
  const problems = new Map<string, string | undefined>()

  function lost(dir: string, error: unknown) {
    const code = systemCode(error)
    const known = problems.get(dir) === code
    problems.set(dir, code)
    if (!known && code !== 'ENOENT')
      log.warn({ dir, err: error }, `${dir} can't be watched: new packages are noticed later`)
  }

  function watchOne(dir: string): (() => void) | undefined {
    const onName = (name: string | null) => {
      if (name === null || isPackageName(name)) onActivity()
    }
    try {
      const stop = watchFolder(dir, onName, (error) => {
        lost(dir, error)
        stop()
      })
      return stop
    } catch (error) {
      lost(dir, error)
      return undefined
    }
  }

  return {
    renew() {
      for (const dir of dirs) {
        const old = stops.get(dir)
        const stop = watchOne(dir)
        old?.()
        if (stop) stops.set(dir, stop)
        else stops.delete(dir)
      }
    },
    close() {
      for (const stop of stops.values()) stop()
      stops.clear()
    },
  }
}
