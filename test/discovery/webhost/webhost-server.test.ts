import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../../../src/base/clock.ts'
import { hostPort } from '../../../src/base/endpoint.ts'
import { type Log, silentLog } from '../../../src/base/log.ts'
import { createProblems } from '../../../src/base/problems.ts'
import { systemRandom } from '../../../src/base/random.ts'
import { decodeAnswer } from '../../../src/discovery/webhost/webhost-answer.ts'
import { createWebhostClient, webhostUrl } from '../../../src/discovery/webhost/webhost-client.ts'
import { httpGet } from '../../../src/discovery/webhost/webhost-http.ts'
import { formatQuery, INFO_HASH } from '../../../src/discovery/webhost/webhost-query.ts'
import {
  createWebhost,
  type Webhost,
  type WebhostOptions,
} from '../../../src/discovery/webhost/webhost-server.ts'

interface Context {
  webhost: Webhost
  port: number
  warnings: string[]
}
const test = suite<Context>('webhost-server')

const parts = { clock: systemClock, random: systemRandom, dialBack: async () => true }

async function begin(context: Context, options: Partial<WebhostOptions> = {}) {
  context.warnings = []
  const log: Log = { ...silentLog, warn: (_, message) => context.warnings.push(message) }
  context.webhost = createWebhost({ ...parts, log }, { listen: '127.0.0.1:0', ...options })
  context.port = hostPort(await context.webhost.start()).port
}
test.before.each((context) => begin(context))
test.after.each(({ webhost }) => webhost.stop())

let ids = 0
function query(port: number, change = {}) {
  const peerId = (ids++).toString(16).padStart(40, '0')
  return `/announce?${formatQuery({ infoHash: INFO_HASH, peerId, port, wanted: 50, compact: true, ...change })}`
}

interface Sent {
  method?: string
  headers?: Record<string, string>
  from?: string
  host?: string
}
function send(
  port: number,
  path: string,
  { method = 'GET', headers = {}, from, host = '127.0.0.1' }: Sent = {},
) {
  return new Promise<{ status: number; body: Buffer; allow?: string | undefined }>((resolve, reject) => {
    const options = {
      host,
      port,
      path,
      method,
      headers,
      agent: false,
      ...(from ? { localAddress: from } : {}),
    }
    const sent = request(options, (response) => {
      const body: Buffer[] = []
      response.on('data', (part) => body.push(part))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode!, body: Buffer.concat(body), allow: response.headers.allow }),
      )
    })
    sent.on('error', reject)
    sent.end(method === 'POST' ? 'x' : undefined)
  })
}
const nodes = (body: Buffer) => decodeAnswer(body, '').nodes.sort()

/** Writes bytes as they are; resolves to all that came back once the server has closed. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (data) => {
      answer += data.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.write(bytes, 'latin1')
  })
}

test('three nodes meet, each at the address that its connection comes from', async ({ port }) => {
  assert.equal(nodes((await send(port, query(8048), { from: '127.0.0.2' })).body), [])
  assert.equal(nodes((await send(port, query(8048), { from: '127.0.0.3' })).body), ['127.0.0.2:8048'])
  const third = await send(port, query(9000, { compact: false }), { from: '127.0.0.2' })
  assert.equal(nodes(third.body), ['127.0.0.2:8048', '127.0.0.3:8048'])
})

test('two clients of ours find each other, until one says that it goes', async ({ port, webhost }) => {
  const urls = [webhostUrl(`http://127.0.0.1:${port}`)!]
  const client = (listens: number) =>
    createWebhostClient(
      { ...parts, log: silentLog, problems: createProblems(parts.clock), http: httpGet },
      { urls, infoHashes: [INFO_HASH], port: listens, peerId: systemRandom.hex(20) },
    )
  const [first, second, third] = [client(8048), client(8049), client(8050)]
  first.start(() => assert.unreachable('nobody else was there'))
  while (webhost.size < 1) await new Promise((resolve) => setImmediate(resolve))
  const heard = (of: typeof first) => new Promise<string[]>((resolve) => of.start(resolve))
  assert.equal(await heard(second), ['127.0.0.1:8048'])
  await first.stop()
  assert.equal(await heard(third), ['127.0.0.1:8049'])
  await Promise.all([second.stop(), third.stop()])
  assert.is(webhost.size, 0)
})

test('on an IPv6 socket, IPv4 askers are IPv4', async (context) => {
  await context.webhost.stop()
  await begin(context, { listen: '[::]:0' })
  await send(context.port, query(8048))
  const second = await send(context.port, query(8048), { host: '::1' })
  assert.equal(nodes(second.body), ['127.0.0.1:8048'])
  const third = await send(context.port, query(8049))
  assert.equal(nodes(third.body), ['127.0.0.1:8048', '[::1]:8048'])
})

test('only GET, only /announce', async ({ port, webhost }) => {
  const post = await send(port, query(8048), { method: 'POST' })
  assert.equal([post.status, post.allow], [405, 'GET'])
  assert.is((await send(port, query(8048), { method: 'HEAD' })).status, 405)
  for (const path of ['/', '/scrape', '/announce/x', '//announce'])
    assert.is((await send(port, path)).status, 404)
  assert.is((await send(port, '/announce')).status, 200)
  assert.is(webhost.size, 0)
})

test('a proxy in between is found out, and warned of once', async ({ port, webhost, warnings }) => {
  for (const header of ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via']) {
    await send(port, query(8048), { headers: { [header]: '192.0.2.1' } })
  }
  assert.is(webhost.size, 0)
  assert.is(warnings.length, 1)
})

test('what is no HTTP, or too long, is refused and leaves the server well', async ({ port }) => {
  assert.match(await raw(port, '\x16\x03\x01\x02\0\x01\0\r\n\r\n'), /^HTTP\/1.1 400/)
  assert.match(await raw(port, `GET /announce?${'a'.repeat(5000)} HTTP/1.1\r\n\r\n`), /^HTTP\/1.1 431/)
  assert.match(await raw(port, 'GET http://[/announce HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1.1 40[04]/)
  await raw(port, 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n')
  assert.is((await send(port, query(8048))).status, 200)
})

test('every connection ends with its answer', async ({ port }) => {
  const one = `GET ${query(8048)} HTTP/1.1\r\nHost: x\r\n\r\n`
  assert.is((await raw(port, one + one)).match(/HTTP\/1.1 200/g)?.length, 1)
})

test('who sends its headers slowly is cut off', async (context) => {
  await context.webhost.stop()
  await begin(context, { requestTimeout: 50 })
  assert.match(await raw(context.port, 'GET /announce HTTP/1.1\r\nX-Slow: '), /^HTTP\/1.1 408/)
})

test('one address has sixteen connections: the oldest makes room, and 1,500 half requests keep nobody out', async ({
  port,
}) => {
  const open = Array.from({ length: 1_500 }, () => connect(port, '127.0.0.1'))
  for (const socket of open) socket.on('error', () => {}).write('GET / HT')
  await Promise.all(open.slice(-16).map((socket) => once(socket, 'connect')))
  assert.is((await send(port, '/announce')).status, 200)
  assert.is((await send(port, '/announce', { from: '127.0.0.2' })).status, 200)
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.ok(open.filter(({ closed }) => !closed).length <= 16)
  for (const socket of open) socket.destroy()
})

test('a port that is taken is an error that names it', async ({ port }) => {
  const second = createWebhost({ ...parts, log: silentLog }, { listen: `127.0.0.1:${port}` })
  try {
    await second.start()
    assert.unreachable()
  } catch (problem) {
    assert.is((problem as { code?: string }).code, 'usage')
    assert.match((problem as Error).message, `127.0.0.1:${port}`)
  }
})

test.run()
