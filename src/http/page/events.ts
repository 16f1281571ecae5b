import type { IncomingMessage, ServerResponse } from 'node:http'
import { addressBlock } from '../../base/address.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import { endpoint } from '../../base/endpoint.ts'
import type { Sections } from './sections.ts'

/** Everybody who watches the page, by Server-Sent Events. */
export interface Watchers {
  /** Answers with a stream, or refuses where there are enough already. */
  answer(request: IncomingMessage, response: ServerResponse): void
}

/** Streams at once: in all, and of one address. */
export const MOST_STREAMS = { inAll: 32, each: 8 }
/** How often it is looked whether there is anything new, in milliseconds, while anybody watches. */
const LOOK_MS = 1_000
/** A sign of life where nothing is new, in milliseconds: a connection on which nothing moves would be closed. */
const ALIVE_MS = 10_000
/** After so many milliseconds a browser asks anew when the connection is lost. */
const RETRY_MS = 2_000

interface Stream {
  response: ServerResponse
  address: string
  /** What was sent last of each part. */
  sent: Partial<Sections>
  /** By the clock, when something was last sent. */
  sentAt: number
}

/**
 * `sections` is asked once for all that watch, and never while nobody does. Each is sent what is new since it was last
 * sent something: who reads slowly gets the newest when it is ready for it, and nothing of what was between.
 */
export function createWatchers({ clock, sections }: { clock: Clock; sections(): Sections }): Watchers {
  const streams = new Set<Stream>()
  let stopTimer: Cancel | undefined
  let latest: Sections | undefined

  function look() {
    stopTimer = clock.after(LOOK_MS, look)
    latest = sections()
    for (const stream of streams) tell(stream, latest)
  }

  function tell(stream: Stream, now: Sections) {
    const { response, sent } = stream
    if (response.writableNeedDrain) return
    const fresh = Object.entries(now).filter(([id, text]) => sent[id as keyof Sections] !== text)
    const isQuiet = fresh.length === 0
    if (isQuiet && clock.now() - stream.sentAt < ALIVE_MS) return
    response.write(isQuiet ? ':\n\n' : `data: ${JSON.stringify(Object.fromEntries(fresh))}\n\n`)
    stream.sent = now
    stream.sentAt = clock.now()
  }

  function leave(stream: Stream) {
    streams.delete(stream)
    if (streams.size > 0) return
    stopTimer?.()
    stopTimer = latest = undefined
  }

  return {
    answer(request, response) {
      const address = blockOf(request)
      const own = [...streams].filter((stream) => stream.address === address).length
      if (streams.size >= MOST_STREAMS.inAll || own >= MOST_STREAMS.each) return refuse(response)
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
      if (request.method === 'HEAD') return void response.end()
      response.write(`retry: ${RETRY_MS}\n\n`)
      const stream: Stream = { response, address, sent: {}, sentAt: clock.now() }
      streams.add(stream)
      response.once('close', () => leave(stream))
      response.on('drain', () => latest && tell(stream, latest))
      if (latest) tell(stream, latest)
      else look()
    },
  }
}

function blockOf({ socket }: IncomingMessage): string {
  const from = endpoint(socket.remoteAddress ?? '', 0)
  return from === undefined ? '' : addressBlock(from)
}

function refuse(response: ServerResponse) {
  const text = `Enough look at this page already (${MOST_STREAMS.each} of one address, ${MOST_STREAMS.inAll} in all): close one, or reload the page now and then.\n`
  response.writeHead(503, {
    'Content-Type': 'text/plain',
    'Content-Length': Buffer.byteLength(text),
    'Retry-After': 60,
    Connection: 'close',
  })
  response.end(text)
}
