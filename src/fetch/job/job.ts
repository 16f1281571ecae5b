import { asError, PacsrvError } from '../../base/error.ts'
import type { Lent } from '../../base/lent-buffers.ts'
import type { HeldFile, WantedFile } from '../../wire/messages.ts'
import { openPartialFile, type PartialFile } from '../file/partial-file.ts'
import { createChunkLists } from '../trust/chunk-lists.ts'
import type { JobDeps, JobEnd, JobOrder } from './order.ts'
import { assembleParts, type JobParts } from './parts.ts'
import { createTrace, type JobSource } from './trace.ts'

export type { JobEnd } from './order.ts'
export type { JobSource } from './trace.ts'

export interface JobHandler {
  /** Told of every chunk or list that proved wrong: what it was, and whose. */
  onRejected(what: string, who?: string): void
  /** The job is over and its file is closed. */
  onClosed(): void
}

/** One file on its way from everywhere to the spool. */
export interface Job {
  readonly file: WantedFile
  /** Bytes that are here. */
  readonly done: number
  /** Bytes, from the first on, that may be handed over: all but the last chunk until the whole was checked. */
  readonly readable: number
  /** Up to where bytes from `position` on may be given to whoever can't be told later that they were wrong; see PartialFile. */
  certainTo(position: number, most: number): number
  readonly sources: number
  /** Who gave something, or is asked now. */
  from(): JobSource[]
  /** By the clock. */
  readonly began: number
  /** Whether others of this site download it too: it waits for them as much as for the line. */
  readonly isShared: boolean
  /** Undefined until the job is over. */
  readonly end: JobEnd | undefined
  /** Its file is closed, or about to be: to follow it is too late. */
  readonly closing: boolean
  /** As the network is told of it while it is on its way. */
  readonly held: HeldFile
  /** Grows whenever what was here proved wrong. */
  readonly generation: number
  /** Whether a chunk can be given to others. */
  offers(chunk: number): boolean
  read(buffer: Uint8Array, position: number): Promise<void>
  /** The SHA-256 of a chunk that came with this job and is here. */
  hashOf(chunk: number): string | undefined
  /** The bytes from a readable position to its chunk's end, where they are still in memory. */
  lend(position: number): Lent | undefined
  /** Follows the job; returns how to leave. A job that nobody follows stops, and keeps what it has. */
  follow(follower: JobFollower): () => void
  /** Ends it, for a reason for the log; resolves when what it has is noted in the spool. */
  stop(reason: string): Promise<void>
}

export interface JobFollower {
  /** More is readable, or the job is over. */
  onChange(): void
  /** What was readable so far was wrong. */
  onRewind(): void
}

/** Without a reason of ours Node makes an exception of its own, with a stack: a tenth of a millisecond. */
const OVER = 'the job is over'
const NO_ROOT = '0'.repeat(64)

/** Where a job stands. `parts` are there to the end, for those who still read. */
type JobState =
  | { at: 'opening' }
  | { at: 'running'; parts: JobParts }
  | { at: 'over'; end: JobEnd; parts: JobParts | undefined }

/** `deps.log` is the job's own: it says of which file it tells. */
export function createJob(deps: JobDeps, order: JobOrder, handler: JobHandler): Job {
  const { clock, log } = deps
  const { file } = order
  const started = clock.now()
  const followers = new Set<JobFollower>()
  const over = new AbortController()
  const lists = createChunkLists(file)
  const trace = createTrace({ clock, log }, file)
  let state: JobState = { at: 'opening' }
  let closed: Promise<void> | undefined

  const { spool, hasher, buffers } = deps
  const opening = openPartialFile({ spool, hasher, recycle: buffers.release }, file, () => {
    for (const follower of followers) follower.onRewind()
  })
  opening.then(begin).catch(fail)

  function begin(partial: PartialFile) {
    if (state.at !== 'opening') return
    trace.stage('opened')
    const parts = assembleParts(
      deps,
      order,
      { partial, lists, trace, held, started, signal: over.signal },
      { onChange: tellFollowers, onRejected: handler.onRejected, onOver: finish, onFault: fail },
    )
    state = { at: 'running', parts }
    parts.begin()
  }

  function held(): HeldFile {
    const { sha256, size } = file
    return { sha256, size, root: lists.inUse?.root ?? NO_ROOT, whole: false }
  }

  const partsNow = () => (state.at === 'opening' ? undefined : state.parts)
  const endNow = () => (state.at === 'over' ? state.end : undefined)

  function tellFollowers() {
    for (const follower of followers) follower.onChange()
  }

  /** The first end counts. */
  function finish(end: JobEnd) {
    if (state.at === 'over') return
    const parts = partsNow()
    state = { at: 'over', end, parts }
    over.abort(OVER)
    const account = parts?.close()
    trace.close(end, account ?? {})
    tellFollowers()
    close()
  }

  function fail(error: unknown) {
    finish({ result: 'mirror', reason: asError(error).message })
  }

  /** Only what came whole is still read from. */
  function close() {
    if (state.at !== 'over' || (state.end.result === 'done' && followers.size > 0)) return
    closed ??= opening
      .then(
        (partial) => partial.close(),
        () => {}, // It was never open.
      )
      .catch((error) => log.warn({ err: asError(error) }, "the spool file can't be closed"))
      .then(handler.onClosed)
  }

  return {
    file,
    get held() {
      return held()
    },
    get generation() {
      return partsNow()?.partial.generation ?? 0
    },
    offers: (chunk) => partsNow()?.offers(chunk) === true,
    get done() {
      const parts = partsNow()
      return parts ? file.size - parts.partial.map.bytesLeft : 0
    },
    get readable() {
      return partsNow()?.partial.readable ?? 0
    },
    certainTo: (position, most) => partsNow()?.partial.certainTo(position, most) ?? position,
    hashOf: (chunk) => partsNow()?.partial.hashOf(chunk),
    get sources() {
      return partsNow()?.sources ?? 0
    },
    from: () => partsNow()?.from() ?? [],
    began: started,
    get isShared() {
      return partsNow()?.isShared === true
    },
    get end() {
      return endNow()
    },
    get closing() {
      return closed !== undefined
    },
    async read(buffer, position) {
      const parts = partsNow()
      if (!parts) throw new PacsrvError('spool', `${file.name} is not open`)
      await parts.partial.read(buffer, position)
    },
    lend: (position) => partsNow()?.partial.lend(position),
    follow(follower) {
      followers.add(follower)
      return () => {
        followers.delete(follower)
        if (followers.size > 0) return
        if (state.at === 'over') close()
        else finish({ result: 'mirror', reason: 'nobody waits for it any more' })
      }
    },
    async stop(reason) {
      finish({ result: 'mirror', reason })
      followers.clear()
      close()
      await closed
    },
  }
}
