import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { chunkLength, chunkSize } from '../../../src/base/chunks.ts'
import { silentLog } from '../../../src/base/log.ts'
import { createPacserve, MAX_SERVERS } from '../../../src/fetch/sources/pacserve.ts'
import { createPacserveSource } from '../../../src/fetch/sources/pacserve-source.ts'
import type { ChunkSource, SourceOwner } from '../../../src/fetch/sources/source.ts'
import type { MirrorHandler, MirrorRequest } from '../../../src/mirror/curl.ts'
import { createClock } from '../../clock.ts'

const MIB = 1024 * 1024
const step = chunkSize(MIB)
const file = { sha256: '0'.repeat(64), size: MIB, name: 'vim-1-1-x86_64.pkg.tar.zst' }
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** A server whose streams the test feeds. */
function createStreams() {
  const streams: {
    request: MirrorRequest
    handler: MirrorHandler
    stopped: boolean
    give(chunks: number): void
  }[] = []
  return {
    streams,
    open(request: MirrorRequest, handler: MirrorHandler) {
      const stream = {
        request,
        handler,
        stopped: false,
        give(chunks: number) {
          for (let i = 0; i < chunks && !stream.stopped; i++) handler.onBytes(Buffer.alloc(step))
        },
      }
      streams.push(stream)
      return {
        stop() {
          stream.stopped = true
        },
        pause() {},
        resume() {},
      }
    },
  }
}

function createSource(size = MIB) {
  const { streams, open } = createStreams()
  const got: number[] = []
  const gone: (string | undefined)[] = []
  const source = createPacserveSource(
    { open, clock: createClock() },
    {
      url: 'http://10.0.0.1:7078/pkg/vim',
      size,
      label: 'pacserve 10.0.0.1:7078',
      handler: {
        onChunk(_, chunk, bytes) {
          assert.is(bytes.length, chunkLength(size, chunk))
          got.push(chunk)
        },
        onRefused() {},
        onGone: (_, error) => void gone.push(error?.message),
      },
    },
  )
  return { source, streams, got, gone }
}

test('a stream goes on for as long as the next chunk is asked for; then another begins where one is', () => {
  const { source, streams, got } = createSource()
  source.ask(2)
  source.ask(3)
  assert.is(streams.length, 1)
  assert.is(streams[0]!.request.start, 2 * step)
  streams[0]!.handler.onStart(2 * step)
  streams[0]!.give(1)
  source.ask(4)
  source.ask(9)
  streams[0]!.give(3)
  assert.equal(got, [2, 3, 4])
  assert.ok(streams[0]!.stopped)
  assert.is(streams[1]!.request.start, 9 * step)
  source.cancel(9)
  streams[1]!.handler.onStart(9 * step)
  streams[1]!.give(1)
  assert.equal(got, [2, 3, 4])
  assert.is(source.heard, undefined, 'nothing is waited for')
})

test('one without ranges gives all that it sends', () => {
  const { source, streams, got } = createSource()
  source.ask(2)
  streams[0]!.handler.onStart(0)
  streams[0]!.give(16)
  streams[0]!.handler.onEnd(undefined)
  assert.equal(got, [...Array(16).keys()])
})

for (const [what, size, taken] of [
  ['at the bound', 64 * MIB, true],
  ['over the bound', 64 * MIB + 1, false],
] as const) {
  test(`a file ${what} is ${taken ? '' : 'not '}taken from one without ranges`, () => {
    const { source, streams, got, gone } = createSource(size)
    source.ask(1)
    streams[0]!.handler.onStart(0)
    streams[0]!.handler.onBytes(Buffer.alloc(chunkSize(size)))
    assert.is(got.length, Number(taken))
    assert.is(gone.length, Number(!taken))
  })
}

/** Servers that answer as the test says. */
function createServers(answers: Record<string, boolean | 'broken' | 'silent'>) {
  const clock = createClock()
  const { streams, open } = createStreams()
  const asked: string[] = []
  const has = async (server: string) => {
    asked.push(server)
    const answer = answers[server] ?? false
    if (answer === 'silent') await new Promise(() => {})
    if (answer === 'broken') throw new Error('refused')
    return answer as boolean
  }
  const pacserve = createPacserve({ clock, log: silentLog, http: { has, open } })
  for (const server of Object.keys(answers)) pacserve.set(server, true)

  async function search() {
    asked.length = 0
    const sources: ChunkSource[] = []
    const owners: SourceOwner[] = []
    const dropped: ChunkSource[] = []
    let changes = 0
    const found = pacserve.search(file, new AbortController().signal, {
      join(make, owner) {
        const source = make({ onChunk() {}, onRefused() {}, onGone() {} })
        sources.push(source)
        owners.push(owner)
        return source
      },
      drop: (source) => void dropped.push(source),
      onChange: () => void changes++,
    })
    found.begin()
    const awaitedAtFirst = found.awaited
    await settle()
    return { found, sources, owners, dropped, awaitedAtFirst, changes: () => changes, asked: [...asked] }
  }
  return { clock, pacserve, streams, search }
}

test('all servers are asked, and those that have the file become sources', async () => {
  const { search } = createServers({ '10.0.0.1:7078': true, '10.0.0.2:7078': false, '10.0.0.3:7078': true })
  const { found, sources, awaitedAtFirst } = await search()
  assert.ok(awaitedAtFirst)
  assert.not.ok(found.awaited)
  assert.is(found.firstAt, 0)
  assert.equal(
    sources.map(({ label, kind, near }) => [label, kind, near]),
    [
      ['pacserve 10.0.0.1:7078', 'peer', true],
      ['pacserve 10.0.0.3:7078', 'peer', true],
    ],
  )
})

test('without servers nothing is waited for', async () => {
  const { search } = createServers({})
  const { found, awaitedAtFirst } = await search()
  assert.not.ok(awaitedAtFirst)
  assert.is(found.firstAt, undefined)
})

test('a silent server is waited for 150 ms at most', async () => {
  const { search, clock } = createServers({ '10.0.0.1:7078': 'silent' })
  const { found, changes } = await search()
  clock.advance(149)
  assert.ok(found.awaited)
  assert.is(changes(), 0)
  clock.advance(1)
  assert.not.ok(found.awaited)
  assert.is(changes(), 1)
})

test('one that does not answer rests, longer each time', async () => {
  const { search, clock, pacserve } = createServers({ '10.0.0.1:7078': 'broken' })
  const isAsked = async () => (await search()).asked.length === 1
  for (const rest of [30_000, 60_000, 120_000]) {
    assert.ok(await isAsked())
    clock.advance(rest - 1)
    pacserve.set('10.0.0.1:7078', false)
    pacserve.set('10.0.0.1:7078', true)
    assert.not.ok(await isAsked(), `${rest}`)
    clock.advance(1)
  }
  assert.ok(await isAsked())
})

test('one that has gone is not asked', async () => {
  const { search, pacserve } = createServers({ '10.0.0.1:7078': true })
  pacserve.set('10.0.0.1:7078', false)
  assert.equal((await search()).asked, [])
})

test('one that gave something false is left out for an hour, at every port; another is not', async () => {
  const { search, clock, pacserve } = createServers({ '10.0.0.1:7078': true, '10.0.0.2:7078': true })
  const { found, owners } = await search()
  owners[0]!.rejected(false)
  assert.is((await search()).asked.length, 2, 'the list may be the lie')
  found.wholeRight()
  pacserve.set('10.0.0.1:7079', true)
  assert.equal((await search()).asked, ['10.0.0.2:7078'])
  clock.advance(3_599_999)
  assert.equal((await search()).asked, ['10.0.0.2:7078'])
  clock.advance(1)
  assert.is((await search()).asked.length, 3)
})

test('one whose false chunk is the whole file is left out at once', async () => {
  const { search } = createServers({ '10.0.0.1:7078': true })
  const { owners } = await search()
  owners[0]!.rejected(true)
  assert.equal((await search()).asked, [])
})

test('when the whole is wrong those are barred that gave any of it, and all are dropped', async () => {
  const { search, streams } = createServers({ '10.0.0.1:7078': true, '10.0.0.2:7078': true })
  const { found, sources, dropped } = await search()
  sources[0]!.ask(0)
  streams[0]!.handler.onStart(0)
  streams[0]!.give(1)
  found.wholeWrong()
  assert.equal(dropped, sources)
  assert.equal((await search()).asked, ['10.0.0.2:7078'])
})

test('so many servers are remembered; one that has gone makes room', async () => {
  const { search, pacserve } = createServers({})
  for (let i = 0; i <= MAX_SERVERS; i++) pacserve.set(`10.0.0.${i + 1}:7078`, true)
  const { asked } = await search()
  assert.is(asked.length, MAX_SERVERS)
  const last = `10.0.0.${MAX_SERVERS + 1}:7078`
  assert.not.ok(asked.includes(last))
  pacserve.set('10.0.0.1:7078', false)
  pacserve.set(last, true)
  assert.ok((await search()).asked.includes(last))
})

test.run()
