import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import { createDhtSearch } from '../../src/fetch/dht-search.ts'
import type { Holder } from '../../src/overlay/query/holders.ts'
import type { Session } from '../../src/overlay/session/session.ts'
import type { WantedFile } from '../../src/wire/messages.ts'
import { createClock } from '../clock.ts'

const flush = () => new Promise((resolve) => setImmediate(resolve))
const wanted = (name: string, size = 10_000_000): WantedFile => ({ sha256: name.repeat(64), size, name })
const nodeAt = (address: string) => `node at ${address}`

/** A flood that takes `floodMs` and finds `flooded`; a DHT that lists `listed` for every file. */
function start({
  neighbours = 5,
  floodMs = 2_500,
  flooded = [] as string[],
  listed = ['203.0.113.1:8048'],
} = {}) {
  const clock = createClock()
  const counts = { lookups: 0, dials: 0, open: 0 }
  const ends: (() => void)[] = []
  const find = createDhtSearch({
    clock,
    log: silentLog,
    neighbours: () => neighbours,
    find([file], { onHolder }) {
      for (const id of flooded) onHolder({ id, file: { sha256: file!.sha256, whole: true } } as Holder)
      return new Promise((done) => void clock.after(floodMs, done))
    },
    async seek(_, { onPeer }) {
      counts.lookups++
      counts.open++
      listed.forEach(onPeer)
      await new Promise<void>((done) => void ends.push(done))
      counts.open--
    },
    async knock(address) {
      counts.dials++
      if (address.endsWith(':6881')) throw new Error('BitTorrent')
      return { id: nodeAt(address) } as Session
    },
  })
  const endLookups = async () => {
    for (const end of ends.splice(0)) end()
    await flush()
  }
  function search(file: WantedFile) {
    const stop = new AbortController()
    const state = { holders: [] as Holder[], over: false, stop }
    void find([file], { signal: stop.signal, onHolder: (holder) => void state.holders.push(holder) }).then(
      () => {
        state.over = true
      },
    )
    return state
  }
  async function run(ms: number) {
    await flush()
    clock.advance(ms)
    await flush()
  }
  return { counts, search, run, endLookups }
}

test('with few neighbours the DHT is asked at once, and whoever is listed and proves to be there is told of', async () => {
  const { search, run, counts, endLookups } = start({
    neighbours: 2,
    listed: ['203.0.113.1:8048', '203.0.113.2:6881'],
  })
  const { holders, ...state } = search(wanted('a'))
  await run(0)
  assert.equal(
    holders.map(({ id, address, via, reachable }) => ({ id, address, via, reachable })),
    [{ id: nodeAt('203.0.113.1:8048'), address: '203.0.113.1:8048', via: 'dht', reachable: true }],
  )
  assert.is(counts.dials, 2)
  await endLookups()
  assert.not.ok(state.over, 'the flood goes on')
})

test('with some, when 500 ms have passed and nobody was found, or the flood has ended', async () => {
  const slow = start()
  slow.search(wanted('a'))
  await slow.run(499)
  assert.is(slow.counts.lookups, 0)
  await slow.run(1)
  assert.is(slow.counts.lookups, 1)
  const ended = start({ floodMs: 0 })
  ended.search(wanted('a'))
  await ended.run(0)
  assert.is(ended.counts.lookups, 1)
})

test('never where the flood has found somebody, nor for a small file that comes within 500 ms', async () => {
  const found = start({ flooded: ['x'] })
  const { holders } = found.search(wanted('a'))
  await found.run(3_000)
  assert.equal(
    holders.map(({ id }) => id),
    ['x'],
  )
  assert.is(found.counts.lookups, 0)
  const small = start({ neighbours: 0, floodMs: 0 })
  const search = small.search(wanted('a', 256 * 1024 - 1))
  await small.run(499)
  search.stop.abort()
  await small.run(10_000)
  assert.is(small.counts.lookups, 0)
})

test('an abort ends the search at once', async () => {
  const { search, run, counts } = start({ neighbours: 0 })
  const state = search(wanted('a'))
  await run(10)
  assert.is(counts.open, 1)
  state.stop.abort()
  await flush()
  assert.ok(state.over)
})

test('nobody listed is believed for two minutes', async () => {
  const { search, run, counts, endLookups } = start({ neighbours: 0, floodMs: 0, listed: [] })
  search(wanted('a'))
  await run(0)
  await endLookups()
  search(wanted('a'))
  await run(119_000)
  assert.is(counts.lookups, 1)
  await run(1_000)
  search(wanted('a'))
  await run(0)
  assert.is(counts.lookups, 2)
})

test('a lookup dials 12 at most; 8 go on at once; 30 at once and 60 a minute begin', async () => {
  const listed = Array.from({ length: 20 }, (_, i) => `203.0.113.${i}:8048`)
  const { search, run, counts, endLookups } = start({ neighbours: 0, floodMs: 0, listed })
  for (let i = 0; i < 9; i++) search(wanted(`${i}`))
  await run(0)
  assert.is(counts.open, 8)
  assert.is(counts.dials, 8 * 12)
  await endLookups()
  const many = 'abcdefghijklmnopqrstuvwxyzABCDEFGH'
  for (const name of many) {
    search(wanted(name))
    await run(0)
    await endLookups()
  }
  assert.is(counts.lookups, 30)
  await run(5_000)
  for (const name of 'IJKLMNOPQR') {
    search(wanted(name))
    await run(0)
    await endLookups()
  }
  assert.is(counts.lookups, 35)
})

test.run()
