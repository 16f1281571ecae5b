import { rootOf } from '../../base/chunks.ts'
import type { Clock } from '../../base/clock.ts'
import type { HaveMaps } from '../../transfer/have-maps.ts'
import type { HeldFile } from '../../wire/messages.ts'
import type { MirrorScope, OwnDownload } from '../crowd/mirror-shares.ts'
import type { PartialFile } from '../file/partial-file.ts'
import { createMirrorSource } from '../sources/mirror-source.ts'
import type { StreamHandler } from '../sources/source.ts'
import type { ChunkLists } from '../trust/chunk-lists.ts'
import { createListTrust } from '../trust/list-trust.ts'
import { createWholeCheck, type Suspect } from '../trust/whole-check.ts'
import { createCompletion } from './completion.ts'
import { createMirrorEntry } from './mirror-entry.ts'
import type { JobDeps, JobEnd, JobOrder } from './order.ts'
import { createOwnTime } from './own-time.ts'
import { createReception } from './reception.ts'
import { createScheduler, type Scheduler, TICK_MS } from './scheduler.ts'
import { createSourcing } from './sourcing.ts'
import type { JobSource, Trace } from './trace.ts'

/** A job at work, put together. */
export interface JobParts {
  readonly partial: PartialFile
  /** Sources at work. */
  readonly sources: number
  /** Who gave something, or is asked. */
  from(): JobSource[]
  /** Whether others of this site download it too. */
  readonly isShared: boolean
  /** Whether a chunk can be given to others. */
  offers(chunk: number): boolean
  /** Looks for sources, or checks what is whole already. */
  begin(): void
  /** The job is over: all sources are let go. Returns what is to be said in the log of where the bytes came from. */
  close(): object
}

/** What the job had before it could be put together. */
export interface JobGround {
  partial: PartialFile
  lists: ChunkLists
  trace: Trace
  /** The file as the network is told of it. */
  held(): HeldFile
  /** By the clock, when the job began. */
  started: number
  signal: AbortSignal
}

export interface JobPartsHandler {
  /** Of what is there more is readable, perhaps. */
  onChange(): void
  /** `what` was wrong, of whom it came. */
  onRejected(what: string, who?: string): void
  onOver(end: JobEnd): void
  onFault(error: unknown): void
}

/** How often a job notes in the spool what has come, in milliseconds: as much is lost with a daemon that is killed. */
const SAVE_MS = 2_000
/** Peers that need longer than this for the rest, in milliseconds, aren't all that are worth a search. */
const SERVED_MS = 4_000
const NOTHING: MirrorScope = { window: 0, may: () => false }

/** Puts a job together. Nothing begins before `begin`, so that each part may name those that come after it. */
export function assembleParts(
  deps: JobDeps,
  order: JobOrder,
  { partial, lists, trace, held, started, signal }: JobGround,
  handler: JobPartsHandler,
): JobParts {
  const { log, network, downloads } = deps
  /** Nobody who is waited for is late while this process couldn't hear. */
  const clock = createOwnTime(deps.clock, TICK_MS)
  const { file, mirrors } = order
  const { map } = partial
  const save = atMostEach(SAVE_MS, clock, partial.save)
  const consider = () => void (signal.aborted || entry.consider())

  const trust = createListTrust({ log, lists }, file, {
    ban: network.ban,
    onRejected: handler.onRejected,
    onRetired(list) {
      intake.dismiss(list)
      partial.forget((origin) => origin === 'peer')
    },
    onInUse: (list) => whole.hold(list),
  })
  const whole = createWholeCheck({ clock, log, partial, trust }, file, {
    ...network,
    onSuspicion,
    onForgotten: () => members.changed(),
    turn: () => members.turn(),
    onCaught: (who) => members.trustBut(who),
  })
  const scheduler = createScheduler(
    {
      map,
      mirrorScope: () => (entry.isSpared ? NOTHING : members.scope()),
      clock,
      log,
      downloads,
      makeMirror: mirrorMaker(deps, order, clock),
    },
    { size: file.size, mirrors },
    {
      onChunk: (source, chunk, bytes) => reception.receive(source, chunk, bytes),
      onPeerGone: consider,
      onMirrorFailed(error) {
        entry.failed(error)
        consider()
      },
      onMirrorAsked: () => members.changed(),
    },
  )
  const own = ownProgress(partial, scheduler)
  const reception = createReception(
    { log, partial, scheduler, trust, whole, trace, signal, recycle: deps.buffers.release },
    {
      onKept: changed,
      onPeerRejected(label) {
        handler.onRejected('a wrong chunk', label)
        consider()
      },
      onMirrorRejected: rejectMirror,
      onFault: handler.onFault,
    },
  )
  const { intake, members, servers, ...sourcing } = createSourcing(
    { ...deps, clock, scheduler, trust, signal },
    order,
    {
      held,
      maps: own.maps,
      mine: () => own.mine(entry.rateBefore),
      isServed: () => map.bytesLeft * 1000 <= scheduler.peersRate() * SERVED_MS,
      onChange: consider,
    },
  )
  const entry = createMirrorEntry(
    { ...deps, clock, partial, scheduler, intake, members, servers },
    { name: file.name, size: file.size, mirrors, delay: order.delay, started },
    handler.onOver,
  )
  const completion = createCompletion(
    { partial, whole, trace, signal },
    {
      onRight(from) {
        servers?.wholeRight()
        handler.onOver({ result: 'done', ...from })
      },
      onWrong() {
        clock.begin(look)
        changed()
      },
      onFault: handler.onFault,
    },
  )

  /** More is here, or what was wrong no longer is. */
  function changed() {
    members.changed()
    handler.onChange()
    completion.consider()
  }

  function onSuspicion(of: Suspect) {
    if (of === 'members') {
      members.distrust()
      if (servers?.wholeWrong()) handler.onRejected('wrong bytes', "a server of pacredir's")
    }
    if (of === 'spool' || of === 'mirror') intake.again()
    if (of === 'mirror' || of === 'nobody') rejectMirror()
  }

  function rejectMirror() {
    handler.onRejected('wrong bytes', [...scheduler.mirrors][0]?.label)
    entry.lied()
    scheduler.mirrorLied()
    consider()
  }

  function look() {
    members.tick()
    scheduler.tick()
    consider()
    save()
  }

  return {
    partial,
    get sources() {
      return scheduler.peers.length + scheduler.mirrors.size
    },
    from: () => trace.from([...scheduler.peers, ...scheduler.mirrors]),
    get isShared() {
      return members.any
    },
    offers: own.offers,
    begin() {
      changed()
      if (map.bytesLeft === 0) return
      sourcing.begin()
      clock.begin(look)
    },
    close() {
      clock.stop()
      entry.noteRates()
      const { chunkHashes } = completion
      sourcing.close(chunkHashes && { ...held(), root: rootOf(chunkHashes), whole: true })
      scheduler.close()
      return accountOf(partial, scheduler)
    },
  }
}

/** What this node can say to others of its own download. */
function ownProgress(partial: PartialFile, scheduler: Scheduler) {
  const { map } = partial

  function mapOf(test: (chunk: number) => boolean): Uint8Array {
    const bytes = new Uint8Array(map.chunks)
    for (let chunk = 0; chunk < map.chunks; chunk++) if (test(chunk)) bytes[chunk] = 1
    return bytes
  }

  /** Had from the mirror, or asked of it. */
  function isOwn(chunk: number): boolean {
    return partial.originOf(chunk) === 'mirror' || scheduler.isAskedOfMirror(chunk)
  }

  /** What an earlier invocation left nobody answers for. */
  function offers(chunk: number): boolean {
    const origin = partial.originOf(chunk)
    return origin !== undefined && origin !== 'spool'
  }

  return {
    offers,
    maps: (): HaveMaps => ({ hand: mapOf(offers), own: mapOf(isOwn) }),
    /** `rateBefore`: of its mirror, for files before, in bytes a second. */
    mine: (rateBefore = 0): OwnDownload => ({
      able: scheduler.mirrors.size > 0 || scheduler.nextMirror !== undefined,
      has: map.has,
      own: isOwn,
      rate: scheduler.mirrorsRate(),
      rateBefore,
    }),
  }
}

function mirrorMaker({ openMirror: open, downloads, buffers }: JobDeps, order: JobOrder, clock: Clock) {
  const { file, environment } = order
  return (url: string, handler: StreamHandler) =>
    createMirrorSource(
      { open, clock, downloads, acquire: buffers.acquire },
      { url, size: file.size, environment, handler },
    )
}

/** Where the bytes came from, for the log. */
function accountOf({ bytesFrom: { peer, member, mirror, spool } }: PartialFile, { askedTwice }: Scheduler) {
  return { fromPeers: peer, fromMembers: member, fromMirror: mirror, fromSpool: spool, askedTwice }
}

/** Does it at most once in so many milliseconds, counted from now. */
function atMostEach(ms: number, clock: Clock, action: () => void): () => void {
  let doneAt = clock.now()
  return () => {
    if (clock.now() - doneAt < ms) return
    doneAt = clock.now()
    action()
  }
}
