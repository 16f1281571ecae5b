import type { FileHandle } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../base/clock.ts'
import { progressLine, sourcesLine } from '../base/progress.ts'
import type { ReadAhead } from '../fetch/ahead.ts'
import type { Fetcher, Located } from '../fetch/fetcher.ts'
import type { Job } from '../fetch/job.ts'
import type { Spool } from '../fetch/spool.ts'
import type { Catalogue } from '../pacman/catalogue.ts'

export interface PackageSources {
  readAhead: ReadAhead
  fetcher: Fetcher
  spool: Spool
  catalogue: Pick<Catalogue, 'open'>
  clock: Clock
}

interface Ready {
  handle: FileHandle
  size: number
  /** Where it came from, in a line. */
  origin: string
}

/** The sh front gives the socket half a second: what is larger is the Node client's. */
const MOST_READY_BYTES = 32 * 1024 * 1024
const MOST_COLUMNS = 1_000
/** pacman gives a CacheServer 10 s for its first byte (PACMAN.md): the answer is 404 well before. */
const PATIENCE_MS = 7_000

/** Answers GET /v1/ready?url=URL: the file if it is here whole and verified, else 404, at once. */
export async function answerReady(
  request: IncomingMessage,
  response: ServerResponse,
  { url, sources }: { url: string | null; sources: PackageSources },
): Promise<void> {
  const located = url === null ? { reason: '' } : await sources.fetcher.locate(url)
  if ('reason' in located || located.file.size > MOST_READY_BYTES) return notFound(response)
  const ready = await findReady(located, sources)
  if (!ready) return notFound(response)
  sources.readAhead.asked(located.file.sha256)
  const { name, size } = located.file
  const columns = Math.min(MOST_COLUMNS, Number(request.headers['pacsrv-columns']))
  const line = columns > 0 ? progressLine({ name, done: size, size, elapsed: 1 }, columns) : ready.origin
  await send(ready, request, response, { 'Pacsrv-Line': line.replace(/[^\x20-\x7e]/g, '?') })
}

/** Answers a package GET such as a CacheServer gets: only bytes that were checked leave. */
export async function answerPackage(
  request: IncomingMessage,
  response: ServerResponse,
  { located, sources }: { located: Located; sources: PackageSources },
): Promise<void> {
  let ready = await findReady(located, sources)
  if (!ready) {
    const job = sources.fetcher.fetch(located, {})
    await over(job, sources.clock, response)
    ready = job.end?.result === 'done' ? await findReady(located, sources) : undefined
  }
  if (!ready) return notFound(response)
  await send(ready, request, response, {})
}

/** Waits until the job is over, the time is up or the asker has gone; the job goes on while it is waited for. */
function over(job: Job, clock: Clock, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      cancel()
      response.off('close', settle)
      leave()
      resolve()
    }
    const cancel = clock.after(PATIENCE_MS, settle)
    response.once('close', settle)
    const leave = job.follow({ onChange: () => job.end && queueMicrotask(settle), onRewind() {} })
    if (job.end) settle()
  })
}

async function findReady(
  { file }: Located,
  { spool, catalogue }: PackageSources,
): Promise<Ready | undefined> {
  const spooled = await spool.complete(file.sha256)
  if (spooled) return { ...spooled, origin: sourcesLine(file.name, spooled.from) }
  const held = await catalogue.open(file.sha256).catch(() => undefined)
  if (held)
    return { handle: held.handle, size: held.file.size, origin: `${file.name}: from this machine's cache` }
  return undefined
}

async function send(
  { handle, size }: Ready,
  request: IncomingMessage,
  response: ServerResponse,
  headers: Record<string, string>,
): Promise<void> {
  try {
    const { mtime } = await handle.stat()
    const range = parseRange(request.headers.range, size)
    if (range === 'unsatisfiable') {
      response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end()
      return
    }
    const { start, end } = range ?? { start: 0, end: size - 1 }
    response.writeHead(range ? 206 : 200, {
      ...headers,
      'Content-Type': 'application/octet-stream',
      'Content-Length': end - start + 1,
      'Accept-Ranges': 'bytes',
      'Last-Modified': mtime.toUTCString(),
      ...(range ? { 'Content-Range': `bytes ${start}-${end}/${size}` } : {}),
    })
    if (request.method === 'HEAD') response.end()
    else
      await pipeline(
        handle.createReadStream({ start, end, autoClose: false, highWaterMark: 256 * 1024 }),
        response,
      )
  } finally {
    await handle.close()
  }
}

/** One range of the forms that curl and libalpm send; others are answered with the whole. */
export function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '')
  if (!match) return undefined
  const start = Number(match[1])
  const end = match[2] === '' ? size - 1 : Math.min(size - 1, Number(match[2]))
  return start > end ? 'unsatisfiable' : { start, end }
}

function notFound(response: ServerResponse): void {
  response.writeHead(404, { 'Content-Length': 0 }).end()
}
