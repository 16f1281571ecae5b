import type { Clock } from '../../base/clock.ts'
import { PacsrvError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import type { MirrorScope } from '../crowd/mirror-shares.ts'
import type { ChunkMap } from '../file/chunk-map.ts'
import type { ChunkRun, FileSource, StreamHandler, StreamSource } from '../sources/source.ts'
import type { RequestPlan } from './request-plan.ts'

/** The mirrors' part of the scheduler: which of them are at work, and what each streams. */
export interface MirrorStreams {
  readonly active: ReadonlySet<StreamSource>
  /** The one that could join next. */
  readonly next: string | undefined
  /**
   * Has the next of the list join, up to two at once; one that fails is replaced by the next. `rule`: why, for the log.
   */
  join(rule: string): void
  /** Begins a run with each that has none; `again`: also if there was nothing to begin when things last stood so. */
  ask(again: boolean): void
  /** What they may be asked for has changed: they are no longer asked for what is others' now. */
  trim(): void
  /**
   * Their bytes are wrong: the next takes over, if there is one. Where several gave some, each of them gets another
   * chance, by itself.
   */
  lied(): void
  /** Leaves those that stall. */
  tick(): void
  close(): void
}

export interface MirrorStreamsDeps {
  clock: Clock
  log: Log
  map: ChunkMap
  plan: RequestPlan<FileSource>
  scope(): MirrorScope
  make(url: string, handler: StreamHandler): StreamSource
}

export interface MirrorStreamsHandler {
  onChunk(source: StreamSource, chunk: number, bytes: Uint8Array): void
  /** A mirror failed; the next has been tried already if there is one. */
  onFailed(error: PacsrvError): void
  /** What they are asked for has changed. */
  onAsked(): void
  /** One has nothing more to do, or can begin. */
  onIdle(): void
}

/** A mirror that gives nothing for so long is left for the next, in milliseconds. */
const STALL_MS = 4_000
/** The only one, as long as pacman's own downloader waits: the caller's curl then asks it again. */
const ONLY_STALL_MS = 10_000
const MOST_MIRRORS = 2

export function createMirrorStreams(
  { clock, log, map, plan, scope, make }: MirrorStreamsDeps,
  mirrors: string[],
  handler: MirrorStreamsHandler,
): MirrorStreams {
  const active = new Set<StreamSource>()
  const waiting = [...mirrors]
  /** Whose bytes are here, in the order in which they began. */
  const gave = new Set<string>()
  /** Where each stream ends, and up to where it was asked for. */
  const streams = new Map<StreamSource, { end: number; askedTo: number }>()
  let most = MOST_MIRRORS
  /** `plan.freed` when there was nothing to begin; undefined once it may be otherwise. */
  let barren: number | undefined

  function begin(mirror: StreamSource, run: ChunkRun, { window, may }: MirrorScope) {
    const ahead = Math.min(run.end, run.start + window)
    const end = may ? ahead : run.end
    const askedTo = plan.isIdle ? ahead : end
    for (let chunk = run.start; chunk < askedTo; chunk++) plan.ask(mirror, chunk)
    streams.set(mirror, { end, askedTo })
    mirror.begin({ start: run.start, end })
    handler.onAsked()
  }

  /** The stream is at `chunk`: what is asked for goes on ahead of it. */
  function askAhead(mirror: StreamSource, chunk: number, { window, may }: MirrorScope) {
    const stream = streams.get(mirror)
    if (!stream) return
    const end = Math.min(stream.end, chunk + window)
    const before = stream.askedTo
    while (stream.askedTo < end && plan.isFree(stream.askedTo) && may?.(stream.askedTo) !== false) {
      plan.ask(mirror, stream.askedTo++)
    }
    if (stream.askedTo > before) handler.onAsked()
  }

  function leave(mirror: StreamSource) {
    mirror.close()
    plan.leave(mirror)
    active.delete(mirror)
    streams.delete(mirror)
    barren = undefined
  }

  function join(rule: string) {
    if (active.size >= most) return
    const url = waiting.shift()
    if (url === undefined) return
    const mirror = make(url, streamHandler)
    active.add(mirror)
    barren = undefined
    log.debug({ source: mirror.label, rule }, 'the mirror joins')
    handler.onIdle()
  }

  function failed(mirror: StreamSource, error: PacsrvError) {
    log.info({ mirror: mirror.label, err: error }, 'a mirror failed')
    leave(mirror)
    if (active.size === 0) join('the one before failed')
    else handler.onIdle()
    handler.onAsked()
    handler.onFailed(error)
  }

  const streamHandler: StreamHandler = {
    onChunk(source, chunk, bytes) {
      gave.add(source.url)
      handler.onChunk(source, chunk, bytes)
    },
    onGone: failed,
    /** A stream goes on past its run into what nobody was asked for, and ends at what is here already. */
    onReach(source, chunk) {
      if (!map.isMissing(chunk)) return false
      const now = scope()
      if (!plan.isAskedOf(source, chunk)) {
        if (!plan.isFree(chunk) || now.may?.(chunk) === false) return false
        plan.ask(source, chunk)
        handler.onAsked()
      }
      askAhead(source, chunk, now)
      return true
    },
    onRunEnd(source) {
      barren = undefined
      // What is being written is still its.
      for (const chunk of plan.owes(source).filter(map.isMissing)) plan.unask(source, chunk)
      handler.onAsked()
      handler.onIdle()
    },
  }

  return {
    active,
    get next() {
      return active.size < most ? waiting[0] : undefined
    },
    join,
    ask(again) {
      if (!again && barren === plan.freed) return
      let now: MirrorScope | undefined
      for (const mirror of active) {
        if (mirror.streaming) continue
        now ??= scope()
        const others = [...active].filter((other) => other !== mirror)
        const run = plan.pickRun(mirror, { streams: others, may: now.may })
        if (run) begin(mirror, run, now)
        barren = run ? undefined : plan.freed
      }
    },
    trim() {
      barren = undefined
      const { may } = scope()
      if (!may) return
      for (const mirror of active) {
        const lost = plan.owes(mirror).filter((chunk) => map.isMissing(chunk) && !may(chunk))
        for (const chunk of lost) plan.unask(mirror, chunk)
        if (lost.length === 0) continue
        if (plan.owed(mirror) === 0) mirror.close()
        handler.onAsked()
      }
    },
    lied() {
      const labels = [...active].map(({ label }) => label)
      log.warn({ mirrors: labels }, "the mirror's bytes are not what the sync database promises")
      const suspects = [...gave]
      if (most === 1 || suspects.length === 1) suspects.shift()
      const innocent = [...active].map(({ url }) => url).filter((url) => !gave.has(url))
      for (const mirror of active) leave(mirror)
      waiting.unshift(...suspects, ...innocent)
      most = 1
      gave.clear()
      join('the bytes of the one before were wrong')
    },
    tick() {
      for (const mirror of active) {
        const limit = active.size + waiting.length === 1 ? ONLY_STALL_MS : STALL_MS
        const ms = mirror.heard === undefined ? 0 : clock.now() - mirror.heard
        if (ms <= limit) continue
        log.debug({ source: mirror.label, role: 'mirror', ms, limit }, 'a source is left: it stalled')
        failed(mirror, new PacsrvError('mirror', `${mirror.label} stalled`))
      }
    },
    close() {
      waiting.length = 0
      for (const mirror of active) leave(mirror)
    },
  }
}
