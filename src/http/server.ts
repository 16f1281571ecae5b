import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { hostname } from 'node:os'
import { asError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Locator } from '../fetch/locator.ts'
import type { CallerMirrors } from '../mirror/caller-mirrors.ts'
import { boundConnections, type ConnectionLimits } from '../net/http-connections.ts'
import type { WantedFile } from '../wire/messages.ts'
import { answerAnnounce } from './announce-answer.ts'
import { answerAhead, type FetchDeps } from './fetch-answer.ts'
import { answerFile } from './file-answer.ts'
import type { FoundFile } from './find.ts'
import { isGoodHost } from './good-host.ts'
import type { Metrics } from './metrics.ts'
import { answerPackage, answerPackageSignature, type PackageSources } from './package-answer.ts'
import type { StatusPage } from './page/page.ts'
import { answerPrefetch } from './prefetch-answer.ts'
import { createRequestTurns } from './request-turns.ts'
import { answerSignature, SIGNATURE } from './signature-answer.ts'
import type { Status } from './status.ts'

/** What each answer needs. */
export interface ServerDeps {
  fetch: FetchDeps
  packages: PackageSources
  locatePath: Locator['locatePath']
  mirrors: CallerMirrors
  shown: Shown
  /** Looks at the cache again. */
  announce(): void
  /** Who has the file of this name, URL or package; undefined when no sync database names it. */
  find(name: string): Promise<FoundFile | undefined>
  /** Whether this address may ask over TCP. */
  allows(address: string): boolean
  log: Log
}

/** The node as it stands, in each of its forms. */
interface Shown {
  status(): Status
  metrics: Metrics
  page: StatusPage
}

/** `socket`: this machine's own users. `tcp`: also browsers and other machines, so less is open to it. */
export type Door = 'socket' | 'tcp'

/** For a request's head and for all of it to arrive, in milliseconds: who asks from this machine or site needs no time. */
const HEAD_MS = 2_000
const REQUEST_MS = 10_000
/** How often that is looked at, at rest too; Node's own 30 s would leave the slow their places. */
const LOOK_MS = 2_000
/** Nothing moves: a client that was stopped, or takes nothing. Answers themselves wait up to 10 s. */
const SILENT_MS = 30_000
const CONNECTIONS: Record<Door, ConnectionLimits> = {
  socket: { inAll: 256, silent: SILENT_MS },
  tcp: { inAll: 200, silent: SILENT_MS },
}
/** Requests on one connection behind the one that is being answered; neither curl nor pacman sends any. */
const MOST_WAITING = 8

/** What a browser may do with an answer: use nothing from elsewhere, run nothing that stands in the page itself. */
const GUARDS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/** The server port, once for each door. */
export function createServerPort(door: Door, deps: ServerDeps): Server {
  const turns = createRequestTurns(MOST_WAITING)
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: HEAD_MS, connectionsCheckingInterval: LOOK_MS },
    (request, response) =>
      turns.take(request.socket, response, () =>
        answer(door, request, response, deps).catch((error) => {
          deps.log.debug(
            { err: asError(error), path: request.url?.split('?')[0] },
            'a request was not answered to its end',
          )
          response.destroy()
        }),
      ),
  )
  boundConnections(server, CONNECTIONS[door], turns.isAnswering)
  return server
}

async function answer(
  door: Door,
  request: IncomingMessage,
  response: ServerResponse,
  deps: ServerDeps,
): Promise<void> {
  const refuse = (status: number) => void response.writeHead(status, { 'Content-Length': 0 }).end()
  if (door === 'tcp' && !isWelcome(request, deps)) return refuse(403)
  const target = request.url ?? ''
  if (!target.startsWith('/') || !URL.canParse(target, 'http://localhost')) return refuse(400)
  const { pathname, searchParams } = new URL(target, 'http://localhost')

  if (pathname.startsWith('/v1/')) {
    if (door === 'tcp') return refuse(404)
    const call = `${request.method} ${pathname}`
    if (call === 'POST /v1/file') return answerFile(request, response, deps)
    if (call === 'POST /v1/ahead') return answerAhead(request, response, deps.fetch)
    if (call === 'POST /v1/prefetch') return answerPrefetch(response, deps.fetch)
    if (call === 'GET /v1/mirrors') {
      const mirrors = await deps.mirrors.of(searchParams.get('url') ?? '')
      return mirrors ? text(response, 'text/plain', `${mirrors.join('\n')}\n`) : refuse(404)
    }
    if (call === 'POST /v1/mirror-failed') {
      await deps.mirrors.failed(searchParams.get('url') ?? '')
      return refuse(204)
    }
    if (call === 'GET /v1/signature') {
      return answerSignature(request, response, { url: searchParams.get('url'), sources: deps.packages })
    }
    if (call === 'GET /v1/find') {
      const found = await deps.find(searchParams.get('name') ?? '')
      return found ? text(response, 'application/json', `${JSON.stringify(found)}\n`) : refuse(404)
    }
    if (call === 'POST /v1/announce') return answerAnnounce(request, response, deps.announce, deps.fetch)
    return refuse(404)
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405)
  const { status, metrics, page } = deps.shown
  if (pathname === '/status') return text(response, 'application/json', `${JSON.stringify(status())}\n`)
  if (pathname === '/metrics') return text(response, metrics.contentType, await metrics.text())
  if (pathname === '/') return text(response, 'text/html; charset=utf-8', page.document())
  if (pathname === '/events') return page.watch(request, response)
  if (pathname.startsWith('/page/')) {
    const file = await page.file(pathname.slice('/page/'.length))
    if (file) return text(response, file.type, file.bytes)
  }
  const located = await deps.locatePath(pathname.replace(SIGNATURE, ''))
  if (!located) return refuse(404)
  if (!SIGNATURE.test(pathname)) noteHandover(request, response, located.file, deps)
  const answerIt = SIGNATURE.test(pathname) ? answerPackageSignature : answerPackage
  return answerIt(request, response, { located, sources: deps.packages })
}

/** Of a CacheServer's answers: those to this machine's own pacman. */
function noteHandover(
  request: IncomingMessage,
  response: ServerResponse,
  file: WantedFile,
  { fetch: { handovers }, packages: { clock } }: ServerDeps,
): void {
  const askedAt = clock.now()
  const { remoteAddress } = request.socket
  if (request.method !== 'GET' || (remoteAddress !== undefined && !isOwnAddress(remoteAddress))) return
  response.once('finish', () => {
    const { statusCode } = response
    if (statusCode === 200 || statusCode === 206) handovers.gave(file, { askedAt })
  })
}

const isOwnAddress = (address: string) => /^(?:::ffff:)?127\.|^::1$/.test(address)

/** Another Origin than that Host is a page of somebody else's, which asks from within a browser here. */
function isWelcome({ url, headers, socket }: IncomingMessage, deps: ServerDeps): boolean {
  const { host = '', origin } = headers
  if (origin !== undefined && origin.replace(/^https?:\/\//, '') !== host) return false
  const from = socket.remoteAddress ?? ''
  const call = { host, path: url ?? '', from, to: socket.localAddress ?? '' }
  return isGoodHost(call, hostname()) && deps.allows(from)
}

function text(response: ServerResponse, type: string, body: string | Buffer): void {
  const headers = {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  }
  response.writeHead(200, { ...headers, ...GUARDS })
  response.end(body)
}
