import { request } from 'node:http'
import { createInterface } from 'node:readline'
import { systemClock } from '../base/clock.ts'
import type { Config } from '../base/config.ts'
import { PacsrvError } from '../base/error.ts'
import { humanSize } from '../base/progress.ts'
import type { PrefetchReport } from '../fetch/prefetch.ts'
import type { PrefetchLine } from '../http/prefetch-answer.ts'
import { createSparing } from '../net/sparing.ts'

/** `pacsrv-xfer prefetch`: exit status 1 when something of it could not be had. */
export async function runPrefetch(
  config: Config,
  { json, print }: { json: boolean; print(line: string): void },
): Promise<number> {
  const { metered } = config.network
  const why = metered ? undefined : await createSparing({ clock: systemClock }).why()
  if (why !== undefined) {
    print(
      json
        ? JSON.stringify({ skipped: why })
        : `nothing is fetched ahead: ${why}; [network] metered = yes does so all the same`,
    )
    return 0
  }
  const { socket } = config.server
  let last: PrefetchLine | undefined
  for await (const line of linesFrom(socket)) {
    last = JSON.parse(line) as PrefetchLine
    if ('problem' in last) throw new PacsrvError('daemon', last.problem)
    if (json && last.over) print(JSON.stringify(last.report))
    else if (!json) print(sentence(last.report, last.over))
  }
  if (!last || !('over' in last && last.over))
    throw new PacsrvError('daemon', 'the daemon ended before all was fetched')
  return last.report.failed > 0 ? 1 : 0
}

function sentence(
  { wanted, bytes, here, fetched, failed, fromPeers, fromMirror }: PrefetchReport,
  over: boolean,
) {
  if (wanted === 0) return 'the next upgrade needs nothing'
  const from = `${humanSize(fromPeers)} from peers, ${humanSize(fromMirror)} from mirrors`
  const missed = failed > 0 ? `; ${failed} could not be had, see the log` : ''
  const all = `${wanted} packages (${humanSize(bytes)}) of the next upgrade`
  return over
    ? `${all}: ${here} were here, ${fetched} came (${from})${missed}`
    : `${here + fetched} of ${all}; ${from}`
}

/** What the daemon answers, line by line, for as long as it takes. Throws PacsrvError `daemon` where none does. */
async function* linesFrom(socketPath: string): AsyncGenerator<string> {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request({ socketPath, path: '/v1/prefetch', method: 'POST' }, resolve).on('error', reject).end()
  }).catch((error) => {
    throw new PacsrvError('daemon', `no daemon answers at ${socketPath}; see pacsrv-xfer check`, error)
  })
  if (response.statusCode !== 200)
    throw new PacsrvError('daemon', 'the daemon that runs is an older one: restart it')
  yield* createInterface({ input: response })
}
