import { isIP } from 'node:net'
import { isOfUse, reachOf } from '../../base/address.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import { type Endpoint, endpoint, hostPort, LOWEST_PORT } from '../../base/endpoint.ts'
import { asError, PacsrvError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import type { Problems } from '../../base/problems.ts'
import { jitter, type Random } from '../../base/random.ts'
import { decodeAnswer, type WebhostAnswer } from './webhost-answer.ts'
import type { HttpGet } from './webhost-http.ts'
import { type AnnounceQuery, formatQuery, MAX_WANTED } from './webhost-query.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Milliseconds. BEP 3 leaves the pace to the tracker; a stranger's is kept between these. */
const SHORTEST_PAUSE = MINUTE
const LONGEST_PAUSE = HOUR
const USUAL_PAUSE = 15 * MINUTE
const TIMEOUT = 15 * SECOND
const GOODBYE = SECOND
const MAX_ANSWER = 64 * 1024

export interface WebhostClientParts {
  clock: Clock
  random: Random
  log: Log
  problems: Problems
  http: HttpGet
}

export interface WebhostClientOptions {
  /** Webhosts or trackers, as `webhostUrl` reads them. */
  urls: URL[]
  /** The networks to be listed in: one, or those of each key while a key is replaced. */
  infoHashes: string[]
  /** Port that this node takes connections at, as the world sees it; 0: none, be told but not listed. */
  port: number
  /** 20 bytes as 40 hex digits; others see it. */
  peerId: string
}

export interface WebhostClient {
  /** Asks every webhost, and again as each wishes; `onNodes` hears of strangers to dial, never of none. */
  start(onNodes: (endpoints: Endpoint[]) => void): void
  /** The webhosts from now on: those that are left out are told goodbye. */
  setUrls(urls: URL[]): void
  /** Short of neighbours: ask again as soon as each webhost's manners allow. */
  wanted(): void
  /** Takes this node off the lists it is on; resolves within a second. */
  stop(): Promise<void>
}

/** Reads a `webhost` of the configuration: http or https, `/announce` where no path is given. */
export function webhostUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
  if (url.pathname === '/') url.pathname = '/announce'
  url.hash = ''
  return url
}

/** One network at one webhost by one IP version: each lists another address of ours. */
interface Line {
  url: URL
  infoHash: string
  family: 4 | 6
  /** In a row. */
  failures: number
  /** The webhost may have us on its list. */
  listed: boolean
  /** When manners allow the next question. */
  earliest: number
  /** The next question. */
  due?: Cancel
  /** The question under way. */
  asking?: AbortController
  /** The webhost has been left: nothing more is asked. */
  left?: true
}

function linesOf(url: URL, infoHash: string): Line[] {
  const literal = isIP(url.hostname.replace(/^\[|\]$/g, ''))
  const families = literal === 0 ? ([4, 6] as const) : [literal as 4 | 6]
  return families.map((family) => ({ url, infoHash, family, failures: 0, listed: false, earliest: 0 }))
}

const within = (ms: number) => Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, ms))

/** Pauses asked for, in milliseconds. */
function paceOf({ interval, minInterval }: WebhostAnswer): { pause: number; least: number } {
  const least = within((minInterval ?? 0) * SECOND)
  const pause = within(interval === undefined ? USUAL_PAUSE : interval * SECOND)
  return { pause: Math.max(pause, least), least }
}

/** For the log: a URL may hold a password or a passkey. */
const shown = (url: URL) => `${url.origin}${url.pathname}`

export function createWebhostClient(
  { clock, random, log, problems, http }: WebhostClientParts,
  { urls, infoHashes, port, peerId }: WebhostClientOptions,
): WebhostClient {
  const linesTo = (urls: URL[]) =>
    urls.flatMap((url) => infoHashes.flatMap((infoHash) => linesOf(url, infoHash)))
  let lines = linesTo(urls)
  let tell: ((endpoints: Endpoint[]) => void) | undefined

  async function announce(
    line: Line,
    event: AnnounceQuery['event'],
    signal: AbortSignal,
  ): Promise<WebhostAnswer> {
    const url = new URL(line.url)
    const query = formatQuery({
      infoHash: line.infoHash,
      peerId,
      port,
      ...(event ? { event } : {}),
      wanted: event === 'stopped' ? 0 : MAX_WANTED,
      compact: true,
    })
    url.search = url.search ? `${url.search}&${query}` : query
    const { status, body, remote } = await http(url, { family: line.family, maxBytes: MAX_ANSWER, signal })
    if (status !== 200) throw new PacsrvError('peer', `it answered with HTTP status ${status}`)
    const answer = decodeAnswer(body, peerId)
    const from = reachOf(endpoint(remote, 0) ?? '0.0.0.0:0')
    const nodes = answer.nodes.filter(
      (node) => hostPort(node).port >= LOWEST_PORT && isOfUse(reachOf(node), from),
    )
    return { ...answer, nodes }
  }

  function plan(line: Line, at: number) {
    if (line.left) return
    line.due?.()
    line.due = clock.after(at - clock.now(), () => ask(line))
  }

  async function ask(line: Line) {
    delete line.due
    const asking = new AbortController()
    line.asking = asking
    const cancel = clock.after(TIMEOUT, () => asking.abort(new PacsrvError('peer', 'it does not answer')))
    try {
      heard(line, await announce(line, line.listed ? undefined : 'started', asking.signal))
    } catch (problem) {
      failed(line, asError(problem))
    } finally {
      cancel()
      delete line.asking
    }
  }

  function heard(line: Line, answer: WebhostAnswer) {
    line.listed = true
    line.failures = 0
    problems.solved('webhost', shown(line.url))
    const { pause, least } = paceOf(answer)
    line.earliest = clock.now() + least
    if (!tell) return
    plan(line, clock.now() + pause)
    if (answer.nodes.length > 0) tell(answer.nodes)
  }

  /** A webhost has failed when it has by both IP versions: many machines have but one. */
  function failed(line: Line, problem: Error) {
    if (!tell || line.left) return
    const pause = SHORTEST_PAUSE * 2 ** Math.min(line.failures++, 10)
    line.earliest = clock.now() + Math.min(LONGEST_PAUSE, jitter(pause, random))
    plan(line, line.earliest)
    const fields = { url: shown(line.url), family: line.family, problem: problem.message }
    log.debug(fields, 'a webhost failed')
    if (lines.some(({ url, failures }) => url === line.url && failures === 0)) return
    problems.report('webhost', shown(line.url), {
      problem: `The webhost ${shown(line.url)} can't be used: ${problem.message.replace(/\.$/, '')}.`,
      fix: 'see that it runs there and can be reached, or take it out of [network] webhost',
      log,
    })
  }

  async function leave(line: Line) {
    line.left = true
    line.due?.()
    line.asking?.abort(new PacsrvError('peer', 'stopped'))
    if (!line.listed && !line.asking) return
    const leaving = new AbortController()
    const cancel = clock.after(GOODBYE, () => leaving.abort(new PacsrvError('peer', 'stopped')))
    try {
      await announce(line, 'stopped', leaving.signal)
    } catch {
      // The list forgets who isn't heard from.
    } finally {
      cancel()
    }
  }

  return {
    start(onNodes) {
      tell = onNodes
      for (const line of lines) plan(line, clock.now())
    },
    setUrls(urls) {
      const isKept = ({ url }: Line) => urls.some(({ href }) => href === url.href)
      const gone = lines.filter((line) => !isKept(line))
      const fresh = linesTo(urls.filter(({ href }) => lines.every(({ url }) => url.href !== href)))
      lines = [...lines.filter(isKept), ...fresh]
      for (const line of gone) {
        problems.solved('webhost', shown(line.url))
        void leave(line)
      }
      if (tell) for (const line of fresh) plan(line, clock.now())
    },
    wanted() {
      for (const line of lines) {
        if (line.due) plan(line, Math.max(clock.now(), line.earliest))
      }
    },
    async stop() {
      tell = undefined
      await Promise.all(lines.map(leave))
    },
  }
}
