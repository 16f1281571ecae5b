import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createPacserveHttp, type PacserveHttp, urlOf } from '../../../src/fetch/sources/pacserve-http.ts'
import type { WantedFile } from '../../../src/wire/messages.ts'

const BODY = Buffer.from(Array.from({ length: 5_000 }, (_, i) => i & 255))
const file: WantedFile = { sha256: '0'.repeat(64), size: BODY.length, name: '1:lib+x-1~2.pkg.tar.zst' }

type Answer = (request: IncomingMessage, response: ServerResponse) => void

async function withServer(
  answer: Answer,
  body: (http: PacserveHttp, server: string, seen: IncomingMessage[]) => Promise<void>,
) {
  const seen: IncomingMessage[] = []
  const listener = createServer((request, response) => {
    seen.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const http = createPacserveHttp()
  try {
    await body(http, `127.0.0.1:${(listener.address() as AddressInfo).port}`, seen)
  } finally {
    http.close()
    listener.closeAllConnections()
    listener.close()
  }
}

const never = new AbortController().signal
const withRanges: Answer = (request, response) => {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  if (!range) return response.writeHead(200, { 'Content-Length': BODY.length }).end(BODY)
  const [start, end] = [Number(range[1]), range[2] ? Number(range[2]) : BODY.length - 1]
  const part = BODY.subarray(start, end + 1)
  const head = { 'Content-Length': part.length, 'Content-Range': `bytes ${start}-${end}/${BODY.length}` }
  return response.writeHead(206, head).end(part)
}

/** All that a stream brings, from where, and how it ended. */
function read(http: PacserveHttp, server: string, start: number, end?: number) {
  return new Promise<{ offset: number | undefined; bytes: Buffer; error: string | undefined }>((resolve) => {
    let offset: number | undefined
    const parts: Buffer[] = []
    const range = end === undefined ? { start } : { start, end }
    http.open(
      {
        url: urlOf(server, file),
        ...range,
        size: file.size,
        environment: { http_proxy: 'http://127.0.0.1:1' },
      },
      {
        onStart(at) {
          offset = at
        },
        onBytes: (bytes) => void parts.push(Buffer.from(bytes)),
        onEnd: (error) => resolve({ offset, bytes: Buffer.concat(parts), error: error?.message }),
      },
    )
  })
}

test('a package is looked for under /pkg/, by its own name, and its size must be right', () =>
  withServer(withRanges, async (http, server, seen) => {
    assert.ok(await http.has(server, file, never))
    assert.not.ok(await http.has(server, { ...file, size: file.size + 1 }, never))
    assert.is(seen[0]!.method, 'HEAD')
    assert.is(decodeURIComponent(seen[0]!.url!), `/pkg/${file.name}`)
    assert.is(seen[0]!.headers.host, server)
  }))

for (const status of [404, 302, 500, 206]) {
  test(`an answer of ${status} is no`, () =>
    withServer(
      (_, response) =>
        response.writeHead(status, { Location: '/elsewhere', 'Content-Length': file.size }).end(),
      async (http, server, seen) => {
        assert.not.ok(await http.has(server, file, never))
        assert.is(seen.length, 1)
      },
    ))
}

test('one that does not answer in time, or hangs up, is an error; so is being called off', () =>
  withServer(
    (request) => void (request.url!.includes('silent') || request.socket.destroy()),
    async (http, server) => {
      const outcome = (name: string, signal = never) =>
        http.has(server, { ...file, name }, signal).then(
          () => 'an answer',
          () => 'an error',
        )
      const off = new AbortController()
      const [silent, broken, calledOff] = [
        outcome('silent'),
        outcome('broken'),
        outcome('silent', off.signal),
      ]
      off.abort()
      assert.equal(await Promise.all([silent, broken, calledOff]), ['an error', 'an error', 'an error'])
    },
  ))

test('a range comes as asked for, the whole without one', () =>
  withServer(withRanges, async (http, server, seen) => {
    assert.equal(await read(http, server, 1_000, 1_999), {
      offset: 1_000,
      bytes: BODY.subarray(1_000, 2_000),
      error: undefined,
    })
    assert.equal(await read(http, server, 4_000), {
      offset: 4_000,
      bytes: BODY.subarray(4_000),
      error: undefined,
    })
    assert.equal(await read(http, server, 0), { offset: 0, bytes: BODY, error: undefined })
    assert.is(seen.at(-1)!.headers.range, undefined)
  }))

test('a server without ranges says that it begins at the start', () =>
  withServer(
    (_, response) => response.writeHead(200, { 'Content-Length': BODY.length }).end(BODY),
    async (http, server) => assert.is((await read(http, server, 1_000)).offset, 0),
  ))

for (const [what, answer] of [
  ['is sent elsewhere', (_, response) => response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end()],
  ['gets a page of an error', (_, response) => response.writeHead(404).end('no')],
  ['gets another size', (_, response) => response.writeHead(200, { 'Content-Length': 3 }).end('abc')],
  [
    'gets another range',
    (_, r) => r.writeHead(206, { 'Content-Range': 'bytes 0-9/5000' }).end(BODY.subarray(0, 10)),
  ],
] as [string, Answer][]) {
  test(`who ${what} takes nothing, and asks nobody else`, () =>
    withServer(answer, async (http, server, seen) => {
      const { bytes, error } = await read(http, server, 1_000)
      assert.is(bytes.length, 0)
      assert.ok(error)
      assert.is(seen.length, 1)
    }))
}

test('a connection that breaks off is an error', () =>
  withServer(
    (_, response) => {
      response.writeHead(200, { 'Content-Length': BODY.length }).write(BODY.subarray(0, 100))
      response.socket!.end()
    },
    async (http, server) => assert.ok((await read(http, server, 0)).error),
  ))

test.run()
