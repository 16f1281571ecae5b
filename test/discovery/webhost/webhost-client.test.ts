import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Log } from '../../../src/base/log.ts'
import { silentLog } from '../../../src/base/log.ts'
import { createProblems } from '../../../src/base/problems.ts'
import { encode } from '../../../src/discovery/bencode.ts'
import { createWebhostClient, webhostUrl } from '../../../src/discovery/webhost/webhost-client.ts'
import type { HttpGetOptions, HttpReply } from '../../../src/discovery/webhost/webhost-http.ts'
import { type AnnounceQuery, INFO_HASH, parseQuery } from '../../../src/discovery/webhost/webhost-query.ts'
import { createClock } from '../../clock.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const PEER_ID = 'ab'.repeat(20)
/** Makes jitter add nothing: a pause of 1 minute is 1 minute. */
const random = { hex: () => '', below: (limit: number) => Math.floor(limit / 2) }

type Reply = Partial<Omit<HttpReply, 'body'>> & { body?: object | Buffer }
const listing = (bytes: number[], more = {}): Reply => ({
  body: { interval: 900, peers: Buffer.from(bytes), ...more },
})
const PEER = [192, 0, 2, 1, 31, 112]

/** `reply` answers, throws, or hangs (undefined) until the client gives up. */
function setUp(
  urls: string[],
  reply: (url: URL, query: AnnounceQuery, family: 4 | 6) => Reply | undefined,
  infoHashes = [INFO_HASH],
) {
  const clock = createClock()
  const asked: { at: number; url: URL; family: 4 | 6; query: AnnounceQuery }[] = []
  const warnings: string[] = []
  const infos: string[] = []
  const told: string[][] = []
  const log: Log = {
    ...silentLog,
    warn: (_, message) => warnings.push(message),
    info: (_, message) => infos.push(message),
  }
  const http = async (url: URL, { family, signal }: HttpGetOptions): Promise<HttpReply> => {
    const query = parseQuery(url.search.slice(1))
    asked.push({ at: clock.now(), url, family, query })
    const given = reply(url, query, family)
    if (given === undefined) {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const { status = 200, body = {}, remote = '203.0.113.1' } = given
    return { status, remote, body: Buffer.isBuffer(body) ? body : encode(body) }
  }
  const problems = createProblems(clock)
  const client = createWebhostClient(
    { clock, random, log, problems, http },
    { urls: urls.map((url) => webhostUrl(url)!), infoHashes, port: 8048, peerId: PEER_ID },
  )
  client.start((nodes) => told.push(nodes))
  /** Winds the clock and lets what came of it settle. */
  async function advance(ms: number) {
    clock.advance(ms)
    await settled()
  }
  return { clock, client, asked, warnings, infos, problems, told, advance }
}
const settled = () => new Promise((resolve) => setImmediate(resolve))
const ONE = ['http://203.0.113.1:8050/announce']

test('asks at the start, tells of strangers, and asks again when the webhost wishes', async () => {
  const { asked, told, advance } = setUp(ONE, () => listing(PEER))
  await advance(0)
  assert.equal(told, [['192.0.2.1:8048']])
  await advance(15 * MINUTE - 1)
  assert.is(asked.length, 1)
  await advance(1)
  assert.equal(
    asked.map(({ query }) => [query.event, query.port, query.peerId]),
    [
      ['started', 8048, PEER_ID],
      [undefined, 8048, PEER_ID],
    ],
  )
})

test('a name is asked by both IP versions, an address by its own', async () => {
  const urls = ['http://webhost.example/announce', 'http://192.0.2.1/', 'http://[2001:db8::1]/']
  const { asked, advance } = setUp(urls, () => listing([]))
  await advance(0)
  assert.equal(
    asked.map(({ url, family }) => `${url.hostname} ${family}`),
    ['webhost.example 4', 'webhost.example 6', '192.0.2.1 4', '[2001:db8::1] 6'],
  )
})

test('short of neighbours, it asks after the least interval, not before and not twice', async () => {
  const { asked, client, advance } = setUp(ONE, () => listing([], { 'min interval': 120 }))
  await advance(0)
  await advance(1000)
  client.wanted()
  client.wanted()
  await advance(2 * MINUTE - 1001)
  assert.is(asked.length, 1)
  await advance(1)
  assert.is(asked.length, 2)
  await advance(10 * MINUTE)
  client.wanted()
  await advance(0)
  assert.is(asked.length, 3)
})

test('a question under way is not asked again', async () => {
  const { asked, client, advance } = setUp(ONE, () => undefined)
  await advance(0)
  client.wanted()
  await advance(14_999)
  assert.is(asked.length, 1)
})

test("a tracker's interval is kept between a minute and an hour", async () => {
  for (const [interval, pause] of [
    [0, MINUTE],
    [-5, MINUTE],
    [60, MINUTE],
    [61, 61_000],
    [3600, HOUR],
    [3601, HOUR],
    [999999999999, HOUR],
  ] as const) {
    const { asked, advance } = setUp(ONE, () => listing([], { interval }))
    await advance(0)
    await advance(pause - 1)
    assert.is(asked.length, 1, `${interval}`)
    await advance(1)
    assert.is(asked.length, 2, `${interval}`)
  }
})

test('a webhost that fails is asked at growing pauses, up to an hour, and warned of once', async () => {
  let up = false
  const { asked, infos, warnings, problems, advance } = setUp(ONE, () => {
    if (!up) throw new Error('connect ECONNREFUSED')
    return listing([])
  })
  await advance(0)
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    const before = asked.length
    await advance(minutes * MINUTE - 1)
    assert.is(asked.length, before, `${minutes}`)
    await advance(1)
    assert.is(asked.length, before + 1, `${minutes}`)
  }
  assert.is(warnings.length, 1)
  assert.match(warnings[0]!, /203\.0\.113\.1:8050\/announce .*ECONNREFUSED/)
  assert.is(problems.all()[0]?.code, 'webhost')
  up = true
  await advance(HOUR)
  assert.equal(problems.all(), [])
  assert.is(infos.length, 1)
  assert.is(asked.at(-1)!.query.event, 'started')
  await advance(15 * MINUTE)
  assert.is(asked.at(-1)!.query.event, undefined)
  up = false
  await advance(15 * MINUTE)
  const before = asked.length
  await advance(MINUTE)
  assert.is(asked.length, before + 1, 'the pauses begin anew')
  assert.is(warnings.length, 2)
})

test('wanted does not hurry a webhost that fails', async () => {
  const { asked, client, advance } = setUp(ONE, () => ({ status: 500 }))
  await advance(0)
  client.wanted()
  await advance(MINUTE - 1)
  assert.is(asked.length, 1)
})

test('webhosts set anew: the new one is asked, the one left out is told goodbye, nothing is wrong with it', async () => {
  const { client, asked, problems, advance } = setUp(ONE, (url) => {
    if (url.host.startsWith('198')) return listing([])
    throw new Error('ECONNREFUSED')
  })
  await advance(0)
  assert.is(problems.all().length, 1)
  const other = webhostUrl('http://198.51.100.1:8050')!
  client.setUrls([other])
  await advance(0)
  assert.equal(problems.all(), [])
  assert.is(asked.at(-1)!.url.host, '198.51.100.1:8050')
  const before = asked.length
  client.setUrls([webhostUrl('http://198.51.100.1:8050')!])
  await advance(14 * MINUTE)
  assert.is(asked.length, before, 'the same is no news, and the first is asked no more')
  client.setUrls([])
  await advance(0)
  assert.is(asked.at(-1)!.query.event, 'stopped')
  await advance(HOUR)
  assert.is(asked.length, before + 1)
})

test('one IP version that fails is no warning while the other answers', async () => {
  const both = ['http://webhost.example/announce']
  const works = setUp(both, (_url, _query, family) => {
    if (family === 6) throw new Error('ENOTFOUND')
    return listing([])
  })
  await works.advance(0)
  await works.advance(HOUR)
  assert.equal(works.warnings, [])
  const fails = setUp(both, () => {
    throw new Error('ENOTFOUND')
  })
  await fails.advance(0)
  await fails.advance(HOUR)
  assert.is(fails.warnings.length, 1)
})

test('garbage, refusals, redirects and silence throw nothing, tell nothing and are warned of once', async () => {
  const bad: (() => Reply | undefined)[] = [
    () => ({ body: Buffer.from('<html>') }),
    () => ({ body: Buffer.from('l-3:e') }),
    () => ({ body: { 'failure reason': 'no' } }),
    () => ({ ...listing(PEER), status: 302 }),
    () => undefined,
  ]
  for (const reply of bad) {
    const { told, warnings, asked, advance } = setUp(ONE, reply)
    await advance(0)
    await advance(15_000)
    await advance(5 * MINUTE)
    await advance(15_000)
    await advance(15_000)
    assert.equal(told, [])
    assert.is(warnings.length, 1, warnings.join())
    assert.ok(asked.length > 1)
  }
})

test('what a webhost in the world tells of loopback, sites, system ports or nowhere is not passed on', async () => {
  const peers = [
    [127, 0, 0, 1, 31, 112],
    [10, 0, 0, 1, 31, 112],
    [0, 0, 0, 0, 31, 112],
    [224, 0, 0, 1, 31, 112],
    [192, 0, 2, 1, 3, 255],
    [192, 0, 2, 1, 4, 0],
  ].flat()
  const world = setUp(ONE, () => listing(peers))
  await world.advance(0)
  assert.equal(world.told, [['192.0.2.1:1024']])
  const site = setUp(ONE, () => ({ ...listing(peers), remote: '::ffff:10.0.0.9' }))
  await site.advance(0)
  assert.equal(site.told, [['10.0.0.1:8048', '192.0.2.1:1024']])
  const host = setUp(ONE, () => ({ ...listing(peers), remote: '127.0.0.1' }))
  await host.advance(0)
  assert.equal(host.told, [['127.0.0.1:8048', '10.0.0.1:8048', '192.0.2.1:1024']])
})

test('stop takes it off the lists that it is on, and tells nothing more', async () => {
  const { client, asked, told, advance } = setUp([...ONE, 'http://198.51.100.1/'], (url) =>
    url.hostname === '203.0.113.1' ? listing(PEER) : { status: 404 },
  )
  await advance(0)
  await client.stop()
  assert.equal(
    asked.slice(2).map(({ url, query }) => [url.hostname, query.event, query.wanted]),
    [['203.0.113.1', 'stopped', 0]],
  )
  await advance(10 * HOUR)
  assert.is(asked.length, 3)
  assert.is(told.length, 1)
})

test('stop waits a second for a webhost that hangs, and no longer', async () => {
  const { client, asked, clock, warnings, advance } = setUp(ONE, () => undefined)
  await advance(0)
  let stopped = false
  const stop = client.stop().then(() => {
    stopped = true
  })
  await advance(999)
  assert.not(stopped)
  clock.advance(1)
  await stop
  assert.equal(
    asked.map(({ query }) => query.event),
    ['started', 'stopped'],
  )
  assert.equal(warnings, [])
})

test("a webhost's URL: http or https, /announce unless it has a path; its own query is kept", async () => {
  assert.is(webhostUrl('http://a.example')?.href, 'http://a.example/announce')
  assert.is(webhostUrl('https://a.example/x/announce?key=1#x')?.href, 'https://a.example/x/announce?key=1')
  for (const bad of ['udp://a.example/', 'a.example', '', 'file:///etc/passwd', 'http://']) {
    assert.is(webhostUrl(bad), undefined, bad)
  }
  const { asked, warnings, advance } = setUp(['http://me:secret@203.0.113.1/announce?key=1'], () => ({
    status: 403,
  }))
  await advance(0)
  assert.match(asked[0]!.url.search, /^\?key=1&info_hash=/)
  assert.not.match(warnings[0]!, /secret|key/)
})

test('a node with two keys is listed in the networks of both, and leaves both', async () => {
  const [one, other] = ['01'.repeat(20), '02'.repeat(20)]
  const { asked, client, told, advance } = setUp(ONE, () => listing(PEER), [one, other])
  await advance(0)
  await client.stop()
  assert.equal(
    asked.map(({ query }) => [query.infoHash, query.event]),
    [
      [one, 'started'],
      [other, 'started'],
      [one, 'stopped'],
      [other, 'stopped'],
    ],
  )
  assert.is(told.length, 2)
})

test.run()
