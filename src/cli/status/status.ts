import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../../base/config.ts'
import { asError, PacsrvError } from '../../base/error.ts'
import { counted, humanSize } from '../../base/progress.ts'
import type { Status } from '../../http/status.ts'
import { daemonOf, placeOf, systemProbe } from '../check/check-probe.ts'
import { activity, ratesOf, type Sample, savedLines } from './activity.ts'
import { openScreen, type Screen } from './screen.ts'
import { watch } from './watch.ts'

/** How often `--watch` looks, and how long the rate of downloads is measured without it, in milliseconds. */
const WATCH_MS = 1_000
const MEASURE_MS = 500

export interface StatusOptions {
  json: boolean
  watch: boolean
  print(line: string): void
  /** Of a failure, as `--json` has it. */
  asJson(error: unknown): string
}

/** `pacsrv-xfer status`: throws PacsrvError `daemon` where no daemon answers. */
export async function runStatus(config: Config, options: StatusOptions): Promise<number> {
  if (options.watch) return runWatch(config, options)
  const first = await sampleOf(config)
  const { json, print } = options
  if (json) {
    print(JSON.stringify(first.status))
    return 0
  }
  const samples = [first]
  if (first.status?.transfers?.length > 0) {
    await sleep(MEASURE_MS)
    samples.push(await sampleOf(config))
  }
  for (const line of statusLines(samples, placeOf(config))) print(line)
  return 0
}

/** Until Ctrl-C, which is how it is meant to end. */
async function runWatch(config: Config, { json, print, asJson }: StatusOptions): Promise<number> {
  const over = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => over.abort())
  const screen = json ? jsonLines(print) : openScreen(process.stdout, process.env.TERM)
  // However it ends, the terminal is as it was.
  process.once('exit', screen.close)
  let due = performance.now()
  await watch({
    screen,
    signal: over.signal,
    look: () => sampleOf(config),
    lines: (samples) =>
      json ? [JSON.stringify(samples.at(-1)!.status)] : statusLines(samples, placeOf(config)),
    failureLines: (error) => [json ? asJson(error) : asError(error).message],
    async pause() {
      due = Math.max(due + WATCH_MS, performance.now())
      await sleep(due - performance.now(), undefined, { signal: over.signal }).catch(() => {})
    },
  })
  process.exit(0)
}

const jsonLines = (print: (line: string) => void): Screen => ({
  show: (lines) => lines.forEach(print),
  close() {},
})

async function sampleOf(config: Config): Promise<Sample> {
  const answer = await systemProbe(daemonOf(config)).status()
  if ('failure' in answer) {
    const why = {
      absent: 'nobody listens there',
      denied: 'no permission',
      silent: 'it is silent',
      foreign: 'it is something else',
    }
    throw new PacsrvError(
      'daemon',
      `no daemon answers at ${placeOf(config)}: ${why[answer.failure]}; see pacsrv-xfer check`,
    )
  }
  return { at: performance.now(), status: answer.status as Status }
}

/**
 * The last of these samples for people. Throws PacsrvError `daemon` where what answered at `place`, another machine
 * perhaps, said something else.
 */
export function statusLines(samples: readonly Sample[], place: string): string[] {
  try {
    const { status } = samples.at(-1)!
    const lines = [...activity({ status, rates: ratesOf(samples) }), '', ...linesOf(status)]
    return lines.map((line) => line.replace(/[\x00-\x1f\x7f-\x9f]/g, '?'))
  } catch (error) {
    const fix = 'see [client] server, and whether that pacsrv is as new as this one'
    throw new PacsrvError('daemon', `what answers at ${place} isn't pacsrv's status; ${fix}`, error)
  }
}

function linesOf({ node, peers, files, transfers, totals, figures, problems = [] }: Status): string[] {
  const row = (name: string, [first = '', ...more]: string[]) => [
    `${name.padEnd(12)}${first}`,
    ...more.map((line) => `            ${line}`),
  ]
  return [
    ...row('Node', [node.id, `pacsrv ${node.version}, pid ${node.pid}`]),
    ...row('Listening', [`${node.listen ?? 'nowhere'}, reachable: ${node.reachable}`]),
    ...row('Shared', [`${counted(files.count, 'file')}, ${humanSize(files.bytes)}`]),
    ...row('Neighbours', [
      `${peers.length}`,
      ...peers.map(
        ({ address, direction, since, id }) => `${address} (${direction}, since ${since}) ${id.slice(0, 16)}`,
      ),
    ]),
    ...row('Transfers', [
      `${transfers.length}`,
      ...transfers.map(
        ({ file, size, done, sources }) =>
          `${file}: ${humanSize(done)} of ${humanSize(size)} from ${counted(sources, 'source')}`,
      ),
    ]),
    // A daemon of an older version counts only since its start.
    ...(figures ? row('Saved', savedLines(figures)) : []),
    ...row('Received', [
      `${humanSize(totals.fromPeers)} from peers, ${humanSize(totals.fromMirror)} from mirrors since the start`,
    ]),
    ...row('Uploaded', [humanSize(totals.uploaded)]),
    ...row('Rejected', [`${totals.rejected}, banned ${totals.banned}`]),
    ...problems.flatMap(({ problem, fix }) => row('Wrong', [problem, `fix: ${fix}`])),
  ]
}
