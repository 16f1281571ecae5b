/**
 * Runs every test file in a process of its own, a few at a time, and closes with `N passed, N failed`.
 * A file that runs no test, prints no total, hangs or dies has failed: uvu alone would let each of those pass.
 * What failed beside other files is run once more by itself, and counts as it ends there: it was the clock of a busy
 * machine, or a fault that comes and goes. Both runs are printed, and the file is named at the end.
 * Usage: run.ts [PATTERN…], each a part of a path under test/.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

interface Outcome {
  path: string
  passed: number
  failed: number
  skipped: number
}

const root = join(import.meta.dirname, '..')
const patterns = process.argv.slice(2)
const SECONDS = { e2e: 600, other: 120 }

const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .filter((path) => patterns.length === 0 || patterns.some((pattern) => path.includes(pattern)))
  .sort()

/** End-to-end files go by the clock: two at a time, at the end. Each has namespaces and folders of its own. */
const E2E_AT_ONCE = 2
/** If more fail than these, it wasn't by chance. */
const AGAIN_AT_MOST = 4
const isE2e = (path: string) => path.startsWith('e2e/')

function run(path: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', join('test', path)], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, NO_COLOR: '1' },
    })
    let output = ''
    let problem: string | undefined
    const startedAt = Date.now()
    child.stdout.on('data', (data) => {
      output += data
    })
    child.stderr.on('data', (data) => {
      output += data
    })
    const seconds = isE2e(path) ? SECONDS.e2e : SECONDS.other
    const timer = setTimeout(() => {
      problem = `still running after ${seconds} s`
      process.kill(-child.pid!, 'SIGKILL')
    }, seconds * 1000)
    child.on('close', (code) => {
      clearTimeout(timer)
      const outcome = { path, ...readOutcome(output) }
      if (code !== 0) problem ??= `exit ${code}`
      if (outcome.passed + outcome.failed + outcome.skipped === 0) problem ??= 'ran no test'
      if (problem && outcome.failed === 0) outcome.failed = 1
      const mark = outcome.failed > 0 ? `FAILED (${problem})` : 'ok'
      const took = ((Date.now() - startedAt) / 1000).toFixed(1)
      console.log(`${mark}  ${path}  ${outcome.passed} passed, ${outcome.skipped} skipped, ${took} s`)
      const skips = output.match(/^skipped: .*$/gm) ?? []
      if (outcome.failed > 0) console.log(output)
      else for (const line of skips) console.log(`  ${line}`)
      resolve(outcome)
    })
  })
}

function readOutcome(output: string): Omit<Outcome, 'path'> {
  const count = (word: string) =>
    [...output.matchAll(new RegExp(`^\\s*${word}:\\s+(\\d+)`, 'gm'))].reduce(
      (sum, m) => sum + Number(m[1]),
      0,
    )
  const total = count('Total')
  const passed = count('Passed')
  const skipped = count('Skipped')
  return { passed, skipped, failed: Math.max(0, total - passed) }
}

async function runAll(paths: string[], atOnce: number): Promise<Outcome[]> {
  const queue = [...paths]
  const outcomes: Outcome[] = []
  const worker = async () => {
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) outcomes.push(await run(path))
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return outcomes
}

/** Those that failed run again, one by one. */
async function runFailedAgain(outcomes: Outcome[]): Promise<Outcome[]> {
  const failed = outcomes.filter((outcome) => outcome.failed > 0)
  if (failed.length === 0 || failed.length > AGAIN_AT_MOST) return outcomes
  console.log(`Again, by themselves: ${failed.map(({ path }) => path).join(', ')}`)
  const again = await runAll(
    failed.map(({ path }) => path),
    1,
  )
  for (const { path, failed } of again)
    if (failed === 0) console.log(`FAILED beside others, passed by itself: ${path}`)
  return outcomes.map((outcome) => again.find(({ path }) => path === outcome.path) ?? outcome)
}

const outcomes = await runFailedAgain([
  ...(await runAll(
    files.filter((path) => !isE2e(path)),
    availableParallelism(),
  )),
  ...(await runAll(files.filter(isE2e), E2E_AT_ONCE)),
])
const sum = (key: 'passed' | 'failed' | 'skipped') =>
  outcomes.reduce((total, outcome) => total + outcome[key], 0)
const skipped = sum('skipped')
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = sum('failed') > 0 || sum('passed') === 0 ? 1 : 0
