/** The server port, what is asked at it, and who reads its answers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Duplex, Readable } from 'node:stream'
import { silentLog } from '../../src/base/log.ts'
import type { Sample } from '../../src/cli/status/activity.ts'
import { statusLines } from '../../src/cli/status/status.ts'
import { createCallersAhead } from '../../src/fetch/callers-ahead.ts'
import { createHandovers } from '../../src/fetch/handovers.ts'
import type { Job } from '../../src/fetch/job/job.ts'
import { answerAhead, type FetchDeps } from '../../src/http/fetch-answer.ts'
import { parseFileRequest } from '../../src/http/file-answer.ts'
import { createStatusPage } from '../../src/http/page/page.ts'
import { createServerPort, type ServerDeps } from '../../src/http/server.ts'
import { fileNameOfUrl } from '../../src/pacman/urls.ts'
import { findingsOn, goodMachine } from '../cli/check/check-machine.ts'
import { createClock } from '../clock.ts'
import { sampleStatus } from '../http/sample.ts'
import { claim, latin1, refuses, type Target } from './target.ts'

const located = {
  file: { sha256: 'a'.repeat(64), size: 10, name: 'x-1-1-any.pkg.tar.zst' },
  mirrors: ['http://m/x'],
}
const job = {
  file: located.file,
  done: 10,
  readable: 10,
  sources: 1,
  closing: false,
  end: { result: 'done', fromPeers: 10, fromSite: 0, fromMirror: 0, peers: ['a'] },
  follow: () => () => {},
  lend: () => undefined,
  async read(buffer: Buffer) {
    buffer.fill(1)
  },
  async stop() {},
}
const TEN = Buffer.alloc(10, 1)

/** What came amiss inside an answer: the server port itself lives on. */
const amiss: unknown[] = []
const log = { ...silentLog, debug: (fields: object) => void amiss.push((fields as { err?: unknown }).err) }
const shared = {
  log,
  handovers: createHandovers({ now: () => 0, after: () => () => {} }),
  readAhead: { asked() {}, isNew: () => true, begin() {} },
  signatures: { ready: async () => TEN, look: async () => TEN, begin() {} },
  fetcher: {
    locate: async (url: string) => (fileNameOfUrl(url) === undefined ? { reason: 'no name' } : located),
    fetch: () => job,
    isFetching: () => false,
  },
}
/** A server port whose files are all here. Names are judged by the real code. */
const deps = {
  log,
  shown: {
    status: () => STATUS,
    metrics: { contentType: 'text/plain', text: async () => '' },
    page: createStatusPage({
      status: () => sampleStatus(),
      clock: createClock(),
      now: () => new Date(0),
      host: 'desk',
      files: new URL('../../src/page/', import.meta.url),
    }),
  },
  announce() {},
  find: async () => ({ file: 'x', holders: [] }),
  allows: () => true,
  fetch: shared,
  packages: {
    ...shared,
    clock: { now: () => 0, after: () => () => {} },
    scout: { isWorthIt: async () => false },
    pledges: { may: async () => true, find: async () => TEN },
    spool: { complete: async () => undefined },
    catalogue: {
      open: async () => {
        throw new Error('absent')
      },
    },
  },
  locatePath: async (path: string) => (fileNameOfUrl(`http://m${path}`) === undefined ? undefined : located),
  mirrors: { of: async (url: string) => [url], async failed() {} },
} as unknown as ServerDeps

/** What node:http takes for a connection. */
class Connection extends Duplex {
  readonly remoteAddress = '127.0.0.1'
  written = 0
  override _read() {}
  override _write(bytes: Buffer, _: string, done: () => void) {
    this.written += bytes.length
    done()
  }
  setTimeout = () => this
  setNoDelay = () => this
  setKeepAlive = () => this
}

const doors = (['socket', 'tcp'] as const).map((door) => createServerPort(door, deps))

const server: Target = {
  name: 'server port',
  dear: true,
  seeds: () => {
    const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`
    const post = (path: string, body: string) =>
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    return latin1(
      get('/status'),
      get('/') + get('/metrics'),
      get('/page/page.css', 'Origin: http://localhost\r\n'),
      get('/events'),
      get(
        '/core/os/x86_64/x-1-1-any.pkg.tar.zst',
        'Range: bytes=2-5\r\nIf-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n',
      ),
      get('/core/x-1-1-any.pkg.tar.zst.sig'),
      get('/v1/signature?url=http://m/x.pkg.tar.zst.sig'),
      get('/v1/mirrors?url=http://m/core/x') + get('/v1/find?name=x'),
      post('/v1/file', 'url=http://m/x\0columns=80\0http_proxy=p\0transaction=1 2\0'),
      post('/v1/ahead', '{"urls":["http://m/x","http://m/y"],"environment":{}}'),
      post('/v1/mirror-failed?url=http://m/x', '') + post('/v1/announce', 'transaction=1 2\0age=90\0'),
      'POST /v1/ahead HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"url\r\n0\r\n\r\n',
    )
  },
  async run(input) {
    const connection = new Connection()
    connection.on('error', () => {})
    const closed = new Promise((resolve) => connection.once('close', resolve))
    doors[input.length & 1]!.emit('connection', connection)
    connection.push(input)
    connection.push(null)
    const late = new Promise((resolve) => setTimeout(resolve, 2_000, 'late').unref())
    const end = await Promise.race([closed, late])
    claim(end !== 'late', 'a connection stays open after its end')
    claim(connection.written <= 400_000, `${connection.written} bytes of answer`)
    connection.destroy()
    for (const error of amiss.splice(0)) {
      if (error instanceof TypeError || error instanceof RangeError) throw error
    }
  },
}

const fileRequests: Target = {
  name: 'file requests',
  seeds: () =>
    latin1(
      'url=http://m/core/os/x86_64/a-1-1-any.pkg.tar.zst\0columns=80\0transaction=12 345\0http_proxy=http://p:1\0',
    ),
  run(input) {
    const asked = refuses(['usage'], () => parseFileRequest(input.toString('latin1')))
    if (!asked) return
    claim((asked.transaction?.length ?? 0) <= 64, 'a long name for a transaction')
    claim(!Object.values(asked.environment).some((value) => value.includes('\0')), 'a NUL for a curl')
  },
}

/** What is ahead of whom, by the real code; nothing is ever fetched. */
const aheadClock = createClock()
const ahead = createCallersAhead({
  clock: aheadClock,
  find(files) {
    claim(files.length <= 2_000, 'more files than are read ahead')
  },
  fetch: (_, environment) => {
    claim(!Object.values(environment).some((value) => /[\0\r\n]/.test(value)), 'a line’s end for a curl')
    return { ...job, follow: () => () => {} } as unknown as Job
  },
  isUnderWay: () => false,
  jobs: () => [],
  received: () => 0,
})

/** The body of POST /v1/ahead, past HTTP. */
const aheadLists: Target = {
  name: 'read-ahead list',
  seeds: () =>
    latin1(
      JSON.stringify({
        urls: ['http://m/core/a-1-1-any.pkg.tar.zst', 'http://me:pw@m/core/b.pkg.tar.zst'],
        environment: { http_proxy: 'http://p:1', HTTP_USER_AGENT: 'pacman/7' },
        transaction: '12 345',
      }),
      '{"urls":["http://m/x",7,null],"environment":{"https_proxy":7,"__proto__":{}},"transaction":["1"]}',
      '{"urls":{"0":"http://m/x"},"environment":[]}',
      'null',
    ),
  async run(input) {
    let answered = 0
    const response = {
      writeHead(status: number) {
        answered = status
        return { end() {} }
      },
    }
    const request = Readable.from([input.subarray(0, input.length >> 1), input.subarray(input.length >> 1)])
    const given = { ...shared, readAhead: ahead } as unknown as FetchDeps
    try {
      await answerAhead(request as IncomingMessage, response as unknown as ServerResponse, given)
      claim(answered === 204, `answered by ${answered}`)
    } catch (error) {
      // Ends in a closed connection (http/server.ts).
      if (!(error instanceof SyntaxError)) throw error
    }
    aheadClock.advance(1_000)
  },
}

const STATUS = {
  node: { id: 'i', pid: 1, version: '1.2.3', listen: null, reachable: 'no' },
  peers: [{ id: 'i', address: '10.0.0.1:8048', direction: 'in', since: '' }],
  files: { count: 1, bytes: 1 },
  transfers: [{ file: 'x', size: 1, done: 0, sources: 0 }],
  dht: null,
  totals: { fromPeers: 0, fromSite: 0, fromMirror: 0, uploaded: 0, rejected: 0, banned: 0 },
  problems: [],
}

/** A daemon of another version, or something else at its address. */
const statusAnswers: Target = {
  name: 'status answers',
  seeds: () => latin1(JSON.stringify(STATUS), '{"node":{},"peers":[]}', '{"peers":[null]}', 'null', '[]'),
  async run(input) {
    let status: unknown
    try {
      status = JSON.parse(input.toString('utf8'))
    } catch {
      return
    }
    await findingsOn({ ...goodMachine(), status: { status } })
    const lines = refuses(['daemon'], () => statusLines([{ at: 0, status }] as Sample[], 'there')) ?? []
    claim(!lines.some((line) => /[\x00-\x1f\x7f-\x9f]/.test(line)), 'a control character for the terminal')
  },
}

export const serverTargets = [server, fileRequests, aheadLists, statusAnswers]
