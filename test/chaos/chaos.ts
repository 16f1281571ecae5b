/**
 * A broken world: real pacman, each transaction with a fault or two, drawn from a seed. Counts what curl alone would
 * have managed and pacsrv didn't.
 * `npm run chaos -- [--seed N] [--count N] [--minutes N] [--from N] [--labs N]`; needs root, ip and pacman, and takes
 * pacman 7 in too where the end-to-end tests have laid a folder for it. The moments are the machine's, and daemons live
 * on from one transaction to the next: what fails once may need its predecessors (a smaller --from) or several tries.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createLab, whyNoLab } from '../e2e/lab.ts'
import { transact, trixie, type Verdict } from './transaction.ts'
import { createWorld } from './world.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    count: { type: 'string' },
    minutes: { type: 'string' },
    from: { type: 'string', default: '0' },
    labs: { type: 'string', default: '1' },
  },
})
const why = whyNoLab(['pacman-package-manager', 'libarchive-tools', 'zstd', 'curl', 'iproute2'])
if (why) {
  console.error(`chaos: ${why}`)
  process.exit(1)
}
const seed = Number(values.seed)
const from = Number(values.from)
const count = values.count ? Number(values.count) : values.minutes ? Number.POSITIVE_INFINITY : 100
const until = values.minutes ? Date.now() + Number(values.minutes) * 60_000 : Number.POSITIVE_INFINITY
const withSeven = existsSync(trixie())
const begin = Date.now()
console.log(`chaos: seed ${seed}, from ${from}, ${withSeven ? 'pacman 6 and 7' : 'pacman 6 alone'}`)

const ends: Record<Verdict['end'], number> = { good: 0, neither: 0, worse: 0, slow: 0 }
let next = from
/** Transactions after which the lab couldn't be set right: a fault of its own, which is told and counted too. */
let broken = 0

/** pacsrv's and the rival's own patience, twice over. */
const MOST_MS = 600_000
const tooLong = () =>
  sleep(MOST_MS, undefined, { ref: false }).then(() => Promise.reject(new Error('it hangs')))

async function work() {
  let lab = createLab()
  let world = await createWorld(lab)
  while (next < from + count && Date.now() < until) {
    const n = next++
    let verdict: Verdict
    try {
      verdict = await Promise.race([transact(world, seed, n, withSeven), tooLong()])
    } catch (error) {
      console.log(`broken #${n}: ${(error as Error).stack}`)
      broken++
      lab.close()
      lab = createLab()
      world = await createWorld(lab)
      continue
    }
    ends[verdict.end]++
    if (verdict.end === 'good') continue
    console.log(`${verdict.end} #${n}: ${verdict.says}`)
    if (verdict.end === 'neither') continue
    const path = join(tmpdir(), `pacsrv-chaos-${seed}-${n}.log`)
    writeFileSync(path, verdict.log)
    console.log(`  again: npm run chaos -- --seed ${seed} --from ${n} --count 1   (log: ${path})`)
  }
}

await Promise.all(Array.from({ length: Number(values.labs) }, work))
const all = Object.values(ends).reduce((sum, n) => sum + n, 0)
console.log(
  `${all} transactions, seed ${seed}, ${((Date.now() - begin) / 60_000).toFixed(1)} min: ${ends.good} good, ` +
    `${ends.neither} that curl couldn't do either, ${ends.slow} far slower, ` +
    `${broken > 0 ? `${broken} that broke the lab, ` : ''}` +
    `${ends.worse} that curl would have managed and pacsrv didn't`,
)
process.exit(ends.worse + broken > 0 ? 1 : 0)
