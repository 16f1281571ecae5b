import { chunkCount } from '../../base/chunks.ts'
import type { Clock } from '../../base/clock.ts'
import { PacsrvError } from '../../base/error.ts'
import type { Limiter } from '../../base/limiter.ts'
import type { OpenMirror } from '../../mirror/curl.ts'
import { createMirrorSource } from './mirror-source.ts'
import type { ChunkSource, ChunkSourceHandler } from './source.ts'

/** The scheduler charges for what it asks of peers. */
const FREE: Limiter = { bytesPerSecond: undefined, charge() {}, wait: () => 0 }

/** A larger file isn't taken from a server without ranges: what it sends unasked would pile up in memory. */
const MOST_WITHOUT_RANGES = 64 * 1024 * 1024

/**
 * A server of pacredir's as a source among the peers: asked chunk by chunk as they are, it answers with streams that
 * go on for as long as the next chunk is one it was asked for. One without ranges is read from the start, and all it
 * brings is handed over.
 */
export function createPacserveSource(
  { open, clock }: { open: OpenMirror; clock: Clock },
  { url, size, label, handler }: { url: string; size: number; label: string; handler: ChunkSourceHandler },
): ChunkSource {
  const asked = new Set<number>()
  const end = chunkCount(size)
  /** The first chunk of the stream under way. */
  let first = 0
  let wholeOnly = false

  const stream = createMirrorSource(
    { open, clock, downloads: FREE },
    {
      url,
      size,
      environment: {},
      handler: {
        onReach(_, chunk) {
          wholeOnly ||= chunk < first
          if (wholeOnly && size > MOST_WITHOUT_RANGES) {
            stream.close()
            handler.onGone(source, new PacsrvError('peer', `${label} has no ranges`))
            return false
          }
          return wholeOnly || asked.has(chunk)
        },
        onChunk(_, chunk, bytes) {
          asked.delete(chunk)
          stream.settled(bytes.length)
          handler.onChunk(source, chunk, bytes)
        },
        onGone: (_, error) => handler.onGone(source, error),
        onRunEnd: next,
      },
    },
  )

  function next() {
    if (stream.streaming || asked.size === 0) return
    first = Math.min(...asked)
    stream.begin({ start: first, end })
  }

  const source: ChunkSource = {
    kind: 'peer',
    label,
    near: true,
    partial: false,
    news: 0,
    latency: 0,
    get heard() {
      return stream.heard
    },
    get waitingSince() {
      return stream.heard
    },
    progress: 0,
    rate: stream.rate,
    has: () => true,
    ask(chunk) {
      asked.add(chunk)
      next()
    },
    cancel: (chunk) => void asked.delete(chunk),
    close: stream.close,
  }
  return source
}
