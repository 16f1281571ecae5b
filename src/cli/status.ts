import type { Config } from '../base/config.ts'
import { PacsrvError } from '../base/error.ts'
import { humanSize } from '../base/progress.ts'
import type { Status } from '../http/status.ts'
import { daemonOf, placeOf, systemProbe } from './check/check-probe.ts'

/** `pacsrv-xfer status`: throws PacsrvError `daemon` where no daemon answers. */
export async function runStatus(
  config: Config,
  { json, print }: { json: boolean; print(line: string): void },
): Promise<number> {
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
  if (json) print(JSON.stringify(answer.status))
  else for (const line of statusLines(answer.status, placeOf(config))) print(line)
  return 0
}

/**
 * The status for people. Throws PacsrvError `daemon` where what answered at `place`, another machine perhaps, said
 * something else.
 */
export function statusLines(status: unknown, place: string): string[] {
  try {
    return linesOf(status as Status).map((line) => line.replace(/[\x00-\x1f\x7f-\x9f]/g, '?'))
  } catch (error) {
    const fix = 'see [client] server, and whether that pacsrv is as new as this one'
    throw new PacsrvError('daemon', `what answers at ${place} isn't pacsrv's status; ${fix}`, error)
  }
}

function linesOf({ node, peers, files, transfers, totals, problems = [] }: Status): string[] {
  return [
    `Node        ${node.id}`,
    `            pacsrv ${node.version}, pid ${node.pid}`,
    `Listening   ${node.listen ?? 'nowhere'}, reachable: ${node.reachable}`,
    `Shared      ${files.count} files, ${humanSize(files.bytes)}`,
    `Neighbours  ${peers.length}`,
    ...peers.map(
      (peer) =>
        `            ${peer.address} (${peer.direction}, since ${peer.since}) ${peer.id.slice(0, 16)}`,
    ),
    `Transfers   ${transfers.length}`,
    ...transfers.map(
      ({ file, size, done, sources }) =>
        `            ${file}: ${humanSize(done)} of ${humanSize(size)} from ${sources} ${sources === 1 ? 'source' : 'sources'}`,
    ),
    `Received    ${humanSize(totals.fromPeers)} from peers, ${humanSize(totals.fromMirror)} from mirrors`,
    `Uploaded    ${humanSize(totals.uploaded)}`,
    `Rejected    ${totals.rejected}, banned ${totals.banned}`,
    ...problems.flatMap(({ problem, fix }) => [`Wrong       ${problem}`, `            fix: ${fix}`]),
  ]
}
