import type { IncomingMessage, ServerResponse } from 'node:http'
import { asError, PacsrvError } from '../base/error.ts'
import { sourcesLine } from '../base/progress.ts'
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
} from './fetch-answer.ts'
import { FRAME_HEADER_BYTES, FrameType, fieldsIn } from './fetch-stream.ts'
import { written } from './job-stream.ts'
import { findReady, type PackageSources, type ReadyFile } from './package-answer.ts'
import { SIGNATURE } from './signature-answer.ts'

const TEXT_LENGTH = 1_000
/** What is here has taken this long, in milliseconds: a rate is to be shown. */
const READY_MS = 1

/** What the front asks for. */
export interface FileRequest {
  url: string
  /** The caller's proxy variables and HTTP_USER_AGENT, for this job's curl only. */
  environment: Record<string, string>
  /** The pacman that calls: its pid and start time. Left out where it isn't pacman. */
  transaction?: string
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
  { fetch: { fetcher, readAhead, signatures, handovers, log }, packages }: FileDeps,
): Promise<void> {
  const askedAt = packages.clock.now()
  response.writeHead(200, { 'Content-Type': 'application/octet-stream' })
  try {
    const asked = parseFileRequest(await readBody(request, BODY_BYTES))
    const { url, transaction } = asked
    const located = await fetcher.locate(url.replace(SIGNATURE, ''), transaction)
    if ('reason' in located) return void response.end(textFrame(FrameType.mirror, located.reason))
    const { file } = located
    if (SIGNATURE.test(url)) {
      const bytes = (await packages.pledges.held(file.sha256)) ?? (await signatures.ready(located, asked))
      return void response.end(bytes ? whole(`${file.name}.sig`, bytes) : textFrame(FrameType.mirror, ''))
    }
    const note = () => handovers.gave(file, { askedAt, transaction })
    const head = [
      sizeFrame(file.size),
      ...(readAhead.isNew(asked) ? [frameHeader(FrameType.aheadWanted, 0)] : []),
    ]
    const ready = await findReady(located, packages)
    if (ready) {
      readAhead.asked(file.sha256, asked)
      response.once('finish', note)
      return await sendReady(ready, response, head)
    }
    response.write(Buffer.concat(head))
    const job = jobFor(fetcher, located, asked)
    response.once('finish', () => job.end?.result === 'done' && note())
    const handed = handOver(job, response, createVoice())
    // Only now: reading ahead lets the job go, and one that nobody follows stops.
    readAhead.asked(file.sha256, asked)
    await handed
  } catch (error) {
    logFault(log, error)
    response.end(textFrame(FrameType.mirror, asError(error).message))
  }
}

/** Only what is known is taken: the environment goes to a curl. Throws PacsrvError `usage`. */
export function parseFileRequest(body: string): FileRequest {
  const fields = fieldsIn(body)
  const url = fields.get('url')
  if (url === undefined) throw new PacsrvError('usage', 'the request names no URL')
  const transaction = fields.get('transaction')
  return {
    url,
    environment: knownEnvironment(Object.fromEntries(fields)),
    ...(transaction !== undefined && transaction.length <= TRANSACTION_LENGTH ? { transaction } : {}),
  }
}

/** A file that is here, of any size; it closes it. A small one goes out in one write: each costs the front a turn. */
async function sendReady(
  { handle, size, origin }: ReadyFile,
  response: ServerResponse,
  head: Buffer[],
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
    const progress = numbersFrame(FrameType.progress, size, READY_MS)
    response.end(Buffer.concat([...parts, progress, textFrame(FrameType.done, origin)]))
  } finally {
    await handle.close()
  }
}

function whole(name: string, bytes: Uint8Array): Buffer {
  const size = bytes.length
  return Buffer.concat([
    sizeFrame(size),
    frameHeader(FrameType.data, size),
    bytes,
    textFrame(FrameType.done, `${name}: ${size} bytes`),
  ])
}

function createVoice(): Voice {
  const since = performance.now()
  const progress = (done: number) => numbersFrame(FrameType.progress, done, performance.now() - since)
  return {
    progress: ({ done }) => progress(done),
    end(end: JobEnd, { name, size }) {
      if (end.result !== 'done') return textFrame(FrameType[end.result], end.reason)
      return Buffer.concat([progress(size), textFrame(FrameType.done, sourcesLine(name, end))])
    },
  }
}

const sizeFrame = (size: number) => numbersFrame(FrameType.size, size)

/** Each as u64. */
function numbersFrame(type: number, ...numbers: number[]): Buffer {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + 8 * numbers.length)
  frame[0] = type
  frame.writeUInt32BE(8 * numbers.length, 1)
  for (const [n, number] of numbers.entries())
    frame.writeBigUInt64BE(BigInt(Math.floor(number)), FRAME_HEADER_BYTES + 8 * n)
  return frame
}

function textFrame(type: number, text: string): Buffer {
  const bytes = Buffer.from(text.slice(0, TEXT_LENGTH))
  return Buffer.concat([frameHeader(type, bytes.length), bytes])
}
