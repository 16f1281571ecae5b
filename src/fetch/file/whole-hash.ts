import { Worker } from 'node:worker_threads'
import type { Lent } from '../../base/lent-buffers.ts'
import { sha256 } from '../../base/sha256.ts'
import type { WholeHashAnswer, WholeHashOrder } from './whole-hash-worker.ts'

/** The SHA-256 of a file that is still being filled, computed beside the daemon's own thread. */
export interface WholeHash {
  /**
   * The first `bytes` of the file are there. `parts`: some of those that weren't there before, in order, for which
   * the file need not be read; each is released once it is hashed, or not wanted.
   */
  advance(bytes: number, parts?: FilePart[]): void
  /** What was hashed may have been wrong: starts over. */
  reset(): void
  /** The hash of the first `size` bytes, once they have been announced and hashed. */
  result(size: number): Promise<string>
  close(): void
}

export interface FilePart extends Lent {
  /** Where in the file it begins. */
  at: number
}

/** To hash 64 KiB takes 40 µs and to ask the thread 35 µs and a wake-up of it; 1 MiB takes 600 µs. */
const LARGE_BYTES = 256 * 1024
/** Bytes lent to the thread, at most: when it lags, the spool can wait for it. */
const MOST_LENT = 8 * 1024 * 1024

export interface WholeHasher {
  begin(path: string): WholeHash
  /** The SHA-256 of a chunk: at once, or of a large one from the thread; its bytes must stay as they are until then. */
  digest(bytes: Uint8Array): string | Promise<string>
  close(): Promise<void>
}

/** One worker thread serves all jobs; it is started by the first and does not keep the process alive. */
export function createWholeHasher(workerUrl: URL): WholeHasher {
  let worker: Worker | undefined
  let jobs = 0
  /** What the thread has been lent, in the order in which it will give it back. */
  let lent: FilePart[] = []
  let lentBytes = 0
  let digests = 0
  const digesting = new Map<number, { bytes: Uint8Array; resolve: (sha256: string) => void }>()
  const waiting = new Map<number, { resolve: (sha256: string) => void; reject: (error: Error) => void }>()

  function failAll(of: Worker, error: Error) {
    if (worker !== of) return
    worker = undefined
    lent = []
    lentBytes = 0
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
    for (const { bytes, resolve } of digesting.values()) resolve(sha256(bytes))
    digesting.clear()
  }

  function start(): Worker {
    const started = new Worker(workerUrl)
    started.unref()
    started.on('message', (answer: WholeHashAnswer) => {
      if ('digest' in answer) {
        digesting.get(answer.digest)?.resolve(answer.sha256)
        return void digesting.delete(answer.digest)
      }
      const { job, sha256, error, used } = answer
      if (used !== undefined) return takeBack(used)
      const asked = waiting.get(job)
      waiting.delete(job)
      if (sha256 === undefined) asked?.reject(new Error(error))
      else asked?.resolve(sha256)
    })
    started.on('error', (error) => failAll(started, error))
    started.on('exit', () => failAll(started, new Error('the hashing thread ended')))
    return started
  }

  function takeBack(count: number) {
    for (const { bytes, release } of lent.splice(0, count)) {
      lentBytes -= bytes.length
      release()
    }
  }

  /** Of `parts`, those that can be lent; the others are given back. */
  function lend(parts: FilePart[]): FilePart[] {
    return parts.filter((part) => {
      const can = part.bytes.buffer instanceof SharedArrayBuffer && lentBytes + part.bytes.length <= MOST_LENT
      if (!can) {
        part.release()
        return false
      }
      lentBytes += part.bytes.length
      lent.push(part)
      return true
    })
  }

  return {
    begin(path) {
      const job = jobs++
      worker ??= start()
      const mine = worker
      const tell = (order: WholeHashOrder) => mine.postMessage(order)
      tell({ job, open: path })
      return {
        advance(bytes, parts = []) {
          const lendable = worker === mine ? lend(parts) : []
          tell({ job, advance: bytes, parts: lendable.map(({ at, bytes }) => ({ at, bytes })) })
        },
        reset: () => tell({ job, reset: true }),
        result: (size) =>
          new Promise((resolve, reject) => {
            if (worker !== mine) return reject(new Error('the hashing thread ended'))
            waiting.set(job, { resolve, reject })
            tell({ job, finish: size })
          }),
        close: () => tell({ job, close: true }),
      }
    },
    digest(bytes) {
      if (!worker || bytes.length < LARGE_BYTES || !(bytes.buffer instanceof SharedArrayBuffer))
        return sha256(bytes)
      const digest = digests++
      worker.postMessage({ digest, bytes } satisfies WholeHashOrder)
      return new Promise((resolve) => void digesting.set(digest, { bytes, resolve }))
    },
    async close() {
      await worker?.terminate()
    },
  }
}
