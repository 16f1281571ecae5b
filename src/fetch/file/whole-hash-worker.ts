/** The thread behind whole-hash.ts: hashes each file as far as it was told that it is there. */
import { createHash, type Hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { sha256 } from '../../base/sha256.ts'

export type WholeHashOrder = FileOrder | DigestOrder
/** The SHA-256 of these bytes alone. */
interface DigestOrder {
  digest: number
  bytes: Uint8Array
}
type FileOrder = { job: number } & (
  | { open: string }
  /** `parts`: some of the bytes up to there, in order. */
  | { advance: number; parts: WholeHashPart[] }
  | { reset: true }
  | { finish: number }
  | { close: true }
)
export interface WholeHashPart {
  /** Where in the file it begins. */
  at: number
  bytes: Uint8Array
}
export type WholeHashAnswer = FileAnswer | DigestAnswer
interface DigestAnswer {
  digest: number
  sha256: string
}
interface FileAnswer {
  job: number
  /** Parts that are no longer needed: the oldest that were sent, of all jobs. */
  used?: number
  sha256?: string
  error?: string
}

interface Job {
  path: string
  fd: number
  hash: Hash
  at: number
}

const jobs = new Map<number, Job>()
const buffer = Buffer.allocUnsafeSlow(1024 * 1024)

function take(job: Job, { at, bytes }: WholeHashPart): void {
  advance(job, at)
  if (job.at !== at) return
  job.hash.update(bytes)
  job.at += bytes.length
}

function advance(job: Job, bytes: number): void {
  if (job.fd < 0 && job.at < bytes) job.fd = openSync(job.path, 'r')
  while (job.at < bytes) {
    const read = readSync(job.fd, buffer, 0, Math.min(buffer.length, bytes - job.at), job.at)
    if (read === 0) throw new Error(`${job.path} ends at ${job.at}`)
    job.hash.update(buffer.subarray(0, read))
    job.at += read
  }
}

function close(id: number): void {
  const job = jobs.get(id)
  if (job && job.fd >= 0) closeSync(job.fd)
  jobs.delete(id)
}

function obey(order: FileOrder): void {
  if ('open' in order) {
    jobs.set(order.job, { path: order.open, fd: -1, hash: createHash('sha256'), at: 0 })
    return
  }
  const job = jobs.get(order.job)
  if (!job) return
  if ('advance' in order) {
    for (const part of order.parts) take(job, part)
    advance(job, order.advance)
  } else if ('reset' in order) Object.assign(job, { hash: createHash('sha256'), at: 0 })
  else if ('close' in order) close(order.job)
  else {
    advance(job, order.finish)
    answer({ job: order.job, sha256: job.hash.digest('hex') })
    Object.assign(job, { hash: createHash('sha256'), at: 0 })
  }
}

function answer(message: WholeHashAnswer): void {
  parentPort!.postMessage(message)
}

parentPort!.on('message', (order: WholeHashOrder) => {
  if ('digest' in order) return answer({ digest: order.digest, sha256: sha256(order.bytes) })
  try {
    obey(order)
  } catch (error) {
    answer({ job: order.job, error: String(error) })
  }
  if ('parts' in order) answer({ job: order.job, used: order.parts.length })
})
