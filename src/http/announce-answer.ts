import type { IncomingMessage, ServerResponse } from 'node:http'
import { counted, humanSize } from '../base/progress.ts'
import type { HandedOver } from '../fetch/handovers.ts'
import { type FetchDeps, frameHeader, readBody, TRANSACTION_LENGTH } from './fetch-answer.ts'
import { FrameType, fieldsIn } from './fetch-stream.ts'

const BODY_BYTES = 1024

/**
 * Answers POST /v1/announce, by which the hook tells that a transaction is over: one line for its user, where pacman was
 * given something. Who names no transaction, or a front of an older version, gets none.
 */
export async function answerAnnounce(
  request: IncomingMessage,
  response: ServerResponse,
  announce: () => void,
  { handovers }: Pick<FetchDeps, 'handovers'>,
): Promise<void> {
  announce()
  const fields = fieldsIn(await readBody(request, BODY_BYTES))
  const transaction = fields.get('transaction')
  const age = Number(fields.get('age'))
  const isAsked = transaction !== undefined && transaction.length <= TRANSACTION_LENGTH && age >= 0
  const handed = isAsked ? handovers.to(transaction, age) : undefined
  if (!handed) return void response.writeHead(204).end()
  const line = Buffer.from(summaryLine(handed))
  response.writeHead(200, { 'Content-Type': 'application/octet-stream' })
  response.end(Buffer.concat([frameHeader(FrameType.line, line.length), line]))
}

/** `pacsrv: 12 packages, 54.0 MiB: 90 % from 3 peers, 10 % from the mirror, in 5.2 s.` In ASCII, for any terminal. */
export function summaryLine({ packages, bytes, fromPeers, fromMirror, peers, ms }: HandedOver): string {
  const parts = [
    { bytes: fromPeers, what: `from ${counted(peers, 'peer')}` },
    { bytes: fromMirror, what: 'from the mirror' },
    { bytes: Math.max(0, bytes - fromPeers - fromMirror), what: 'from this machine' },
  ].filter((part) => part.bytes > 0)
  const shares =
    parts.length === 1
      ? `all ${parts[0]!.what}`
      : parts.map((part) => `${percent(part.bytes / bytes)} ${part.what}`).join(', ')
  const what = `${counted(packages, 'package')}, ${humanSize(bytes)}`
  return `pacsrv: ${what}: ${shares}, in ${(ms / 1000).toFixed(1)} s.`
}

/** Nothing that is there is 0 %, nor is a part 100 %. */
const percent = (share: number) => `${Math.min(99, Math.max(1, Math.round(share * 100)))} %`
