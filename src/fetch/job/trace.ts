import { type ArrivalRate, createArrivalRate } from '../../base/arrival-rate.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { humanSize, sourcesLine } from '../../base/progress.ts'
import type { NodeId } from '../../wire/messages.ts'
import type { FileSource } from '../sources/source.ts'
import type { JobEnd } from './order.ts'

/** One of whom a job has its bytes. */
export interface JobSource {
  label: string
  /** Undefined where it is no node. */
  id: NodeId | undefined
  kind: 'site' | 'world' | 'mirror'
  /** What of it was kept. */
  bytes: number
  /** Bytes a second, as they came of late. */
  rate: number
}

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
  /** Who gave something, and of those at work each, by what they gave. */
  from(atWork: FileSource[]): JobSource[]
  /** One line at the end for whoever reads the log, and one with `about` for who looks for a fault. */
  close(end: JobEnd, about: object): void
}

export type Stage = 'opened' | 'firstByte' | 'lastByte' | 'checked'

export function createTrace({ clock, log }: { clock: Clock; log: Log }, { name }: { name: string }): Trace {
  const started = clock.now()
  const since = () => Math.round(clock.now() - started)
  const stages: Partial<Record<Stage, number>> = {}
  const bySource = new Map<string, Omit<JobSource, 'rate'> & { pace: ArrivalRate }>()

  return {
    stage(name) {
      stages[name] ??= since()
    },
    kept(source, bytes) {
      const known = bySource.get(source.label)
      const now = known ?? { ...factsOf(source), bytes: 0, pace: createArrivalRate(clock) }
      now.bytes += bytes
      now.pace.came(bytes)
      if (known) return
      bySource.set(source.label, now)
      stages.firstByte ??= since()
    },
    get peers() {
      return [...bySource].filter(([, { kind }]) => kind !== 'mirror').map(([label]) => label)
    },
    get fromSite() {
      return [...bySource.values()].reduce((sum, { kind, bytes }) => sum + (kind === 'site' ? bytes : 0), 0)
    },
    from(atWork) {
      const all = new Map<string, JobSource>()
      for (const source of atWork) all.set(source.label, { ...factsOf(source), bytes: 0, rate: 0 })
      for (const [label, { pace, ...given }] of bySource) all.set(label, { ...given, rate: pace.rate() })
      return [...all.values()].sort((a, b) => b.bytes - a.bytes)
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

/** A source may be let go while what it gave is still of interest. */
const factsOf = (source: FileSource): Omit<JobSource, 'bytes' | 'rate'> => ({
  label: source.label,
  id: source.kind === 'peer' ? source.id : undefined,
  kind: source.kind === 'mirror' ? 'mirror' : source.near ? 'site' : 'world',
})
