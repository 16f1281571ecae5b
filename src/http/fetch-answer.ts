import type { IncomingMessage, ServerResponse } from 'node:http'
import { mirrorsFor } from '../base/caller-environment.ts'
import { asError, PacsrvError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { CallersAhead } from '../fetch/callers-ahead.ts'
import type { Fetcher } from '../fetch/downloads.ts'
import type { Handovers } from '../fetch/handovers.ts'
import type { Job, JobEnd } from '../fetch/job/job.ts'
import type { Located } from '../fetch/locator.ts'
import type { Prefetch } from '../fetch/prefetch.ts'
import type { Signatures } from '../fetch/signatures/signatures.ts'
import { CURL_ENVIRONMENT, FRAME_HEADER_BYTES, FrameType, HEARTBEAT_MS } from './fetch-stream.ts'
import { createJobStream } from './job-stream.ts'

export const BODY_BYTES = 64 * 1024
const AHEAD_BYTES = 1024 * 1024
const AHEAD_FILES = 2_000
export const TRANSACTION_LENGTH = 64
export const DATA_BYTES = 512 * 1024

export interface FetchDeps {
  fetcher: Fetcher
  readAhead: CallersAhead
  signatures: Signatures
  prefetch: Prefetch
  handovers: Handovers
  log: Log
}

/** The job of what was asked for, from the mirrors that this caller may be served from. */
export function jobFor(
  fetcher: Pick<Fetcher, 'fetch'>,
  { file, mirrors }: Pick<Located, 'file' | 'mirrors'>,
  { url, environment }: { url: string; environment: Record<string, string> },
): Job {
  return fetcher.fetch({ file, mirrors: mirrorsFor(mirrors, url, environment) }, environment)
}

/** Nonsense from this machine's users isn't worth a line: they could write as many as they like. */
export function logFault(log: Log, thrown: unknown): void {
  const error = asError(thrown)
  const isNonsense = error instanceof SyntaxError || (error instanceof PacsrvError && error.code === 'usage')
  log[isNonsense ? 'debug' : 'warn']({ err: error }, 'a file could not be handed over')
}

/** How an answer says what isn't the file's own bytes: a frame each. */
export interface Voice {
  progress(job: Job): Buffer
  end(end: JobEnd, file: Job['file']): Buffer
}

/** Streams what is readable until the job is over; resolves when the answer has ended. */
export async function handOver(job: Job, response: ServerResponse, voice: Voice): Promise<void> {
  const stream = createJobStream(job, response, {
    start: 0,
    atOnce: DATA_BYTES,
    reach: () => job.readable,
    onSend: (_, { length }) => void response.write(frameHeader(FrameType.data, length)),
    onRewind() {
      response.write(frameHeader(FrameType.rewind, 0))
      return 0
    },
  })
  const heartbeat = setInterval(() => response.write(voice.progress(job)), HEARTBEAT_MS)
  try {
    await stream.run(() => {
      if (!job.end) return false
      return job.end.result !== 'done' || stream.position >= job.readable
    })
    if (job.end && !response.destroyed) response.end(voice.end(job.end, job.file))
  } finally {
    clearInterval(heartbeat)
    stream.close()
  }
}

export function frameHeader(type: number, length: number): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES)
  header[0] = type
  header.writeUInt32BE(length, 1)
  return header
}

export function readBody(request: IncomingMessage, most: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let length = 0
    request.on('data', (part: Buffer) => {
      length += part.length
      if (length <= most) parts.push(part)
      else reject(new PacsrvError('usage', 'the request is too long'))
    })
    request.once('end', () => resolve(Buffer.concat(parts).toString('utf8')))
    request.once('error', reject)
    request.once('close', () => reject(new PacsrvError('usage', 'the request was cut short')))
  })
}

/** A line's end in HTTP_USER_AGENT would begin another header. */
const CONTROL = /[\x00-\x1f\x7f]/

/** Only what is known is taken: the environment goes to a curl. */
export function knownEnvironment(given: unknown): Record<string, string> {
  const known = CURL_ENVIRONMENT.flatMap((key) => {
    const value = (given as Record<string, unknown> | undefined)?.[key]
    return typeof value === 'string' && !CONTROL.test(value) ? [[key, value] as const] : []
  })
  return Object.fromEntries(known)
}

/** Answers POST /v1/ahead: what of the list the databases name is fetched before it is asked for. */
export async function answerAhead(
  request: IncomingMessage,
  response: ServerResponse,
  { fetcher, readAhead, signatures }: FetchDeps,
): Promise<void> {
  const said: unknown = JSON.parse(await readBody(request, AHEAD_BYTES))
  const asked = (typeof said === 'object' && said !== null ? said : {}) as Record<string, unknown>
  const { urls, environment: given } = asked
  const named = asked.transaction
  const transaction = typeof named === 'string' && named.length <= TRANSACTION_LENGTH ? named : undefined
  const wanted = Array.isArray(urls)
    ? urls.slice(0, AHEAD_FILES).filter((url) => typeof url === 'string')
    : []
  const environment = knownEnvironment(given)
  const all = await Promise.all(
    wanted.map(async (url) => ({ url, one: await fetcher.locate(url, transaction) })),
  )
  const located = all.flatMap(({ url, one }) =>
    'reason' in one ? [] : [{ ...one, mirrors: mirrorsFor(one.mirrors, url, environment) }],
  )
  readAhead.begin(located, { environment, transaction })
  signatures.begin(located, { environment, transaction })
  response.writeHead(204).end()
}
