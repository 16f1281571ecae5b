import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { FileSource } from '../sources/source.ts'

/** What a job took and from whom, for the log. */
export interface Trace {
  /** A stage is over; only the first of a name counts. */
  stage(name: Stage): void
  /** Bytes of this source have been kept. */
  kept(source: FileSource, bytes: number): void
  /** Peers that gave something. */
  readonly peers: number
  /** Bytes from peers of this site. */
  readonly fromSite: number
  /** One line at the end; `about` says how it ended. */
  close(about: object): void
}

export type Stage = 'opened' | 'firstByte' | 'lastByte' | 'checked'

export function createTrace({ clock, log }: { clock: Clock; log: Log }): Trace {
  const started = clock.now()
  const since = () => Math.round(clock.now() - started)
  const stages: Partial<Record<Stage, number>> = {}
  const bySource = new Map<string, { kind: FileSource['kind']; near: boolean; bytes: number }>()

  return {
    stage(name) {
      stages[name] ??= since()
    },
    kept(source, bytes) {
      const { label, kind } = source
      const known = bySource.get(label)
      if (known) known.bytes += bytes
      else {
        bySource.set(label, { kind, near: source.kind === 'peer' && source.near, bytes })
        stages.firstByte ??= since()
      }
    },
    get peers() {
      return [...bySource.values()].filter(({ kind }) => kind === 'peer').length
    },
    get fromSite() {
      return [...bySource.values()].reduce((sum, { near, bytes }) => sum + (near ? bytes : 0), 0)
    },
    close(about) {
      const sources = [...bySource].map(([label, { bytes }]) => `${label}: ${bytes}`).join(', ')
      log.debug({ ...about, ms: since(), ...stages, sources }, 'the download is over')
    },
  }
}
