import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { progressLine } from '../base/progress.ts'
import type { Job } from '../fetch/job/job.ts'
import type { Located } from '../fetch/locator.ts'
import { findReady, type PackageSources, type ReadyFile } from './package-answer.ts'
import { notFound, sendBytes, sendFile } from './send-file.ts'

/** The sh front gives the socket half a second: what is larger is the Node client's. */
const MOST_READY_BYTES = 8 * 1024 * 1024
/** A file on its way is waited for so long, in milliseconds, and so much longer where it will then be here. */
const AWAITED_MS = 150
const AWAITED_MORE_MS = 200
const MOST_COLUMNS = 1_000
export const SIGNATURE = /\.sig$/

interface Asked {
  url: string | null
  sources: PackageSources
}

/**
 * Answers GET /v1/ready?url=URL: the package if it is here whole and verified, or will be in a moment; its signature if
 * that was fetched ahead (or if the mirrors are known to be dead, and a peer has it); else 404, within half a second.
 */
export async function answerReady(
  request: IncomingMessage,
  response: ServerResponse,
  { url, sources }: Asked,
): Promise<void> {
  const located = await locate(url, sources)
  if (!located) return notFound(response)
  const { name, size } = located.file
  if (SIGNATURE.test(url!)) {
    const bytes = await sources.signatures.ready(located)
    return answerBytes(request, response, `${name}.sig`, bytes)
  }
  if (size > MOST_READY_BYTES) return notFound(response)
  const ready = (await findReady(located, sources)) ?? (await soonReady(located, sources))
  if (!ready) return notFound(response)
  sources.readAhead.asked(located.file.sha256, undefined)
  await sendFile(ready, request, response, lineHeader(request, { name, size }, ready.origin))
}

/** A file on its way is waited for a moment: the Node client would take longer to start. */
async function soonReady(located: Located, sources: PackageSources): Promise<ReadyFile | undefined> {
  const { fetcher, clock } = sources
  const job = fetcher.job(located.file.sha256)
  if (!job || job.closing) return undefined
  await soonOver(job, clock)
  return job.end?.result === 'done' ? findReady(located, sources) : undefined
}

/** Resolves when the job is over, or was waited for. */
function soonOver(job: Job, clock: Clock): Promise<void> {
  const before = job.done
  return new Promise((resolve) => {
    const settle = () => {
      stop()
      leave()
      resolve()
    }
    const lookAgain = () => {
      const leftMs = ((job.file.size - job.done) * AWAITED_MS) / (job.done - before)
      if (leftMs <= AWAITED_MORE_MS) stop = clock.after(AWAITED_MORE_MS, settle)
      else settle()
    }
    let stop = clock.after(AWAITED_MS, lookAgain)
    const leave = job.follow({ onChange: () => job.end && queueMicrotask(settle), onRewind() {} })
    if (job.end) settle()
  })
}

/**
 * Answers GET /v1/signature?url=URL.sig, for whom the mirror of that URL has failed: from the repository's mirrors,
 * and from peers where none of them answers. 404 when nobody has it; takes 7 s at most.
 */
export async function answerSignature(
  request: IncomingMessage,
  response: ServerResponse,
  { url, sources }: Asked,
): Promise<void> {
  const signed = SIGNATURE.test(url ?? '') ? await locate(url, sources) : undefined
  const bytes = signed && (await sources.signatures.find(signed))
  answerBytes(request, response, `${signed?.file.name}.sig`, bytes)
}

async function locate(url: string | null, sources: PackageSources): Promise<Located | undefined> {
  const located = url === null ? undefined : await sources.fetcher.locate(url.replace(SIGNATURE, ''))
  return located && 'file' in located ? located : undefined
}

function answerBytes(
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  bytes: Uint8Array | undefined,
): void {
  const size = bytes?.length ?? 0
  const line = lineHeader(request, { name, size }, `${name}: ${size} bytes`)
  if (bytes) sendBytes(request, response, bytes, line)
  else notFound(response)
}

/** What the front prints: a full progress line as wide as its terminal, or without one `plain`. */
function lineHeader(
  request: IncomingMessage,
  { name, size }: { name: string; size: number },
  plain: string,
): Record<string, string> {
  const columns = Math.min(MOST_COLUMNS, Number(request.headers['pacsrv-columns']))
  const line = columns > 0 ? progressLine({ name, done: size, size, elapsed: 1 }, columns) : plain
  return { 'Pacsrv-Line': line.replace(/[^\x20-\x7e]/g, '?') }
}
