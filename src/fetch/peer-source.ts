import type { Clock } from '../base/clock.ts'
import { asError, PacsrvError } from '../base/error.ts'
import type { Sha256 } from '../wire/messages.ts'
import type { Asker } from './ask.ts'
import { createRateMeter } from './rate-meter.ts'
import type { Source, SourceHandler } from './source.ts'

/** A holder as a source of one file's chunks. */
export function createPeerSource(
  { asker, clock }: { asker: Asker; clock: Clock },
  { sha256, handler }: { sha256: Sha256; handler: SourceHandler },
): Source {
  const { session } = asker
  const meter = createRateMeter(clock)
  /** Chunk to request number. */
  const requests = new Map<number, number>()
  let restedUntil = clock.now()
  let receivedAt = session.link.received
  let heard = clock.now()
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
    /** Bytes of a chunk that is still on its way count: a slow line is not a dead one. */
    get heard() {
      if (session.link.received !== receivedAt) {
        receivedAt = session.link.received
        heard = clock.now()
      }
      return Math.max(heard, restedUntil)
    },
    rate: meter.rate,
    has: () => true,
    ask(chunk) {
      if (requests.size === 0) {
        restedUntil = clock.now()
        meter.started()
      }
      const request = asker.chunk(sha256, chunk, (answer) => {
        if ('bytes' in answer) meter.received(answer.bytes.length)
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
