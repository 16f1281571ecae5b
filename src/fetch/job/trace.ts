import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { humanSize, sourcesLine } from '../../base/progress.ts'
import type { FileSource } from '../sources/source.ts'
import type { JobEnd } from './order.ts'

/** What a job took and from whom, for the log. */
export interface Trace {
  /** A stage is over; only the first of a name counts. */
  stage(name: Stage): void
  /** Bytes of this source have been kept. */
  kept(source: FileSource, bytes: number): void
  /** Labels of the peers that gave something. */
  readonly peers: readonly string[]
  /** Bytes from peers of this site. */
  readonly fromSite: number
  /** One line at the end for whoever reads the log, and one with `about` for who looks for a fault. */
  close(end: JobEnd, about: object): void
}

export type Stage = 'opened' | 'firstByte' | 'lastByte' | 'checked'

export function createTrace({ clock, log }: { clock: Clock; log: Log }, { name }: { name: string }): Trace {
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
      return [...bySource].filter(([, { kind }]) => kind === 'peer').map(([label]) => label)
    },
    get fromSite() {
      return [...bySource.values()].reduce((sum, { near, bytes }) => sum + (near ? bytes : 0), 0)
    },
    close(end, about) {
      const sources = [...bySource].map(([label, { bytes }]) => `${label}: ${bytes}`).join(', ')
      const { result } = end
      const reason = result === 'done' ? undefined : end.reason
      log.debug({ result, reason, ...about, ms: since(), ...stages, sources }, 'the download is over')
      const seconds = `${(since() / 1000).toFixed(1)} s`
      if (result === 'done') {
        const from = [...bySource].map(([label, { bytes }]) => `${label}: ${humanSize(bytes)}`).join(', ')
        log.info({ from }, `${sourcesLine(name, end)}, in ${seconds}`)
      } else log.info({ result }, `${name}: given up after ${seconds}: ${reason}`)
    },
  }
}
