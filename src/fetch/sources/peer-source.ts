import { isNear } from '../../base/address.ts'
import type { Clock } from '../../base/clock.ts'
import { asError, PacsrvError } from '../../base/error.ts'
import type { Asker } from '../../transfer/asker.ts'
import type { Sha256 } from '../../wire/messages.ts'
import { createRateMeter } from './rate-meter.ts'
import type { ChunkSource, ChunkSourceHandler } from './source.ts'

/** So many bytes are a part of a chunk on its way; fewer may be no more than a sign of life. */
const PROGRESS_BYTES = 4096

/** A chunk that has been on its way for so long, in milliseconds, says how fast it comes. */
const JUDGED_AFTER_MS = 250

/**
 * Chunks that a member may say it has and then refuse, more than it has given, before it is left: one that was lied to
 * has said so of a whole span, and no longer has any of it.
 */
const MOST_ABSENT = 8

export interface PeerSourceOptions {
  sha256: Sha256
  /** Bytes of each chunk but the last. */
  chunkBytes: number
  handler: ChunkSourceHandler
  /** For one that is itself still downloading. Others have everything. */
  partial?: PartialHolding
}

/** What a node has that is still downloading. */
export interface PartialHolding {
  has(chunk: number): boolean
  /** Changes with what it has. */
  news(): number
  /** It is no member any more: it has everything. */
  isOver(): boolean
}

/** A holder, or a member, as a source of the file's chunks. */
export function createPeerSource(
  { asker, clock }: { asker: Asker; clock: Clock },
  { sha256, chunkBytes, handler, partial }: PeerSourceOptions,
): ChunkSource {
  const { session } = asker
  const isPartial = () => partial?.isOver() === false
  const meter = createRateMeter(clock)
  /** Chunk to request number. */
  const requests = new Map<number, number>()
  let received = session.link.received
  let heard = clock.now()
  /** When a whole chunk last came, or it was asked after a rest. */
  let gaveAt = clock.now()
  /** What had come over the connection by then. */
  let receivedThen = received
  let latency = 0
  /** Its last answer was that it is busy: to ask again is no new beginning. */
  let busy = false
  /** What it said it had, and refused, and how its news stood then: what it says after that counts again. */
  const absent = new Map<number, number>()
  let refusals = 0
  let given = 0
  const unlisten = asker.onClose((reason) =>
    handler.onGone(source, new PacsrvError('peer', `${session.remote} is gone`, asError(reason ?? 'closed'))),
  )

  /** From now on it is waited for. */
  function begun() {
    heard = gaveAt = clock.now()
    receivedThen = session.link.received
  }

  function settle(chunk: number) {
    requests.delete(chunk)
    if (requests.size === 0) meter.idle()
  }

  const source: ChunkSource = {
    kind: 'peer',
    id: session.id,
    label: `${session.remote} (${session.id.slice(0, 8)})`,
    near: isNear(session.remote),
    get partial() {
      return isPartial()
    },
    get news() {
      return partial?.news() ?? 0
    },
    /** Bytes of a chunk that is still on its way count: a slow line is not a dead one. */
    get heard() {
      if (requests.size === 0 && !busy) return undefined
      if (session.link.received - received >= PROGRESS_BYTES) {
        received = session.link.received
        heard = clock.now()
      }
      return heard
    },
    get waitingSince() {
      return requests.size === 0 && !busy ? undefined : gaveAt
    },
    get progress() {
      return session.link.received - receivedThen
    },
    /** Until a whole chunk has come, the bytes of the first tell; who sends none stays unknown. */
    rate() {
      const measured = meter.rate()
      const ms = clock.now() - gaveAt
      if (measured > 0 || requests.size === 0 || ms < JUDGED_AFTER_MS) return measured
      return (Math.min(chunkBytes, source.progress) * 1000) / ms
    },
    get latency() {
      return latency
    },
    has: (chunk) => !isPartial() || (partial!.has(chunk) && absent.get(chunk) !== source.news),
    ask(chunk) {
      if (requests.size === 0) {
        meter.started()
        received = session.link.received
        if (!busy) begun()
      }
      const askedAt = clock.now()
      const request = asker.chunk(sha256, chunk, (answer) => {
        const lacksIt = 'refused' in answer && answer.refused === 'absent' && isPartial()
        busy = 'refused' in answer && !lacksIt
        if (lacksIt) {
          absent.set(chunk, source.news)
          refusals++
        }
        if ('bytes' in answer) {
          given++
          meter.received(answer.bytes.length)
          begun()
          latency = Math.min(latency || Number.POSITIVE_INFINITY, clock.now() - askedAt)
        }
        settle(chunk)
        if ('bytes' in answer) handler.onChunk(source, chunk, answer.bytes)
        else if (answer.refused === 'busy' || (lacksIt && refusals < MOST_ABSENT + given))
          handler.onRefused(source, chunk)
        else close(new PacsrvError('peer', `${session.remote} no longer has the file (${answer.refused})`))
      })
      requests.set(chunk, request)
    },
    cancel(chunk) {
      const request = requests.get(chunk)
      if (request === undefined) return
      asker.cancel(request)
      settle(chunk)
    },
    close: () => close(undefined),
  }

  function close(error: PacsrvError | undefined) {
    unlisten()
    for (const request of requests.values()) asker.cancel(request)
    requests.clear()
    if (error) handler.onGone(source, error)
  }

  return source
}
