/** The page as text: what is said, that it is escaped, and that it is bounded. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { noCounts } from '../../../src/figures/counts.ts'
import { documentOf } from '../../../src/http/page/document.ts'
import { MOST_PEERS } from '../../../src/http/page/others.ts'
import { SECTIONS, sectionsOf } from '../../../src/http/page/sections.ts'
import { MOST_SOURCES, MOST_TRANSFERS } from '../../../src/http/page/traffic.ts'
import type { Status } from '../../../src/http/status.ts'
import { samplePeer, sampleStatus, sampleTransfer } from '../sample.ts'

const MIB = 1024 ** 2
const now = new Date(2026, 10, 27, 15, 30)
const at = (hours: number, minutes = 0) => new Date(2026, 10, 27, hours, minutes).toISOString()
const sections = (more: Partial<Status> = {}) => sectionsOf(sampleStatus(more), now)
/** As it reads: without its marks, in one line. */
const words = (html: string) =>
  html
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code))
    .replace(/\s+/g, ' ')
    .trim()
const page = (more: Partial<Status> = {}) =>
  documentOf(sections(more), { host: 'desk', version: '1.2', id: 'ab'.repeat(32), now })

test('the page of a node to which nothing has happened says so everywhere', () => {
  const { now: state, transfers, transactions, neighbours, cache, troubles, problems, sentence } = sections()
  assert.is(state, 'Nothing is on its way.')
  assert.is(words(sentence), 'In the last 30 days nothing was downloaded.')
  assert.match(transfers, 'Nothing is on its way.')
  assert.match(transactions, 'Nothing has come')
  assert.match(neighbours, 'No other node is connected.')
  assert.match(cache, 'Nobody has asked for any')
  assert.match(troubles, 'Nothing was rejected')
  assert.is(problems, '')
})

test('a transfer: a named bar, how far, how fast, how long, and who gives how much', () => {
  const from: Status['transfers'][number]['from'] = [
    { source: 'desk-3', kind: 'site', bytes: 12 * MIB, rate: 6 * MIB },
    { source: 'https://mirror.example:8080/core/x', kind: 'mirror', bytes: 4 * MIB, rate: 3 * MIB },
    { source: '[2001:db8::1]:8048 (0abcdef1)', kind: 'world', bytes: 0, rate: 0 },
  ]
  const { transfers, now: state } = sections({ transfers: [sampleTransfer({ from })] })
  assert.match(
    transfers,
    '<progress max="67108864" value="16777216" aria-label="firefox-133.0-1"></progress>',
  )
  assert.is(
    words(transfers),
    'firefox-133.0-1 16.0 MiB of 64.0 MiB, 8.0 MiB/s, 6 s left ' +
      'desk-3 (this site) : 12.0 MiB, 6.0 MiB/s ' +
      'mirror.example:8080 (mirror) : 4.0 MiB, 3.0 MiB/s ' +
      '2001:db8::1 (the world) : 0 B',
  )
  assert.is(state, 'Packages are on their way.')
})

test('what is read out stays the same while it moves', () => {
  const of = (done: number) => sections({ transfers: [sampleTransfer({ done })] })
  assert.is(of(1).now, of(2).now)
  assert.is.not(of(1).transfers, of(2).transfers)
})

test('neighbours by name, or by address, with what they gave and took', () => {
  const { neighbours } = sections({
    peers: [
      samplePeer({ since: at(9, 5) }),
      samplePeer({ id: 'b', name: 'desk-2', distance: 'link', gave: 3 * MIB, since: '2026-11-20T12:00:00Z' }),
    ],
  })
  assert.match(
    words(neighbours),
    'desk-2 192.0.2.1 link 20 Nov 3.0 MiB – none 192.0.2.1 world 09:05 – none – none',
  )
})

test('the last transactions', () => {
  const { transactions } = sections({
    transactions: [
      {
        began: at(14),
        ended: at(14, 2),
        packages: 7,
        names: ['linux-6.12-1-x86_64.pkg.tar.zst', 'zstd-1.5-1-x86_64.pkg.tar.zst'],
        fromSite: 3 * MIB,
        fromWorld: 2 * MIB,
        fromMirror: 0,
      },
    ],
  })
  assert.match(words(transactions), '14:02 2 min 7 packages linux, zstd … 5.0 MiB – none')
})

test('the cache, and what of it others asked for', () => {
  const { cache } = sections({
    files: { count: 9, bytes: 90 * MIB },
    asked: {
      count: 2,
      bytes: 20 * MIB,
      given: 40 * MIB,
      most: [{ file: 'a-1-1-any.pkg.tar.zst', given: 30 * MIB }],
    },
  })
  assert.match(words(cache), '9 packages, 90.0 MiB, can be had')
  assert.match(words(cache), 'asked for 2 of them (20.0 MiB) since the start, and were given 40.0 MiB')
  assert.match(words(cache), 'a-1-1 30.0 MiB')
})

test('who was banned and what was rejected, why and when; what is wrong, and what to do', () => {
  const {
    troubles,
    problems,
    now: state,
    ways,
  } = sections({
    troubles: [{ kind: 'banned', at: at(8), who: '192.0.2.7:8048', reason: 'it sent a wrong chunk' }],
    problems: [{ code: 'spool', problem: 'The disk is full.', fix: 'make room', since: at(7) }],
    ways: [{ way: 'dht', state: 'wrong', about: 'It is deaf.', fix: 'open 8048/udp' }],
  })
  assert.match(words(troubles), '08:00 banned 192.0.2.7: it sent a wrong chunk')
  assert.match(words(problems), 'The disk is full. Fix: make room. Since 07:00')
  assert.match(words(ways), 'DHT wrong It is deaf. Fix: open 8048/udp.')
  assert.match(state, 'Something is wrong.')
})

test('thirty days with those between, the last of them today, exact for the plot', () => {
  const { days } = sections({
    days: [{ day: '2026-11-26', counts: { ...noCounts(), fromSite: 5, toWorld: 3, toSite: 4 } }],
  })
  const rows = days.match(/<tr>.*?<\/tr>/gs)!.slice(1)
  assert.is(rows.length, 30)
  assert.match(rows[29]!, 'datetime="2026-11-27"')
  assert.match(rows[28]!, /2026-11-26.*value="5".*value="0".*value="0".*value="7"/s)
})

test('what comes from others is escaped, wherever it stands', () => {
  const evil = '<img src=x onerror=alert(1)>"\''
  const text = page({
    peers: [samplePeer({ name: evil, address: evil })],
    transfers: [sampleTransfer({ file: evil, from: [{ source: evil, kind: 'world', bytes: 1, rate: 1 }] })],
    transactions: [
      { began: at(1), ended: at(1), packages: 1, names: [evil], fromSite: 0, fromWorld: 0, fromMirror: 0 },
    ],
    asked: { count: 1, bytes: 1, given: 1, most: [{ file: evil, given: 1 }] },
    troubles: [{ kind: 'rejected', at: at(1), who: evil, reason: evil }],
    problems: [{ code: 'key', problem: evil, fix: evil, since: at(1) }],
    ways: [{ way: 'lan', state: 'wrong', about: evil, fix: evil }],
  })
  assert.not.ok(text.includes('<img'))
  assert.ok(text.split('&#60;img src=x').length > 10)
})

test('the page has no script, style or handler within, and names nothing elsewhere', () => {
  const text = page()
  assert.not.match(text, / style=|<style| on\w+=|https?:/)
  assert.equal(text.match(/<script.*?>.*?<\/script>/gs), [
    '<script type="module" src="/page/page.js"></script>',
  ])
  for (const id of SECTIONS) assert.is(text.split(`id="${id}"`).length, 2, id)
})

test('200 neighbours, transfers and sources are no longer to draw than what fits', () => {
  const peers = (count: number) =>
    Array.from({ length: count }, (_, n) => samplePeer({ id: `${n}`.padStart(64, '0'), gave: n }))
  const from = Array.from({ length: 200 }, (_, n) => ({
    source: `192.0.2.${n}:8048`,
    kind: 'world' as const,
    bytes: n,
    rate: n,
  }))
  const transfers = Array.from({ length: 200 }, () => sampleTransfer({ from }))
  const many = sections({ peers: peers(200), transfers })
  assert.is(many.neighbours.split('<tr>').length - 2, MOST_PEERS)
  assert.match(words(many.neighbours), `and ${200 - MOST_PEERS} more`)
  assert.is(many.transfers.split('<progress').length - 1, MOST_TRANSFERS)
  assert.is(many.transfers.split('<li>').length - 1, MOST_TRANSFERS * (MOST_SOURCES + 1))
  const some = sections({ peers: peers(MOST_PEERS) })
  assert.ok(many.neighbours.length < some.neighbours.length + 200)
  assert.not.match(some.neighbours, 'more')
  assert.ok(page({ peers: peers(200) }).length < 40_000, `${page({ peers: peers(200) }).length}`)
})

test.run()
