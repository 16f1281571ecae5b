/** The server port from outside, over TCP and a socket, with a fetcher that is told what to say. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { request as httpRequest, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import type { Job, JobEnd, JobFollower } from '../../src/fetch/job/job.ts'
import type { Located } from '../../src/fetch/locator.ts'
import { FrameType } from '../../src/http/fetch-stream.ts'
import { createServerPort, type Door, type ServerDeps } from '../../src/http/server.ts'
import type { MirrorHandler, MirrorRequest } from '../../src/mirror/curl.ts'
import { createClock } from '../clock.ts'

const dir = mkdtempSync(join(tmpdir(), 'pacsrv-server-'))
const content = Buffer.from('0123456789')
writeFileSync(join(dir, 'ready'), content)
const located: Located = {
  file: { sha256: 'a'.repeat(64), size: 10, name: 'x-1-1-any.pkg.tar.zst' },
  mirrors: ['http://m/x'],
  built: 1_700_000_000,
}
const clock = createClock()
const HANDED = { packages: 1, bytes: 10, fromPeers: 10, fromMirror: 0, peers: 1, ms: 40 }
const FRESH = {
  ready: true,
  announced: 0,
  given: [] as string[],
  allowed: true,
  failed: [] as string[],
  worthIt: true,
  fetching: false,
  followers: 0,
  signature: undefined as Buffer | undefined,
  pledged: Promise.resolve(true),
  mirrorGives: undefined as Buffer | undefined,
}
const state = { ...FRESH, openHandles: 0 }
let job: ReturnType<typeof createFakeJob>

function createFakeJob() {
  const followers = new Set<JobFollower>()
  const fake = {
    bytes: Buffer.from(content),
    readable: 0,
    end: undefined as JobEnd | undefined,
    done: 0,
    sources: 1,
    closing: false,
    file: located.file,
    follow(follower: JobFollower) {
      followers.add(follower)
      return () => followers.delete(follower)
    },
    gate: Promise.resolve() as Promise<void>,
    certain: 0,
    certainTo: (position: number, most: number) =>
      Math.max(position, Math.min(fake.certain, position + most)),
    hash: 'a',
    hashOf: () => fake.hash,
    lend: () => undefined,
    async read(buffer: Buffer, position: number) {
      await fake.gate
      fake.bytes.copy(buffer, 0, position)
    },
    async stop() {},
    followers,
    change(changes: Partial<Pick<Job, 'readable' | 'done' | 'end'>> & { certain?: number }) {
      Object.assign(fake, changes)
      for (const follower of followers) follower.onChange()
    },
    rewind() {
      fake.readable = 0
      for (const follower of followers) follower.onRewind()
    },
  }
  return fake
}

const shared = {
  readAhead: {
    asked() {
      state.followers = job.followers.size
    },
    isNew: () => false,
    begin() {},
  },
  signatures: {
    ready: async () => state.signature,
    look: async () => state.signature,
    begin() {},
  },
  fetcher: {
    locate: async (url: string) => (url.endsWith('zst') ? located : { reason: 'no sync database names it' }),
    fetch: () => job,
    isFetching: () => state.fetching,
    job: () => (state.fetching ? (job as unknown as Job) : undefined),
  },
}
const packages = {
  ...shared,
  clock,
  scout: { isWorthIt: async () => state.worthIt },
  pledges: { may: () => state.pledged, find: async () => state.signature },
  openMirror({ start }: MirrorRequest, handler: MirrorHandler) {
    if (state.mirrorGives) {
      handler.onStart(start)
      handler.onBytes(state.mirrorGives.subarray(start))
    }
    return { stop() {}, pause() {}, resume() {} }
  },
  spool: {
    async complete() {
      if (!state.ready) return undefined
      const handle = await open(join(dir, 'ready'))
      state.openHandles++
      // @types/node lacks that a FileHandle is an EventEmitter.
      ;(handle as unknown as NodeJS.EventEmitter).on('close', () => state.openHandles--)
      return { handle, size: 10, from: { fromPeers: 10, fromSite: 0, fromMirror: 0, peers: ['a'] } }
    },
  },
  catalogue: {
    open: async () => {
      throw new Error('absent')
    },
  },
}
const deps = {
  log: silentLog,
  shown: {
    status: () => ({ node: 'status' }),
    page: {
      document: () => '<!doctype html>',
      watch: (_: unknown, response: ServerResponse) => void response.end('watched'),
      file: async (name: string) =>
        name === 'page.js' ? { type: 'text/javascript', bytes: Buffer.from('script') } : undefined,
    },
    metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'pacsrv_downloads 0\n' },
  },
  announce: () => state.announced++,
  find: async (name: string) => (name === 'known' ? { file: 'known', holders: [] } : undefined),
  allows: () => state.allowed,
  fetch: {
    ...shared,
    log: silentLog,
    handovers: {
      gave: (file: { name: string }) => void state.given.push(file.name),
      to: (transaction: string, age: number) => (transaction === '7 8' && age === 90 ? HANDED : undefined),
    },
  },
  packages,
  locatePath: async (path: string) => (path.endsWith('zst') ? located : undefined),
  mirrors: {
    of: async (url: string) => (url.startsWith('http://m/') ? [url, 'http://n/x.db'] : undefined),
    failed: async (url: string) => void state.failed.push(url),
  },
} as unknown as ServerDeps

const servers = {} as Record<Door, Server>
const socketPath = join(dir, 'sock')

test.before(async () => {
  servers.tcp = createServerPort('tcp', deps).listen(0, '127.0.0.1')
  servers.socket = createServerPort('socket', deps).listen(socketPath)
  await Promise.all([once(servers.tcp, 'listening'), once(servers.socket, 'listening')])
})
test.before.each(() => {
  Object.assign(state, FRESH)
  job = createFakeJob()
})
test.after(() => {
  for (const server of Object.values(servers)) {
    server.closeAllConnections()
    server.close()
  }
  rmSync(dir, { recursive: true })
})

interface Ask {
  door?: Door
  method?: string
  headers?: Record<string, string>
  body?: string
}

function start(path: string, { door = 'tcp', method = 'GET', headers = {}, body }: Ask = {}) {
  const { port } = servers.tcp.address() as AddressInfo
  const where = door === 'tcp' ? { host: '127.0.0.1', port } : { socketPath }
  return httpRequest({ ...where, path, method, headers, agent: false }).end(body)
}

async function ask(path: string, options: Ask = {}) {
  const [response] = await once(start(path, options), 'response')
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part)
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }
}

const DONE: JobEnd = { result: 'done', fromPeers: 10, fromSite: 0, fromMirror: 0, peers: ['a'] }
const turn = () => new Promise((resolve) => setImmediate(resolve))
async function followed() {
  while (job.followers.size === 0) await turn()
}

const PACKAGE = '/core/os/x86_64/x-1-1-any.pkg.tar.zst'

for (const [door, method, path, status] of [
  ['tcp', 'GET', '/status', 200],
  ['tcp', 'GET', '/metrics', 200],
  ['tcp', 'HEAD', '/status', 200],
  ['tcp', 'GET', '/', 200],
  ['tcp', 'GET', '/events', 200],
  ['tcp', 'POST', '/events', 405],
  ['tcp', 'GET', '/page/page.js', 200],
  ['tcp', 'GET', '/page/../page.js', 404],
  ['tcp', 'GET', '/page/other.js', 404],
  ['tcp', 'POST', '/status', 405],
  ['tcp', 'DELETE', PACKAGE, 405],
  ['tcp', 'GET', '/core.db', 404],
  ['tcp', 'POST', '/v1/announce', 404],
  ['tcp', 'POST', '/v1/file', 404],
  ['tcp', 'GET', 'http://elsewhere/status', 400],
  ['tcp', 'GET', '//', 400],
  ['tcp', 'OPTIONS', '*', 400],
  ['socket', 'GET', '/status', 200],
  ['socket', 'POST', '/v1/announce', 204],
  ['socket', 'GET', '/v1/announce', 404],
  ['socket', 'GET', '/v1/find?name=known', 200],
  ['socket', 'GET', '/v1/find', 404],
  ['socket', 'GET', '/v1/signature', 404],
  ['socket', 'GET', '/v1/mirrors?url=http://m/x.db', 200],
  ['socket', 'GET', '/v1/mirrors?url=http://unknown/x.db', 404],
  ['socket', 'GET', '/v1/mirrors', 404],
  ['tcp', 'GET', '/v1/mirrors?url=http://m/x.db', 404],
  ['tcp', 'POST', '/v1/mirror-failed?url=http://m/x.db', 404],
  ['socket', 'GET', '/v1/unknown', 404],
] as const) {
  test(`${door}: ${method} ${path} is ${status}`, async () => {
    assert.is((await ask(path, { door, method })).status, status)
    assert.is(state.announced, status === 204 ? 1 : 0)
  })
}

for (const [host, status] of [
  ['127.0.0.1:8049', 200],
  ['[::1]:8049', 200],
  ['LOCALHOST', 200],
  ['evil.example', 403],
  ['evil.example:8049', 403],
  ['127.0.0.1.evil.example', 403],
  ['localhost.evil.example', 403],
] as const) {
  test(`tcp: Host ${host} is ${status}`, async () => {
    assert.is((await ask('/status', { headers: { Host: host } })).status, status)
  })
}

test('tcp: an address that may not ask is refused', async () => {
  state.allowed = false
  assert.is((await ask('/status')).status, 403)
  assert.is((await ask('/status', { door: 'socket' })).status, 200)
})

for (const [origin, status] of [
  ['http://127.0.0.1:8049', 200],
  ['http://127.0.0.1:8050', 403],
  ['http://evil.example', 403],
  ['null', 403],
] as const) {
  for (const path of ['/', '/events', '/page/page.js', '/status', PACKAGE]) {
    test(`tcp: ${path} with Origin ${origin} is ${status}`, async () => {
      const headers = { Host: '127.0.0.1:8049', Origin: origin }
      assert.is((await ask(path, { headers })).status, status)
    })
  }
}

test('what a browser is given may use nothing from elsewhere and run nothing that stands in the page', async () => {
  for (const path of ['/', '/page/page.js', '/status']) {
    const policy = String((await ask(path)).headers['content-security-policy']).split('; ')
    for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"])
      assert.ok(policy.includes(rule), `${path}: ${rule}`)
    assert.not.match(policy.join(' '), /unsafe|http:|https:|data:|\*/)
  }
})

test('the hook is told how its transaction went, in a frame that the front reads; nobody else is', async () => {
  const say = (body: string) => ask('/v1/announce', { door: 'socket', method: 'POST', body })
  const told = await say('transaction=7 8\0age=90\0')
  const line = 'pacsrv: 1 package, 10 B: all from 1 peer, in 0.0 s.'
  assert.equal(
    [told.status, told.body.toString()],
    [200, `\x08\0\0\0${String.fromCharCode(line.length)}${line}`],
  )
  const others = [
    'transaction=7 9\0age=90\0',
    'transaction=7 8\0',
    'transaction=7 8\0age=x\0',
    'x'.repeat(500),
    '',
  ]
  for (const body of others) assert.is((await say(body)).status, 204, body)
  assert.is(state.announced, 1 + others.length, 'announced all the same')
})

test('what this machine had by a CacheServer is noted once it is whole, signatures and heads are not', async () => {
  state.given = []
  await ask(PACKAGE)
  assert.equal(state.given, [located.file.name])
  state.given = []
  await ask(PACKAGE, { method: 'HEAD' })
  await ask(`${PACKAGE}.sig`)
  Object.assign(state, { ready: false, worthIt: false })
  assert.is((await ask(PACKAGE)).status, 404)
  assert.equal(state.given, [])
})

for (const [range, status, body, contentRange] of [
  [undefined, 200, '0123456789', undefined],
  ['bytes=0-9', 206, '0123456789', 'bytes 0-9/10'],
  ['bytes=9-', 206, '9', 'bytes 9-9/10'],
  ['bytes=10-', 416, '', 'bytes */10'],
  ['bytes=3-4', 206, '34', 'bytes 3-4/10'],
  ['bytes=3-10', 206, '3456789', 'bytes 3-9/10'],
  ['bytes=-5', 206, '56789', 'bytes 5-9/10'],
  ['bytes=-10', 206, '0123456789', 'bytes 0-9/10'],
  ['bytes=-11', 206, '0123456789', 'bytes 0-9/10'],
  ['bytes=-0', 416, '', 'bytes */10'],
  ['bytes=-', 200, '0123456789', undefined],
  ['bytes=5-4', 200, '0123456789', undefined],
  ['bytes=99999999999999999999-', 416, '', 'bytes */10'],
  ['bytes=1-2,4-5', 200, '0123456789', undefined],
  ['lines=1-2', 200, '0123456789', undefined],
] as const) {
  test(`a package with Range ${range} is ${status}`, async () => {
    const answer = await ask(PACKAGE, { headers: range ? { Range: range } : {} })
    assert.equal([answer.status, answer.body.toString()], [status, body])
    assert.is(answer.headers['content-range'], contentRange)
    assert.is(state.openHandles, 0)
  })
}

const BUILT = 'Tue, 14 Nov 2023 22:13:20 GMT'
const SECOND_BEFORE = 'Tue, 14 Nov 2023 22:13:19 GMT'
const SECOND_AFTER = 'Tue, 14 Nov 2023 22:13:21 GMT'

for (const [headers, status] of [
  [{ 'If-Modified-Since': SECOND_BEFORE }, 200],
  [{ 'If-Modified-Since': BUILT }, 304],
  [{ 'If-Modified-Since': SECOND_AFTER, Range: 'bytes=1-' }, 304],
  [{ 'If-Modified-Since': SECOND_AFTER, 'If-None-Match': '"x"' }, 200],
  [{ 'If-Modified-Since': 'yesterday' }, 200],
  [{ 'If-Range': BUILT, Range: 'bytes=1-' }, 206],
  [{ 'If-Range': SECOND_BEFORE, Range: 'bytes=1-' }, 200],
  [{ 'If-Range': SECOND_AFTER, Range: 'bytes=1-' }, 200],
  [{ 'If-Range': '"x"', Range: 'bytes=1-' }, 200],
] as [Record<string, string>, number][]) {
  test(`a package with ${JSON.stringify(headers)} is ${status}`, async () => {
    const answer = await ask(PACKAGE, { headers })
    assert.is(answer.status, status)
    assert.is(answer.headers['last-modified'], BUILT)
    assert.is(answer.body.length, { 200: 10, 206: 9, 304: 0 }[status])
    assert.is(state.openHandles, 0)
  })
}

test('HEAD of a package gives its length and no bytes', async () => {
  const { headers, body } = await ask(PACKAGE, { method: 'HEAD' })
  assert.equal([headers['content-length'], body.length], ['10', 0])
})

test("the mirrors for a caller's curl, one a line, and which of them failed it", async () => {
  const url = encodeURIComponent('http://m/x.db')
  const answer = await ask(`/v1/mirrors?url=${url}`, { door: 'socket' })
  assert.is(answer.body.toString(), 'http://m/x.db\nhttp://n/x.db\n')
  assert.is((await ask(`/v1/mirror-failed?url=${url}`, { door: 'socket', method: 'POST' })).status, 204)
  assert.equal(state.failed, ['http://m/x.db'])
})

test('a signature by /v1/signature, or 404', async () => {
  const url = '/v1/signature?url=http://m/x.zst.sig'
  assert.is((await ask(url, { door: 'socket' })).status, 404)
  state.signature = Buffer.from('signature')
  assert.is((await ask(url, { door: 'socket' })).body.toString(), 'signature')
  assert.is((await ask('/v1/signature?url=http://m/x.db.sig', { door: 'socket' })).status, 404)
})

test('what is no signature is not asked for as one', async () => {
  state.signature = Buffer.from('signature')
  assert.is((await ask('/v1/signature?url=http://m/x.zst', { door: 'socket' })).status, 404)
})

test('a package that nobody has is 404 at once, unless it is on its way already', async () => {
  Object.assign(state, { ready: false, worthIt: false })
  assert.is((await ask(PACKAGE)).status, 404)
  state.fetching = true
  const answer = ask(PACKAGE)
  await followed()
  job.change({ end: { result: 'mirror', reason: '' } })
  assert.is((await answer).status, 404)
})

test('a package that is not here is fetched; 404 when that fails', async () => {
  state.ready = false
  const failed = ask(PACKAGE)
  await followed()
  job.change({ end: { result: 'mirror', reason: '' } })
  assert.is((await failed).status, 404)

  job = createFakeJob()
  const good = ask(PACKAGE)
  await followed()
  state.ready = true
  job.change({ end: DONE })
  assert.is((await good).body.toString(), '0123456789')
  assert.is(state.openHandles, 0)
})

test('404 at seven seconds when no mirror gives its first bytes meanwhile', async () => {
  state.ready = false
  const late = ask(PACKAGE)
  await followed()
  clock.advance(6_999)
  assert.is(job.followers.size, 1)
  clock.advance(1)
  assert.is((await late).status, 404)
  assert.is(job.followers.size, 0)
})

/** A package that takes long: its answer so far, once the mirror has given its first bytes. */
async function dripping(headers: Record<string, string> = {}) {
  Object.assign(state, { ready: false, mirrorGives: content })
  const asked = start(PACKAGE, { headers })
  const responded = once(asked, 'response')
  await followed()
  clock.advance(4_000)
  const [response] = await responded
  const parts: Buffer[] = []
  response.on('data', (part: Buffer) => parts.push(part))
  response.on('error', () => {})
  while (parts.length === 0) await turn()
  return { response, got: () => Buffer.concat(parts).toString() }
}

for (const [headers, status, first, rest] of [
  [{}, 200, '012345678', '9'],
  [{ Range: 'bytes=3-' }, 206, '345678', '9'],
] as [Record<string, string>, number, string, string][]) {
  test(`the mirror's first bytes keep pacman waiting; the rest comes checked (${status})`, async () => {
    const { response, got } = await dripping(headers)
    assert.is(response.statusCode, status)
    assert.is(response.headers['content-length'], String(first.length + rest.length))
    assert.is(got(), first)
    clock.advance(60_000)
    state.ready = true
    job.change({ end: DONE })
    await once(response, 'end')
    assert.is(got(), first + rest)
    assert.ok(response.complete)
  })
}

test('when the fetch fails after the first bytes, or they prove wrong, the connection is cut', async () => {
  for (const how of ['fails', 'wrong']) {
    job = createFakeJob()
    const { response, got } = await dripping()
    if (how === 'wrong') writeFileSync(join(dir, 'ready'), 'x123456789')
    state.ready = how === 'wrong'
    const closed = new Promise((resolve) => response.once('close', resolve))
    job.change({ end: how === 'fails' ? { result: 'mirror', reason: '' } : DONE })
    await closed
    writeFileSync(join(dir, 'ready'), content)
    assert.is(got(), '012345678')
    assert.not(response.complete)
    assert.is(state.openHandles, 0)
  }
})

test('who goes away while it waits leaves the job', async () => {
  state.ready = false
  const asked = start(PACKAGE)
  asked.on('error', () => {})
  await followed()
  asked.destroy()
  while (job.followers.size > 0) await turn()
})

test('64 at once', async () => {
  state.ready = false
  const answers = Array.from({ length: 64 }, () => ask(PACKAGE))
  while (job.followers.size < 64) await turn()
  state.ready = true
  job.change({ end: DONE })
  for (const answer of answers) assert.is((await answer).body.toString(), '0123456789')
  assert.is(state.openHandles, 0)
})

for (const [name, found, status] of [
  ['found', 'found', 200],
  ['nowhere', undefined, 404],
] as const) {
  test(`tcp: the signature of a package: ${name}: ${status}`, async () => {
    Object.assign(state, { signature: found && Buffer.from(found) })
    const answer = await ask(`${PACKAGE}.sig`)
    assert.is(answer.status, status)
    if (status === 200) assert.is(answer.body.toString(), found)
  })
}

test('a package whose signature is not to be had is 404, here or on its way', async () => {
  state.pledged = Promise.resolve(false)
  assert.is((await ask(PACKAGE)).status, 404)
  assert.is(state.openHandles, 0)
  state.ready = false
  assert.is((await ask(PACKAGE)).status, 404)
  assert.is(job.followers.size, 0)
})

test('no byte leaves before the signature is there', async () => {
  let decide = (_: boolean) => {}
  state.pledged = new Promise((resolve) => {
    decide = resolve
  })
  Object.assign(state, { ready: false, mirrorGives: content })
  const asked = start(PACKAGE)
  const answered = once(asked, 'response')
  await followed()
  clock.advance(4_000)
  job.change({ end: DONE })
  await turn()
  decide(false)
  const [response] = await answered
  assert.is(response.statusCode, 404)
  response.resume()
})

/** Frames by type, with their text; signs of life left out. */
function frames(body: Buffer): [number, string][] {
  const found: [number, string][] = []
  for (let at = 0; at < body.length; ) {
    const length = body.readUInt32BE(at + 1)
    const text = body.subarray(at + 5, at + 5 + length).toString()
    if (body[at] !== FrameType.progress) found.push([body[at]!, text])
    at += 5 + length
  }
  return found
}
const fetchIt = (url = 'http://m/x.zst') =>
  ask('/v1/file', { door: 'socket', method: 'POST', body: `url=${url}\0` })

test('a fetch hands over what is readable as it comes, then the end', async () => {
  state.ready = false
  const answer = fetchIt()
  await followed()
  assert.is(state.followers, 1, 'a job that is read ahead must never be without a follower')
  job.change({ readable: 4 })
  for (let i = 0; i < 5; i++) await turn()
  job.change({ readable: 10, end: DONE })
  assert.equal(frames((await answer).body), [
    [FrameType.size, '\0\0\0\0\0\0\0\n'],
    [FrameType.data, '0123'],
    [FrameType.data, '456789'],
    [FrameType.done, 'x-1-1-any.pkg.tar.zst: 10 B from 1 peer, 0 B from the mirror'],
  ])
  assert.is(job.followers.size, 0)
})

test('a fetch that is rewound begins anew; what was being read before is not sent after', async () => {
  state.ready = false
  let open = () => {}
  job.gate = new Promise((resolve) => {
    open = resolve
  })
  job.bytes = Buffer.from('xxxxxxxxxx')
  const answer = fetchIt()
  await followed()
  job.change({ readable: 4 })
  await turn()
  job.rewind()
  open()
  await turn()
  job.bytes = content
  job.change({ readable: 10, end: DONE })
  const got = frames((await answer).body)
  const from = got.findLastIndex(([type]) => type === FrameType.rewind)
  assert.ok(from > 0)
  const data = got.slice(from).filter(([type]) => type === 2)
  assert.is(data.map(([, text]) => text).join(''), '0123456789')
})

test("a fetch that fails, or is not the daemon's, says so", async () => {
  state.ready = false
  const answer = fetchIt()
  await followed()
  job.change({ readable: 4, end: { result: 'mismatch', reason: 'wrong' } })
  assert.equal(frames((await answer).body).at(-1), [FrameType.mismatch, 'wrong'])
  assert.equal(frames((await fetchIt('http://m/x.db')).body), [
    [FrameType.mirror, 'no sync database names it'],
  ])
})

test('a request that is garbage or too long ends with an answer', async () => {
  for (const body of ['', '{', 'url', 'columns=80\0', `url=http://m/x.zst\0${'x'.repeat(64 * 1024)}`]) {
    const answer = await ask('/v1/file', { door: 'socket', method: 'POST', body })
    assert.is(frames(answer.body).at(-1)![0], FrameType.mirror)
  }
})

test('a client that goes away leaves the job', async () => {
  state.ready = false
  const asked = start('/v1/file', { door: 'socket', method: 'POST', body: 'url=http://m/x.zst\0' })
  asked.on('error', () => {})
  await followed()
  asked.destroy()
  while (job.followers.size > 0) await turn()
})

test.run()
