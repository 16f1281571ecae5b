import type { ServerResponse } from 'node:http'
import { chunkSize } from '../base/chunks.ts'
import type { Clock } from '../base/clock.ts'
import type { ReadableFile } from '../base/readable-file.ts'
import type { Job } from '../fetch/job/job.ts'
import type { OpenMirror } from '../mirror/curl.ts'
import { createDrip } from './drip.ts'
import { createJobStream } from './job-stream.ts'
import { type ByteRange, READ_BYTES } from './send-file.ts'

/** What has left of a file for one who can't be told later that it was wrong. */
export interface Given {
  /** Where the next byte lies. */
  position: number
  /** Whether it is the file's, now that this is whole and right. */
  isRight(file: Pick<ReadableFile, 'read'>): Promise<boolean>
}

export interface PackageStreamOrder {
  range: ByteRange
  mirrors: string[]
  /** No byte leaves before it says yes; none at all when it says no. */
  pledge: Promise<boolean>
  /** Writes the head of the answer; it precedes the first byte. */
  begin(): void
}

/**
 * Gives what can't turn out wrong as it comes, until the job is over, or all has left, or it isn't to be. Where nothing is such
 * for too long, a few bytes come from a mirror (drip.ts). Resolves to what was given.
 */
export async function streamPackage(
  job: Job,
  response: ServerResponse,
  { range, mirrors, pledge, begin }: PackageStreamOrder,
  { clock, openMirror }: { clock: Clock; openMirror: OpenMirror },
): Promise<Given> {
  const step = chunkSize(job.file.size)
  let may: boolean | undefined
  let gaveUp = false
  /** What the chunks were that bytes have left of. */
  const chunks = new Map<number, string>()
  const dripped: { at: number; bytes: Buffer }[] = []
  let isDripping = false

  const stream = createJobStream(job, response, {
    start: range.start,
    atOnce: READ_BYTES,
    mostLent: READ_BYTES,
    reach: (at) => (may && !job.end ? Math.min(range.end + 1, job.certainTo(at, READ_BYTES)) : at),
    onSend(at, { length }) {
      if (!response.headersSent) begin()
      if (isDripping) return
      const last = Math.floor((at + length - 1) / step)
      for (let chunk = Math.floor(at / step); chunk <= last; chunk++) {
        const hash = job.hashOf(chunk)
        if (hash !== undefined && !chunks.has(chunk)) chunks.set(chunk, hash)
      }
    },
    leavesAtEnd: true,
    onRewind: (at) => at,
  })
  const drip = createDrip(
    { clock, open: openMirror },
    {
      mirrors,
      size: job.file.size,
      end: range.end,
      position: () => stream.position,
      may: () => may === true && stream.isIdle,
    },
    {
      onBytes(bytes) {
        dripped.push({ at: stream.position, bytes: Buffer.from(bytes) })
        isDripping = true
        stream.give(bytes)
        isDripping = false
      },
      onGiveUp() {
        gaveUp = true
        stream.wake()
      },
    },
  )
  void pledge.then((answer) => {
    may = answer
    stream.wake()
  })
  try {
    await stream.run(() => job.end !== undefined || may === false || gaveUp || stream.position > range.end)
  } finally {
    drip.stop()
    stream.close()
  }

  return {
    position: stream.position,
    async isRight(file) {
      for (const [chunk, hash] of chunks) if (job.hashOf(chunk) !== hash) return false
      for (const { at, bytes } of dripped) {
        const buffer = Buffer.alloc(bytes.length)
        await file.read(buffer, 0, buffer.length, at)
        if (!buffer.equals(bytes)) return false
      }
      return true
    },
  }
}
