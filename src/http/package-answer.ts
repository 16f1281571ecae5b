import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { sourcesLine } from '../base/progress.ts'
import type { Fetcher } from '../fetch/downloads.ts'
import type { Spool } from '../fetch/file/spool.ts'
import type { Located } from '../fetch/locator.ts'
import type { Scout } from '../fetch/scout.ts'
import type { Signatures } from '../fetch/signatures/signatures.ts'
import type { OpenMirror } from '../mirror/curl.ts'
import type { Catalogue } from '../pacman/catalogue.ts'
import { streamPackage } from './package-stream.ts'
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
 * pacman takes the next server at once on 404, gives up a server after 10 s without a byte (docs/architecture.md, pacman 2), and
 * then goes on from what it has at the next server: so no byte may leave that could turn out wrong. What is here whole and
 * checked is sent. Of the rest 404 is said at once, unless somebody has it: the mirror serves pacman as fast without us. Of a
 * file that is fetched leaves, as it comes, what a mirror gave: it would have sent pacman the same. What peers gave is held back
 * until the whole was checked: who says that he has the whole vouches for a chunk list, but may lie, and only the whole tells.
 * The last chunk is held back in any case. When the fetch fails after bytes have left, or the whole is not what has left of it,
 * the connection is cut, and pacman goes on from those bytes elsewhere.
 */
export async function answerPackage(
  request: IncomingMessage,
  response: ServerResponse,
  { located, sources }: { located: Located; sources: PackageSources },
): Promise<void> {
  const { fetcher, scout, pledges } = sources
  const { file, mirrors } = located
  const ready = await findReady(located, sources)
  if (ready) {
    if (await pledges.may(located)) return sendFile(ready, request, response)
    await ready.handle.close()
    return notFound(response)
  }
  if (!fetcher.isFetching(file.sha256) && !(await scout.isWorthIt(file))) return notFound(response)
  const about = { size: file.size, modified: modifiedOf(located) ?? new Date() }
  const reply = replyFor(request.headers, about)
  if (!('range' in reply)) return writeReply(response, reply, about)
  const pledge = pledges.may(located)
  const begin = () => writeReply(response, reply, about)
  if (request.method === 'HEAD') {
    if (!(await pledge)) return notFound(response)
    begin()
    return void response.end()
  }
  const { range } = reply
  const job = fetcher.fetch(located, {})
  const given = await streamPackage(job, response, { range, mirrors, pledge, begin }, sources)
  if (response.destroyed) return
  if (given.position > range.end) return void response.end()
  const isHere = (await pledge) && job.end?.result === 'done'
  const rest = isHere ? await findReady(located, sources) : undefined
  if (!rest) return void (response.headersSent ? response.destroy() : notFound(response))
  try {
    if (!(await given.isRight(rest.handle))) return void response.destroy()
    if (!response.headersSent) begin()
    await sendFrom(rest.handle, response, { start: given.position, end: range.end })
  } finally {
    await rest.handle.close()
  }
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
