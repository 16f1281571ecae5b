import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { httpGet } from '../../../src/discovery/webhost/webhost-http.ts'

async function against(listener: RequestListener, run: (url: URL) => Promise<void>, host = '127.0.0.1') {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  try {
    await run(new URL(`http://localhost:${(server.address() as AddressInfo).port}/a?b=%ff`))
  } finally {
    server.closeAllConnections()
    server.close()
  }
}
const options = (maxBytes = 100, signal = new AbortController().signal) => ({
  family: 4 as const,
  maxBytes,
  signal,
})
const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no failure',
    (problem: Error) => problem.message,
  )

test('gives the status, the body and who answered', () =>
  against(
    (request, response) => response.writeHead(404).end(request.url),
    async (url) => {
      const { status, body, remote } = await httpGet(url, options())
      assert.equal([status, body.toString(), remote], [404, '/a?b=%ff', '127.0.0.1'])
    },
  ))

test('asks an IPv6 address', () =>
  against(
    (_, response) => response.end(),
    async (url) => {
      const literal = new URL(`http://[::1]:${url.port}/`)
      assert.is((await httpGet(literal, { ...options(), family: 6 })).remote, '::1')
    },
    '::1',
  ))

test('asks by no other IP version than it is told', () =>
  against(
    (_, response) => response.end(),
    async (url) => {
      assert.is((await httpGet(url, options())).remote, '127.0.0.1')
      // By /etc/hosts, localhost is ::1 too, or has no IPv6 address.
      assert.match(await failure(httpGet(url, { ...options(), family: 6 })), /ECONNREFUSED|ENOTFOUND|EAI_/)
    },
  ))

test('an answer may be as long as the bound, and not a byte longer', () =>
  against(
    (_, response) => response.end('x'.repeat(100)),
    async (url) => {
      assert.is((await httpGet(url, options(100))).body.length, 100)
      assert.match(await failure(httpGet(url, options(99))), 'over 99 bytes')
    },
  ))

test('no redirect is followed', () =>
  against(
    (_, response) => response.writeHead(302, { Location: '/else' }).end(),
    async (url) => assert.is((await httpGet(url, options())).status, 302),
  ))

test('a server that hangs, before its answer or within, is left when the signal says so', () =>
  against(
    (request, response) => {
      if (request.url === '/within') response.write('d')
      reached?.()
    },
    async (url) => {
      for (const path of ['/before', '/within']) {
        const stop = new AbortController()
        const asked = new Promise<void>((resolve) => {
          reached = resolve
        })
        const answer = failure(httpGet(new URL(path, url), options(100, stop.signal)))
        await asked
        stop.abort(new Error('long enough'))
        assert.is(await answer, 'long enough')
      }
    },
  ))
let reached: (() => void) | undefined

test('an answer cut short is an error', () =>
  against(
    (_, response) => {
      response.writeHead(200, { 'Content-Length': '50' })
      response.write('x', () => response.destroy())
    },
    async (url) => {
      assert.match(await failure(httpGet(url, options())), 'aborted')
    },
  ))

test.run()
