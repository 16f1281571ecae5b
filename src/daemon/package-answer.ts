import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { sourcesLine } from '../base/progress.ts'
import type { ReadAhead } from '../fetch/ahead.ts'
import type { Fetcher, Located } from '../fetch/fetcher.ts'
import type { Job } from '../fetch/job.ts'
import type { Signatures } from '../fetch/signatures.ts'
import type { Spool } from '../fetch/spool.ts'
import type { Catalogue } from '../pacman/catalogue.ts'
import { type CheckedFile, notFound, sendFile } from './send-file.ts'

export interface PackageSources {
  readAhead: ReadAhead
  fetcher: Fetcher
  signatures: Signatures
  spool: Spool
  catalogue: Pick<Catalogue, 'open'>
  clock: Clock
}

export interface ReadyFile extends CheckedFile {
  /** Where it came from, in a line. */
  origin: string
}

/** pacman gives a CacheServer 10 s for its first byte (PACMAN.md): the answer is 404 well before. */
const PATIENCE_MS = 7_000

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
  await sendFile(ready, request, response)
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

export async function findReady(
  { file, built }: Located,
  { spool, catalogue }: PackageSources,
): Promise<ReadyFile | undefined> {
  const spooled = await spool.complete(file.sha256)
  const held = spooled ? undefined : await catalogue.open(file.sha256).catch(() => undefined)
  const handle = spooled?.handle ?? held?.handle
  if (!handle) return undefined
  const origin = spooled ? sourcesLine(file.name, spooled.from) : `${file.name}: from this machine's cache`
  const modified = built === undefined ? (await handle.stat()).mtime : new Date(built * 1000)
  return { handle, size: file.size, modified, origin }
}
