import type { IncomingMessage, ServerResponse } from 'node:http'
import { asError, PacsrvError } from '../base/error.ts'
import { progressLine, sourcesLine } from '../base/progress.ts'
import type { JobEnd } from '../fetch/job/order.ts'
import {
  BODY_BYTES,
  DATA_BYTES,
  type FetchDeps,
  frameHeader,
  handOver,
  jobFor,
  knownEnvironment,
  logFault,
  readBody,
  TRANSACTION_LENGTH,
  type Voice,
  written,
} from './fetch-answer.ts'
import { FrameType } from './fetch-stream.ts'
import { findReady, type PackageSources, type ReadyFile } from './package-answer.ts'
import { SIGNATURE } from './signature-answer.ts'

const MOST_COLUMNS = 1_000
const TEXT_LENGTH = 1_000

/** What the front asks for: `name=value`, each ended by a NUL, so that C needs no JSON. */
export interface FileRequest {
  url: string
  /** The caller's proxy variables and HTTP_USER_AGENT, for this job's curl only. */
  environment: Record<string, string>
  /** The pacman that calls: its pid and start time. Left out where it isn't pacman. */
  transaction?: string
  /** How wide its terminal is; 0 where there is none. */
  columns: number
}

export interface FileDeps {
  fetch: FetchDeps
  packages: PackageSources
}

/**
 * Answers POST /v1/file, the front's one request for a file: from here when it is here whole and verified, else as its
 * job brings it; a signature if it was fetched ahead; else the word that the mirrors are to be asked.
 */
export async function answerFile(
  request: IncomingMessage,
  response: ServerResponse,
  { fetch: { fetcher, readAhead, signatures, log }, packages }: FileDeps,
): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'application/octet-stream' })
  try {
    const asked = parseFileRequest(await readBody(request, BODY_BYTES))
    const { url, environment, transaction, columns } = asked
    const located = await fetcher.locate(url.replace(SIGNATURE, ''), transaction)
    if ('reason' in located) return void response.end(textFrame(FrameType.mirror, located.reason))
    const { file } = located
    if (SIGNATURE.test(url)) {
      const bytes =
        (await packages.pledges.held(file.sha256)) ?? (await signatures.ready(located, environment))
      return void response.end(
        bytes ? whole(`${file.name}.sig`, bytes, columns) : textFrame(FrameType.mirror, ''),
      )
    }
    const wanted = transaction !== undefined && readAhead.isNew(transaction, environment)
    const head = [sizeFrame(file.size), ...(wanted ? [frameHeader(FrameType.aheadWanted, 0)] : [])]
    const ready = await findReady(located, packages)
    if (ready) {
      readAhead.asked(file.sha256, environment)
      return await sendReady(ready, response, { head, line: lastLine(file, 1, ready.origin, columns) })
    }
    response.write(Buffer.concat(head))
    const handed = handOver(jobFor(fetcher, located, asked), response, textVoice(columns))
    // Only now: reading ahead lets the job go, and one that nobody follows stops.
    readAhead.asked(file.sha256, environment)
    await handed
  } catch (error) {
    logFault(log, error)
    response.end(textFrame(FrameType.mirror, asError(error).message))
  }
}

/** Only what is known is taken: the environment goes to a curl. Throws PacsrvError `usage`. */
export function parseFileRequest(body: string): FileRequest {
  const fields = new Map<string, string>()
  for (const field of body.split('\0')) {
    const equals = field.indexOf('=')
    if (equals > 0) fields.set(field.slice(0, equals), field.slice(equals + 1))
  }
  const url = fields.get('url')
  if (url === undefined) throw new PacsrvError('usage', 'the request names no URL')
  const transaction = fields.get('transaction')
  const columns = Math.floor(Number(fields.get('columns')))
  return {
    url,
    environment: knownEnvironment(Object.fromEntries(fields)),
    columns: columns > 0 ? Math.min(MOST_COLUMNS, columns) : 0,
    ...(transaction !== undefined && transaction.length <= TRANSACTION_LENGTH ? { transaction } : {}),
  }
}

/** A file that is here, of any size; it closes it. A small one goes out in one write: each costs the front a turn. */
async function sendReady(
  { handle, size }: ReadyFile,
  response: ServerResponse,
  { head, line }: { head: Buffer[]; line: string },
): Promise<void> {
  let parts = head
  try {
    for (let position = 0; position < size && !response.destroyed; ) {
      const bytes = Buffer.allocUnsafe(Math.min(DATA_BYTES, size - position))
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, position)
      if (bytesRead === 0) return void response.destroy() // cut short under us
      position += bytesRead
      parts.push(frameHeader(FrameType.data, bytesRead), bytes.subarray(0, bytesRead))
      if (position === size) break
      await written(response, Buffer.concat(parts))
      parts = []
    }
    response.end(Buffer.concat([...parts, textFrame(FrameType.done, line)]))
  } finally {
    await handle.close()
  }
}

function whole(name: string, bytes: Uint8Array, columns: number): Buffer {
  const size = bytes.length
  const line = lastLine({ name, size }, 1, `${name}: ${size} bytes`, columns)
  return Buffer.concat([
    sizeFrame(size),
    frameHeader(FrameType.data, size),
    bytes,
    textFrame(FrameType.done, line),
  ])
}

function textVoice(columns: number): Voice {
  const since = performance.now()
  const elapsed = () => performance.now() - since
  return {
    progress({ file: { name, size }, done }) {
      const line = columns > 0 ? progressLine({ name, done, size, elapsed: elapsed() }, columns) : ''
      return textFrame(FrameType.line, line)
    },
    end(end: JobEnd, file) {
      if (end.result !== 'done') return textFrame(FrameType[end.result], end.reason)
      return textFrame(FrameType.done, lastLine(file, elapsed(), sourcesLine(file.name, end), columns))
    },
  }
}

/** Without a terminal `plain`. */
function lastLine(
  { name, size }: { name: string; size: number },
  elapsed: number,
  plain: string,
  columns: number,
): string {
  return columns > 0 ? progressLine({ name, done: size, size, elapsed }, columns) : plain
}

function sizeFrame(size: number): Buffer {
  const frame = Buffer.concat([frameHeader(FrameType.size, 8), Buffer.alloc(8)])
  frame.writeBigUInt64BE(BigInt(size), frame.length - 8)
  return frame
}

function textFrame(type: number, text: string): Buffer {
  const bytes = Buffer.from(text.slice(0, TEXT_LENGTH))
  return Buffer.concat([frameHeader(type, bytes.length), bytes])
}
