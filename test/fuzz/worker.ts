/** Fuzzes one target in a thread of its own: whoever started it sees the input that it hangs or dies at. */
import { parentPort, workerData } from 'node:worker_threads'
import { startCoverage } from './coverage.ts'
import { type FuzzResult, fuzz } from './engine.ts'
import { targets } from './targets.ts'

export interface WorkerTask {
  name: string
  seed: number
  count: number
  /** The number of the input that runs, its length, then its bytes. */
  shared: SharedArrayBuffer
}

export type WorkerAnswer = Omit<FuzzResult, 'failures'> & {
  functions: number
  failures: { input: string; error: string }[]
}

const { name, seed, count, shared } = workerData as WorkerTask
const numbers = new Int32Array(shared, 0, 2)
const bytes = Buffer.from(shared, 8)
const target = targets.find((one) => one.name === name)!
const coverage = startCoverage()
const thrown: unknown[] = []
// What escapes from a callback is a finding like what is thrown at once, and is told with the input of that moment.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => void thrown.push(error))
}
const watched = {
  ...target,
  async run(input: Buffer) {
    const later = target.run(input)
    if (later) await later
    if (thrown.length > 0) throw thrown.splice(0)[0]
  },
}
const result = await fuzz(watched, {
  seed,
  count,
  coverage,
  before(input) {
    numbers[1] = input.length
    bytes.set(input)
    Atomics.add(numbers, 0, 1)
  },
})
const answer: WorkerAnswer = {
  ...result,
  functions: coverage.functions,
  failures: result.failures.map(({ input, error }) => ({
    input: input.toString('base64'),
    error: (error as Error).stack ?? String(error),
  })),
}
parentPort!.postMessage(answer)
