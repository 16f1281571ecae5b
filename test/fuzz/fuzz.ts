/**
 * Every parser, and the live overlay, with inputs made from real ones by a seed, guided by what of src/ they reach.
 * `npm run fuzz -- [--seed N] [--count N] [--target PART-OF-NAME,…] [--jobs N]`; 1,000,000 inputs each without --count.
 * What fails is kept in /tmp and told with its seed; put it into test/fuzz/cases/TARGET once it is mended.
 * The C front's own fuzzer, front.sh, runs last, where it is there.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { Target } from './target.ts'
import { targets } from './targets.ts'
import type { WorkerAnswer, WorkerTask } from './worker.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    count: { type: 'string', default: '1000000' },
    target: { type: 'string', default: '' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
})
const seed = Number(values.seed)
const count = Number(values.count)
/** One input may take so long, in milliseconds; a busy machine's pauses are shorter. */
const HANG_MS = 10_000
const INPUT_BYTES = 64 * 1024

/** A thread doesn't take tsx over from the one that starts it. */
const START = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(
  join(import.meta.dirname, 'worker.ts'),
)}) })`

let failed = 0

function tell(target: Target, input: Buffer, what: string) {
  const path = join(tmpdir(), `pacsrv-fuzz-${target.name.replaceAll(/\W+/g, '-')}-${seed}-${failed++}`)
  writeFileSync(path, input)
  console.log(`FOUND ${target.name}, seed ${seed}: ${what}\n  input: ${path} (${input.length} bytes)`)
}

function run(target: Target): Promise<void> {
  const begin = performance.now()
  const shared = new SharedArrayBuffer(8 + INPUT_BYTES)
  const numbers = new Int32Array(shared, 0, 2)
  const task: WorkerTask = { name: target.name, seed, count, shared }
  const worker = new Worker(START, { eval: true, workerData: task })
  const input = () => Buffer.from(new Uint8Array(shared, 8, numbers[1]!))
  return new Promise((resolve) => {
    let last = -1
    const watch = setInterval(() => {
      if (numbers[0] === last && last > 0) {
        tell(target, input(), `one input takes over ${HANG_MS / 1000} s`)
        ended = true
        void worker.terminate()
      }
      last = numbers[0]!
    }, HANG_MS)
    let ended = false
    worker.once('message', ({ inputs, kept, functions, failures }: WorkerAnswer) => {
      ended = true
      for (const one of failures) tell(target, Buffer.from(one.input, 'base64'), one.error)
      const seconds = (performance.now() - begin) / 1000
      console.log(
        `${target.name}: ${inputs} inputs in ${seconds.toFixed(0)} s, ${kept} kept, ${functions} functions reached`,
      )
    })
    worker.once('error', (error) => {
      ended = true
      tell(target, input(), String(error.stack))
    })
    worker.once('exit', (code) => {
      if (!ended) tell(target, input(), `it ended with ${code}`)
      clearInterval(watch)
      resolve()
    })
  })
}

const wanted = values.target.split(',')
const isWanted = (name: string) => wanted.some((part) => name.includes(part))
const chosen = targets.filter(({ name }) => isWanted(name))
console.log(`fuzz: seed ${seed}, ${count} inputs for each of ${chosen.length} targets`)
const queue = [...chosen]
await Promise.all(
  Array.from({ length: Number(values.jobs) }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await run(next)
  }),
)
const front = join(import.meta.dirname, 'front.sh')
if (existsSync(front) && isWanted('front')) {
  const { status } = spawnSync('sh', [front, `-runs=${count}`], { stdio: 'inherit' })
  if (status !== 0) failed++
}
console.log(`${chosen.length} targets, ${failed} found, seed ${seed}`)
process.exit(failed > 0 ? 1 : 0)
