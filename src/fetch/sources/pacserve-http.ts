import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { isIPv6 } from 'node:net'
import { type Endpoint, hostPort } from '../../base/endpoint.ts'
import { asError, PacsrvError } from '../../base/error.ts'
import type { OpenMirror } from '../../mirror/curl.ts'
import { createHeadReader } from '../../mirror/response-head.ts'
import type { WantedFile } from '../../wire/messages.ts'

/** A server is asked whether it has a file for no longer than this, in milliseconds: it is on the LAN. */
const PROBE_MS = 1_000
/** A connection without a byte is given up after this, in milliseconds. */
const IDLE_MS = 5_000

/** Where pacredir's servers have a package. */
export const packagePath = (name: string) => `/pkg/${encodeURIComponent(name)}`

/** Plain HTTP on the LAN: to that address and no other, without proxies, and redirects are followed nowhere. */
export interface PacserveHttp {
  /** Whether it has a file of that name and size. Rejects when it doesn't answer. */
  has(server: Endpoint, file: WantedFile, signal: AbortSignal): Promise<boolean>
  /** Streams its file; the request's `url` is of the form that `urlOf` gives. */
  open: OpenMirror
  close(): void
}

export function createPacserveHttp(): PacserveHttp {
  const agent = new Agent({ keepAlive: true, maxTotalSockets: 64, timeout: 15_000 })

  function ask(server: Endpoint, path: string, method: 'GET' | 'HEAD', headers: Record<string, string>) {
    const { host, port } = hostPort(server)
    // The zone is ours alone.
    const bare = host.replace(/%.*$/, '')
    const Host = `${isIPv6(bare) ? `[${bare}]` : bare}:${port}`
    return request({ agent, host, port, path, method, headers: { Host, 'User-Agent': 'pacsrv', ...headers } })
  }

  return {
    has(server, { name, size }, signal) {
      return new Promise((resolve, reject) => {
        const asked = ask(server, packagePath(name), 'HEAD', {})
        const timeout = setTimeout(() => asked.destroy(new Error('no answer')), PROBE_MS)
        const stop = () => asked.destroy(new Error('not needed'))
        signal.addEventListener('abort', stop)
        asked.once('close', () => {
          clearTimeout(timeout)
          signal.removeEventListener('abort', stop)
        })
        asked.once('error', reject)
        asked.once('response', (answer) => {
          answer.resume()
          resolve(answer.statusCode === 200 && Number(answer.headers['content-length']) === size)
        })
        asked.end()
      })
    },
    open({ url, start, end, size }, handler) {
      const { server, path } = partsOf(url)
      const whole = start === 0 && (end === undefined || end === size - 1)
      const asked = ask(server, path, 'GET', whole ? {} : { Range: `bytes=${start}-${end ?? ''}` })
      return streamOf(asked, { start, size }, handler)
    },
    close: () => agent.destroy(),
  }
}

/** The URL of a package on a server, for `open`; an IPv6 address in it may have a zone. */
export const urlOf = (server: Endpoint, { name }: WantedFile) => `http://${server}${packagePath(name)}`

function partsOf(url: string): { server: Endpoint; path: string } {
  const [, server, path] = /^http:\/\/([^/]+)(\/.*)$/.exec(url)!
  return { server: server!, path: path! }
}

function streamOf(
  asked: ClientRequest,
  expected: { start: number; size: number },
  handler: Parameters<OpenMirror>[1],
): ReturnType<OpenMirror> {
  let over = false
  let paused = false
  let answer: IncomingMessage | undefined

  function finish(error?: unknown) {
    if (over) return
    over = true
    if (error) asked.destroy()
    handler.onEnd(
      error === undefined || error instanceof PacsrvError
        ? error
        : new PacsrvError('peer', `the server gave up: ${asError(error).message}`, error),
    )
  }

  asked.setTimeout(IDLE_MS, () => {
    if (!paused) asked.destroy(new Error(`silent for ${IDLE_MS} ms`))
  })
  asked.on('error', finish)
  asked.once('response', (its) => {
    answer = its
    if (its.statusCode !== 200 && its.statusCode !== 206) {
      return finish(new PacsrvError('peer', `the server answered ${its.statusCode}`))
    }
    try {
      const head = createHeadReader(expected)(headOf(its))!.head
      if (!over) handler.onStart(head.offset)
    } catch (error) {
      return finish(error)
    }
    its.on('data', (bytes: Buffer) => {
      if (!over) handler.onBytes(bytes)
    })
    its.once('end', () => finish())
    its.on('error', finish)
    if (paused) its.pause()
  })
  asked.end()

  return {
    stop() {
      over = true
      asked.destroy()
    },
    pause() {
      paused = true
      answer?.pause()
    },
    resume() {
      paused = false
      answer?.resume()
    },
  }
}

/** As it came, for the reader that judges mirrors' answers. */
function headOf({ statusCode, rawHeaders }: IncomingMessage): Buffer {
  let text = `HTTP/1.1 ${statusCode} \r\n`
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
  return Buffer.from(`${text}\r\n`, 'latin1')
}
