import type { Cancel, Clock } from '../base/clock.ts'
import { SMALL_BYTES } from '../base/sizes.ts'
import type { MirrorHandler, MirrorRequest, MirrorStream, OpenMirror } from './curl.ts'
import type { FetchMany, SmallOutcome } from './curl-batch.ts'

/** While one curl is at work others wait for the next, but no longer than this, in milliseconds. */
const MOST_WAIT_MS = 200
const MOST_FILES = 40
/** When so few of a curl's files are still to come, its connections are being left idle: as many as wait may go by the next. */
const LAST_FILES = 5

interface Wanted {
  request: MirrorRequest
  handler: MirrorHandler
  /** By a curl of its own. */
  stream: MirrorStream | undefined
  over: boolean
  onOver(): void
}

/** What goes by curls of one environment. */
interface Queue {
  key: string
  waiting: Wanted[]
  running: number
  stopTimer: Cancel | undefined
}

export interface SmallFilesDeps {
  clock: Clock
  open: OpenMirror
  fetchMany: FetchMany
}

/**
 * Opens mirrors as `open` does, but while a curl is at work on one small file the next ones wait for it, and then go by
 * one curl together: a process, a connection and a greeting for each would take longer than the files. What that one
 * doesn't bring as it should be is asked for by itself.
 */
export function createSmallFiles({ clock, open, fetchMany }: SmallFilesDeps): OpenMirror {
  const queues = new Map<string, Queue>()

  function end(one: Wanted) {
    one.over = true
    one.onOver()
  }

  function openAlone(one: Wanted) {
    const { request, handler } = one
    one.stream = open(request, {
      ...handler,
      onEnd(error) {
        end(one)
        handler.onEnd(error)
      },
    })
  }

  function settle(one: Wanted, outcome: SmallOutcome | undefined) {
    if (one.over || one.stream) return
    const bytes = typeof outcome === 'object' ? outcome.bytes : undefined
    if (bytes?.length !== one.request.size) return openAlone(one)
    one.handler.onStart(0)
    one.handler.onBytes(bytes)
    if (one.over) return
    end(one)
    one.handler.onEnd(undefined)
  }

  async function fetchTogether(queue: Queue, batch: Wanted[]): Promise<void> {
    const abort = new AbortController()
    const onOver = () => {
      const left = batch.filter(({ over }) => !over).length
      if (left === 0) abort.abort()
      if (left <= LAST_FILES && queue.running === 1 && queue.waiting.length >= LAST_FILES) begin(queue)
    }
    for (const one of batch) one.onOver = onOver
    await fetchMany(
      batch.map(({ request }) => request.url),
      {
        environment: batch[0]!.request.environment,
        signal: abort.signal,
        most: SMALL_BYTES,
        onOutcome: (index, outcome) => settle(batch[index]!, outcome),
      },
    )
    for (const one of batch) settle(one, undefined)
  }

  function fetchAlone(one: Wanted): Promise<void> {
    return new Promise((resolve) => {
      one.onOver = resolve
      openAlone(one)
    })
  }

  function begin(queue: Queue) {
    queue.stopTimer?.()
    queue.stopTimer = undefined
    const batch = queue.waiting.splice(0, MOST_FILES)
    if (batch.length === 0) return
    queue.running++
    if (queue.waiting.length > 0) wait(queue)
    void (batch.length === 1 ? fetchAlone(batch[0]!) : fetchTogether(queue, batch)).then(() => {
      queue.running--
      if (queue.running === 0) begin(queue)
      if (queue.running === 0) queues.delete(queue.key)
    })
  }

  function wait(queue: Queue) {
    queue.stopTimer ??= clock.after(MOST_WAIT_MS, () => begin(queue))
  }

  function queueOf(environment: Record<string, string>): Queue {
    const key = JSON.stringify(environment)
    const queue = queues.get(key) ?? { key, waiting: [], running: 0, stopTimer: undefined }
    queues.set(key, queue)
    return queue
  }

  return (request, handler) => {
    const { start, size, environment } = request
    if (start > 0 || request.end !== undefined || size > SMALL_BYTES) return open(request, handler)
    const queue = queueOf(environment)
    const one: Wanted = { request, handler, stream: undefined, over: false, onOver() {} }
    queue.waiting.push(one)
    if (queue.running === 0) begin(queue)
    else wait(queue)
    return {
      stop() {
        queue.waiting = queue.waiting.filter((other) => other !== one)
        one.stream?.stop()
        end(one)
      },
      pause: () => one.stream?.pause(),
      resume: () => one.stream?.resume(),
    }
  }
}
