import { chunkCount, chunkLength, chunkSize } from '../../base/chunks.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import { PacsrvError } from '../../base/error.ts'
import type { Limiter } from '../../base/limiter.ts'
import type { MirrorRequest, MirrorStream, OpenMirror } from '../../mirror/curl.ts'
import { createRateMeter } from './rate-meter.ts'
import type { StreamHandler, StreamSource } from './source.ts'

/** Bytes taken from curl and not yet on the disk, at most. */
const MOST_UNWRITTEN = 8 * 1024 * 1024

export interface MirrorSourceDeps {
  open: OpenMirror
  clock: Clock
  downloads: Limiter
  /** Buffers for chunks: from the pool, another thread hashes them where they are; others it reads from the disk. */
  acquire?(bytes: number): Buffer
}

/** A mirror as a source: it streams runs of chunks, each by one curl. */
export function createMirrorSource(
  { open, clock, downloads, acquire = Buffer.allocUnsafeSlow }: MirrorSourceDeps,
  {
    url,
    size,
    environment,
    handler,
  }: Pick<MirrorRequest, 'url' | 'size' | 'environment'> & { handler: StreamHandler },
): StreamSource {
  const meter = createRateMeter(clock)
  const step = chunkSize(size)
  const chunks = chunkCount(size)
  let stream: MirrorStream | undefined
  let heard = clock.now()
  /** Whether the mirror ignores ranges: its stream then begins at the file's start, and what is here is passed over. */
  let wholeOnly = false
  let position = 0
  let buffer: Uint8Array | undefined
  let unwritten = 0
  /** Calls off the wait for the rate, while the stream is held back by it. */
  let waiting: Cancel | undefined

  function endRun() {
    stream?.stop()
    stream = undefined
    waiting?.()
    waiting = undefined
    buffer = undefined
    meter.idle()
  }

  /** At a chunk's start: whether to take it, pass over it, or end. */
  function reach(chunk: number): boolean {
    if (handler.onReach(source, chunk)) {
      buffer = acquire(chunkLength(size, chunk))
      return true
    }
    buffer = undefined
    return wholeOnly
  }

  function go() {
    if (!waiting && unwritten <= MOST_UNWRITTEN) stream?.resume()
  }

  /** Holds the stream back while the download's rate is overdrawn. */
  function pay(bytes: number) {
    downloads.charge(bytes)
    const wait = downloads.wait()
    if (wait === 0 || waiting || !stream) return
    stream.pause()
    waiting = clock.after(wait, () => {
      waiting = undefined
      heard = clock.now()
      go()
    })
  }

  function take(bytes: Uint8Array) {
    heard = clock.now()
    meter.received(bytes.length)
    pay(bytes.length)
    for (let at = 0; at < bytes.length && stream; ) {
      const chunk = Math.floor(position / step)
      const within = position - chunk * step
      if (chunk >= chunks) return fail(new PacsrvError('mismatch', 'the mirror sent more than the file'))
      if (within === 0 && !reach(chunk)) return finishRun()
      const part = bytes.subarray(at, at + chunkLength(size, chunk) - within)
      buffer?.set(part, within)
      at += part.length
      position += part.length
      if (within + part.length === chunkLength(size, chunk) && buffer) deliver(chunk, buffer)
    }
  }

  function deliver(chunk: number, bytes: Uint8Array) {
    buffer = undefined
    unwritten += bytes.length
    if (unwritten > MOST_UNWRITTEN) stream?.pause()
    handler.onChunk(source, chunk, bytes)
  }

  function finishRun() {
    endRun()
    handler.onRunEnd(source)
  }

  function fail(error: PacsrvError) {
    endRun()
    handler.onGone(source, error)
  }

  const source: StreamSource = {
    kind: 'mirror',
    url,
    label: url.replace(/\/\/[^/@]*@/, '//'),
    /** While we hold it back it can't be heard, and that is no fault of its own. */
    get heard() {
      return stream && (waiting || unwritten > MOST_UNWRITTEN ? clock.now() : heard)
    },
    get streaming() {
      return stream !== undefined
    },
    rate: meter.rate,
    has: () => true,
    begin({ start, end }) {
      const first = wholeOnly ? 0 : start * step
      const until = Math.min(size, end * step)
      heard = clock.now()
      position = first
      meter.started()
      stream = open(
        { url, start: first, size, environment, ...(until < size && !wholeOnly ? { end: until - 1 } : {}) },
        {
          onStart(offset) {
            if (offset !== first) wholeOnly = true
            position = offset
          },
          onBytes: take,
          onEnd(error) {
            if (!stream) return
            if (error) fail(error)
            else if (position < until)
              fail(new PacsrvError('mismatch', `the mirror sent only ${position} of ${size} bytes`))
            else finishRun()
          },
        },
      )
    },
    settled(bytes) {
      unwritten -= bytes
      go()
    },
    close: endRun,
  }
  return source
}
