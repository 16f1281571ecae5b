import { reachOf } from '../base/address.ts'
import type { Clock } from '../base/clock.ts'
import { asError, PacsrvError } from '../base/error.ts'
import type { Sha256 } from '../wire/messages.ts'
import type { Asker } from './ask.ts'
import { UNKNOWN_RATE } from './chunk-plan.ts'
import { createRateMeter } from './rate-meter.ts'
import type { Source, SourceHandler } from './source.ts'

/** So many bytes are a part of a chunk on its way; fewer may be no more than a sign of life. */
const PROGRESS_BYTES = 4096

/** A holder as a source of one file's chunks, each of `chunkBytes` but the last. */
export function createPeerSource(
  { asker, clock }: { asker: Asker; clock: Clock },
  { sha256, chunkBytes, handler }: { sha256: Sha256; chunkBytes: number; handler: SourceHandler },
): Source {
  const { session } = asker
  const meter = createRateMeter(clock)
  /** Chunk to request number. */
  const requests = new Map<number, number>()
  let received = session.link.received
  let heard = clock.now()
  /** When a whole chunk last came, or it was asked after a rest. */
  let gaveAt = clock.now()
  /** Its last answer was that it is busy: to ask again is no new beginning. */
  let busy = false
  const unlisten = asker.onClose((reason) =>
    handler.onGone(source, new PacsrvError('peer', `${session.remote} is gone`, asError(reason ?? 'closed'))),
  )

  function settle(chunk: number) {
    requests.delete(chunk)
    if (requests.size === 0) meter.idle()
  }

  const source: Source = {
    kind: 'peer',
    label: `${session.remote} (${session.id.slice(0, 8)})`,
    near: reachOf(session.remote) !== 'world',
    /** Bytes of a chunk that is still on its way count: a slow line is not a dead one. */
    get heard() {
      if (requests.size === 0 && !busy) return undefined
      if (session.link.received - received >= PROGRESS_BYTES) {
        received = session.link.received
        heard = clock.now()
      }
      return heard
    },
    /** Who has long given nothing is no longer unknown: it is that slow at best. */
    rate() {
      const measured = meter.rate()
      if (measured > 0 || requests.size === 0) return measured
      const best = (chunkBytes * 1000) / (clock.now() - gaveAt)
      return best < UNKNOWN_RATE ? best : 0
    },
    has: () => true,
    ask(chunk) {
      if (requests.size === 0) {
        meter.started()
        received = session.link.received
        if (!busy) heard = gaveAt = clock.now()
      }
      const request = asker.chunk(sha256, chunk, (answer) => {
        busy = 'refused' in answer
        if ('bytes' in answer) {
          meter.received(answer.bytes.length)
          heard = gaveAt = clock.now()
        }
        settle(chunk)
        if ('bytes' in answer) handler.onChunk(source, chunk, answer.bytes)
        else if (answer.refused === 'busy') handler.onRefused(source, chunk)
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
