import { Worker } from 'node:worker_threads'
import type { HashAnswer, HashOrder } from './whole-hash-worker.ts'

/** The SHA-256 of a file that is still being filled, computed beside the daemon's own thread. */
export interface WholeHash {
  /** The first `bytes` of the file are there. */
  advance(bytes: number): void
  /** What was hashed may have been wrong: begins anew. */
  reset(): void
  /** The hash of the first `size` bytes, once they have been announced and hashed. */
  result(size: number): Promise<string>
  close(): void
}

export interface WholeHasher {
  begin(path: string): WholeHash
  close(): Promise<void>
}

/** One worker thread serves all jobs; it is started by the first and does not keep the process alive. */
export function createWholeHasher(workerUrl: URL): WholeHasher {
  let worker: Worker | undefined
  let jobs = 0
  const waiting = new Map<number, { resolve: (sha256: string) => void; reject: (error: Error) => void }>()

  function failAll(of: Worker, error: Error) {
    if (worker !== of) return
    worker = undefined
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }

  function start(): Worker {
    const started = new Worker(workerUrl)
    started.unref()
    started.on('message', ({ job, sha256, error }: HashAnswer) => {
      const asked = waiting.get(job)
      waiting.delete(job)
      if (sha256 === undefined) asked?.reject(new Error(error))
      else asked?.resolve(sha256)
    })
    started.on('error', (error) => failAll(started, error))
    started.on('exit', () => failAll(started, new Error('the hashing thread ended')))
    return started
  }

  return {
    begin(path) {
      const job = jobs++
      worker ??= start()
      const mine = worker
      const tell = (order: HashOrder) => mine.postMessage(order)
      tell({ job, open: path })
      return {
        advance: (bytes) => tell({ job, advance: bytes }),
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
    async close() {
      await worker?.terminate()
    },
  }
}
