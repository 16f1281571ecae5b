import type { ServerResponse } from 'node:http'
import type { Job } from '../fetch/job/job.ts'

/** The bytes of a job's file on their way to one reader, as they come: never more of them in memory than two buffers. */
export interface JobStream {
  /** Where the next byte to leave lies. */
  readonly position: number
  /** It waits for bytes that may leave; what was sent is with the reader. */
  readonly isIdle: boolean
  /** Something else than the job has changed: what may leave, or whether it is over. */
  wake(): void
  /** Sends bytes that are had from elsewhere; only while it is idle. */
  give(bytes: Uint8Array): void
  /** Sends what may leave until `isOver`, or until the reader has gone; resolves when all that left has arrived. */
  run(isOver: () => boolean): Promise<void>
  /** Leaves the job. */
  close(): void
}

export interface JobStreamOrder {
  start: number
  /** Bytes that are read at a time. */
  atOnce: number
  /** Chunks larger than this are copied rather than lent: a slow reader would hold too much of them. */
  mostLent?: number
  /** Up to where bytes from `position` on may leave now. */
  reach(position: number): number
  /** Told before bytes leave, so that what stands before them can. */
  onSend(position: number, bytes: Uint8Array): void
  /** Nothing is read after the job's end: it is left at once then, however slow the reader is. */
  leavesAtEnd?: boolean
  /** What was readable was wrong: from where to go on. */
  onRewind(position: number): number
}

/** Follows the job at once. */
export function createJobStream(
  job: Pick<Job, 'follow' | 'lend' | 'read' | 'end'>,
  response: ServerResponse,
  {
    start,
    atOnce,
    mostLent = Number.POSITIVE_INFINITY,
    reach,
    onSend,
    leavesAtEnd = false,
    onRewind,
  }: JobStreamOrder,
): JobStream {
  let position = start
  /** Grows with each rewind: what was read before it must not be sent after it. */
  let round = 0
  let isIdle = false
  let wake = () => {}
  /** The two writes that may be under way, the older first. */
  let sent: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()]
  /** Made once there is something to read. */
  let buffers: Buffer[] = []
  const wakeUp = () => wake()
  response.once('close', wakeUp)
  const leave = job.follow({
    onChange() {
      if (leavesAtEnd && job.end) leave()
      wake()
    },
    onRewind() {
      round++
      position = onRewind(position)
      wake()
    },
  })

  function send(bytes: Uint8Array, done = () => {}) {
    const at = position
    position += bytes.length
    response.cork()
    onSend(at, bytes)
    sent = [sent[1], written(response, bytes).then(done)]
    response.uncork()
  }

  /** `most`: bytes that may leave. They are sent from memory where they still are there. */
  async function sendNext(most: number) {
    const lent = job.lend(position)
    if (lent && lent.bytes.length <= mostLent) return send(lent.bytes.subarray(0, most), lent.release)
    lent?.release()
    const now = round
    if (buffers.length === 0) buffers = [Buffer.allocUnsafeSlow(atOnce), Buffer.allocUnsafeSlow(atOnce)]
    const buffer = buffers.reverse()[0]!.subarray(0, most)
    try {
      await job.read(buffer, position)
    } catch (error) {
      // Its file may have been closed meanwhile.
      if (leavesAtEnd && job.end) return
      throw error
    }
    if (now === round && !response.destroyed) send(buffer)
  }

  return {
    get position() {
      return position
    },
    get isIdle() {
      return isIdle
    },
    wake: wakeUp,
    give: send,
    async run(isOver) {
      while (!response.destroyed && !isOver()) {
        await sent[0]
        if (response.destroyed || isOver()) break
        const most = reach(position) - position
        if (most > 0) {
          await sendNext(most)
          continue
        }
        await new Promise<void>((resolve) => {
          wake = resolve
          isIdle = true
        })
        isIdle = false
      }
      await Promise.all(sent)
    },
    close() {
      response.off('close', wakeUp)
      leave()
    },
  }
}

/** Resolves when the buffer may be used again, also when the other end has gone. */
export function written(response: ServerResponse, buffer: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      response.off('close', settle)
      resolve()
    }
    // node:http forgets the callback of what is written between its socket's end and its own close.
    response.once('close', settle)
    response.write(buffer, settle)
  })
}
