import { Worker } from 'node:worker_threads'
import type { Cancel, Clock } from '../base/clock.ts'
import { asError } from '../base/error.ts'
import type { FileHashes, HashFile } from './hash-file.ts'

/** What the thread is told. */
export interface HashOrder {
  path: string
  known: readonly FileHashes[]
}

/** What the thread sends back; an Error's `code` would not survive the way. */
export type HashAnswer =
  | { hashes: FileHashes }
  | { hashes?: undefined; message: string; code: string | undefined }

export interface HashWorker {
  /** One file at a time, in the order asked for. */
  hashFile: HashFile
  /** Ends the thread; what is under way is rejected. */
  close(): Promise<void>
}

interface Job {
  resolve(hashes: FileHashes): void
  reject(error: Error): void
}

/** An idle thread keeps some 10 MB; starting one takes 30 ms. */
const IDLE_MS = 10_000

/** Hashes files in a thread of its own, whose main is hash-worker. It starts when needed and ends when idle. */
export function createHashWorker({ clock }: { clock: Clock }, workerUrl: URL | string): HashWorker {
  let worker: Worker | undefined
  let idle: Cancel | undefined
  const jobs: Job[] = []

  function start(): Worker {
    const started = new Worker(workerUrl)
    started.on('message', (answer: HashAnswer) => {
      const job = jobs.shift()
      if (jobs.length === 0) rest()
      if (answer.hashes) job?.resolve(answer.hashes)
      else job?.reject(Object.assign(new Error(answer.message), { code: answer.code }))
    })
    started.on('error', (error) => fail(started, asError(error)))
    started.on('exit', () => fail(started, new Error('the hashing thread has ended')))
    return started
  }

  function rest() {
    worker?.unref()
    idle = clock.after(IDLE_MS, () => void close())
  }

  function fail(failed: Worker, error: Error) {
    if (failed !== worker) return
    worker = undefined
    for (const job of jobs.splice(0)) job.reject(error)
  }

  async function close() {
    idle?.()
    const ending = worker
    if (!ending) return
    fail(ending, new Error('hashing was called off'))
    await ending.terminate()
  }

  return {
    close,
    hashFile: (path, known = []) =>
      new Promise((resolve, reject) => {
        idle?.()
        worker ??= start()
        worker.ref()
        jobs.push({ resolve, reject })
        worker.postMessage({ path, known } satisfies HashOrder)
      }),
  }
}
