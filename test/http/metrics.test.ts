import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { noCounts } from '../../src/figures/counts.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import type { Status } from '../../src/http/status.ts'
import { createClock } from '../clock.ts'

function start() {
  const clock = createClock()
  const ever = { ...noCounts(), fromSite: 3, fromMirror: 4, toWorld: 5, packages: 2 }
  let asked = 0
  const status: Status = {
    node: { id: 'i', pid: 1, version: '1.2', listen: null, reachable: 'unknown' },
    peers: [
      { id: 'a', address: '', direction: 'in', since: '', companion: true },
      { id: 'b', address: '', direction: 'out', since: '', companion: true },
      { id: 'c', address: '', direction: 'out', since: '', companion: true },
    ],
    files: { count: 7, bytes: 700 },
    transfers: [],
    dht: null,
    totals: { fromPeers: 0, fromMirror: 0, uploaded: 0, rejected: 0, banned: 1 },
    problems: [],
    figures: { today: noCounts(), days30: noCounts(), ever },
  }
  const metrics = createMetrics({
    clock,
    status() {
      asked++
      return status
    },
  })
  return { clock, metrics, ever, status, asked: () => asked }
}

test('each figure with its unit and its few labels, and nothing of anybody’s address', async () => {
  const { metrics } = start()
  const lines = (await metrics.text()).split('\n')
  for (const line of [
    'pacsrv_received_bytes_total{from="site"} 3',
    'pacsrv_received_bytes_total{from="world"} 0',
    'pacsrv_received_bytes_total{from="mirror"} 4',
    'pacsrv_sent_bytes_total{to="world"} 5',
    'pacsrv_received_packages_total 2',
    'pacsrv_bans_total 1',
    'pacsrv_neighbours{direction="out"} 2',
    'pacsrv_shared_bytes 700',
    'pacsrv_reachable{state="unknown"} 1',
    'pacsrv_reachable{state="yes"} 0',
    'pacsrv_build_info{version="1.2"} 1',
  ])
    assert.ok(lines.includes(line), line)
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'))
  assert.ok(samples.length < 30, `${samples.length}`)
  assert.match(metrics.contentType, /^text\/plain; version=0\.0\.4/)
})

test('a counter says where it stands, not the sum of what it was asked', async () => {
  const { clock, metrics, ever } = start()
  await metrics.text()
  ever.fromSite = 8
  clock.advance(1_000)
  assert.match(await metrics.text(), /\{from="site"\} 8\n/)
})

test('asked ten times a second it is made once', async () => {
  const { clock, metrics, asked } = start()
  for (let scrape = 0; scrape < 10; scrape++) {
    await metrics.text()
    clock.advance(99)
  }
  assert.is(asked(), 1)
  clock.advance(10)
  await metrics.text()
  assert.is(asked(), 2)
})

test('the dashboard in docs/ asks for nothing that isn’t told', async () => {
  const names = new Set((await start().metrics.text()).match(/^\w+(?=[{ ])/gm))
  const asked = readFileSync('docs/grafana.json', 'utf8').match(/\b(pacsrv|process)_\w+/g) ?? []
  assert.ok(asked.length > 10)
  for (const name of asked) assert.ok(names.has(name), name)
})

test.run()
