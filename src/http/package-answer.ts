import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { sourcesLine } from '../base/progress.ts'
import type { Fetcher } from '../fetch/downloads.ts'
import type { Spool } from '../fetch/file/spool.ts'
import type { Job } from '../fetch/job/job.ts'
import type { Located } from '../fetch/locator.ts'
import type { Scout } from '../fetch/scout.ts'
import type { Signatures } from '../fetch/signatures/signatures.ts'
import type { OpenMirror } from '../mirror/curl.ts'
import type { Catalogue } from '../pacman/catalogue.ts'
import { createDrip } from './drip.ts'
import {
  type CheckedFile,
  notFound,
  replyFor,
  sendBytes,
  sendFile,
  sendFrom,
  writeReply,
} from './send-file.ts'
import type { SignaturePledges } from './signature-pledges.ts'

export interface PackageSources {
  fetcher: Fetcher
  signatures: Signatures
  pledges: SignaturePledges
  scout: Scout
  spool: Spool
  catalogue: Pick<Catalogue, 'open'>
  openMirror: OpenMirror
  clock: Clock
}

export interface ReadyFile extends CheckedFile {
  /** Where it came from, in a line. */
  origin: string
}

/**
 * Answers a package GET such as pacman sends its CacheServer, many at a time and in any order.
 *
 * pacman takes the next server at once on 404, gives up a server after 10 s without a byte (docs/architecture.md, pacman 2), and then goes on
 * from what it has at the next server: so no byte may leave that could turn out wrong. What is here whole and checked is
 * sent. Of the rest 404 is said at once, unless somebody has it: the mirror serves pacman as fast without us. A file
 * that is fetched is sent when it was checked as a whole. If that takes longer than pacman waits, its first bytes come
 * from a mirror meanwhile, a few at a time (drip.ts): these may leave unchecked, since the mirror would have sent the
 * same. When the fetch fails after all, the connection is cut, and pacman goes on from those bytes elsewhere.
 */
export async function answerPackage(
  request: IncomingMessage,
  response: ServerResponse,
  { located, sources }: { located: Located; sources: PackageSources },
): Promise<void> {
  const { fetcher, scout, pledges } = sources
  const ready = await findReady(located, sources)
  if (ready) {
    if (await pledges.may(located)) return sendFile(ready, request, response)
    await ready.handle.close()
    return notFound(response)
  }
  if (!fetcher.isFetching(located.file.sha256) && !(await scout.isWorthIt(located.file))) {
    return notFound(response)
  }
  const pledge = pledges.may(located)
  const job = fetcher.fetch(located, {})
  const drip = await waitFor(job, request, response, { located, sources, pledge })
  if (response.destroyed) return
  const may = await pledge
  const fetched = may && job.end?.result === 'done' ? await findReady(located, sources) : undefined
  if (!drip) return fetched ? sendFile(fetched, request, response) : notFound(response)
  if (!fetched) return void response.destroy()
  const { handle } = fetched
  try {
    const { start, end, given } = drip
    const buffer = Buffer.alloc(given.length)
    if (given.length > 0) await handle.read(buffer, 0, given.length, start)
    if (!buffer.equals(given)) return void response.destroy()
    await sendFrom(handle, response, { start: start + given.length, end })
  } finally {
    await handle.close()
  }
}

/** What has been given of a file that is still being fetched, and what is still to be given of it. */
interface Given {
  start: number
  end: number
  given: Buffer
}

/**
 * Waits until the job is over or the asker has gone; resolves to what it was given meanwhile, or to undefined while
 * the head of the answer hasn't left.
 */
function waitFor(
  job: Job,
  request: IncomingMessage,
  response: ServerResponse,
  { located, sources, pledge }: { located: Located; sources: PackageSources; pledge: Promise<boolean> },
): Promise<Given | undefined> {
  const { size } = located.file
  const about = { size, modified: modifiedOf(located) }
  const reply = about.modified ? replyFor(request.headers, { size, modified: about.modified }) : undefined
  const range = reply && 'range' in reply && request.method === 'GET' ? reply.range : undefined
  return new Promise((resolve) => {
    let begun: Given | undefined
    let allowed = false
    void pledge.then((may) => {
      allowed = may
      if (!may) settle()
    })
    const drip = createDrip(
      { clock: sources.clock, open: sources.openMirror },
      { mirrors: located.mirrors, size, range, may: () => allowed },
      {
        onBytes(bytes) {
          if (!begun) writeReply(response, reply!, { size, modified: about.modified! })
          begun ??= { ...range!, given: Buffer.alloc(0) }
          begun.given = Buffer.concat([begun.given, bytes])
          response.write(bytes)
        },
        onGiveUp: () => settle(),
      },
    )
    const settle = () => {
      drip.stop()
      response.off('close', settle)
      leave()
      resolve(begun)
    }
    response.once('close', settle)
    const leave = job.follow({ onChange: () => job.end && queueMicrotask(settle), onRewind() {} })
    if (job.end) settle()
  })
}

/**
 * Answers for the signature of a package: what lies beside it here, else from a mirror, else from peers. To pacman it
 * belongs to the package: a 404 fails the transaction (signature-pledges.ts).
 */
export async function answerPackageSignature(
  request: IncomingMessage,
  response: ServerResponse,
  { located, sources }: { located: Located; sources: PackageSources },
): Promise<void> {
  const bytes = await sources.pledges.find(located)
  if (bytes) sendBytes(request, response, bytes)
  else notFound(response)
}

export async function findReady(
  located: Located,
  { spool, catalogue }: Pick<PackageSources, 'spool' | 'catalogue'>,
): Promise<ReadyFile | undefined> {
  const { file } = located
  const spooled = await spool.complete(file.sha256)
  const held = spooled ? undefined : await catalogue.open(file.sha256).catch(() => undefined)
  const handle = spooled?.handle ?? held?.handle
  if (!handle) return undefined
  const origin = spooled ? sourcesLine(file.name, spooled.from) : `${file.name}: from this machine's cache`
  const modified = modifiedOf(located) ?? (await handle.stat()).mtime
  return { handle, size: file.size, modified, origin }
}

/** The same wherever the file comes from: when it was built. */
const modifiedOf = ({ built }: Located) => (built === undefined ? undefined : new Date(built * 1000))
