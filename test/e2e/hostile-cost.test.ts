/** Rows C, D, I and K of docs/security.md against the built daemon, over TCP: what strangers cost it, and honest nodes. */
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { type Cost, costOf, watchFiles } from './cost.ts'
import type { Host } from './host.ts'
import type { CrowdDeed, CrowdNews, HolderSort } from './hostile-crowd.ts'
import { type Lab, scenario } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror } from './mirror.ts'
import { makePackage } from './packages.ts'
import type { Member } from './pair.ts'

const MB = 1e6
/** The bars of issue 11: a daemon's memory, its open files beside those at rest, and how soon both are back. */
const MOST_BYTES = 150 * MB
const MOST_FILES = 2
/** Ten, and two for a machine with more to do. */
const BACK_SECONDS = 12
/** Of the memory before: what it was told it remembers, and buffers it keeps. */
const BACK_AT = 1.7

const inMB = (bytes: number) => `${(bytes / MB).toFixed(0)} MB`

interface Crowd {
  news(): CrowdNews
  end(): Promise<void>
}

/** Starts a crowd on `host`, until all of it is there. */
async function startCrowd(host: Host, victim: Host, deed: CrowdDeed): Promise<Crowd> {
  const program = join(import.meta.dirname, 'hostile-crowd.ts')
  const setting = { own: host.address, victim: `${victim.address}:8048`, deed }
  const child = host.spawn([process.execPath, '--import', 'tsx', program, JSON.stringify(setting)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    cwd: join(import.meta.dirname, '../..'),
  })
  let news: CrowdNews | undefined
  child.on('message', (message) => {
    news = message as CrowdNews
  })
  await waitFor('the crowd', () => news !== undefined)
  return {
    news: () => news!,
    async end() {
      assert.is(child.exitCode, null, 'the crowd runs')
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** Holds what an attack took of the daemon against the bars, during and after. `neighbours`: those that it brings. */
async function within(
  lab: Lab,
  member: Member,
  { what, addresses = 1, neighbours = 0 }: { what: string; addresses?: number; neighbours?: number },
  attack: () => Promise<void>,
): Promise<Cost[]> {
  const before = costOf(member)
  const files = watchFiles(member)
  await attack().finally(files.stop)
  const [during, most] = [costOf(member), files.stop()]
  const back = await waitFor(
    'as few files and as little memory as before',
    () => {
      const now = costOf(member)
      return now.files <= before.files * 1.1 && now.bytes <= before.bytes * BACK_AT && now
    },
    BACK_SECONDS,
  )
  lab.note(
    `${what}: ${inMB(before.bytes)} and ${before.files} files before, ${inMB(during.mostBytes)} and ${most} at most, ` +
      `${inMB(back.bytes)} and ${back.files} after; ${(during.cpuSeconds - before.cpuSeconds).toFixed(2)} s of CPU, ` +
      `${during.logLines - before.logLines} log lines`,
  )
  assert.ok(during.mostBytes <= MOST_BYTES, `${what}: ${inMB(during.mostBytes)}`)
  assert.ok(
    during.logLines - before.logLines <= MOST_LINES + LINES_EACH * (addresses - 1),
    `${what}: ${during.logLines - before.logLines} lines`,
  )
  assert.ok(most <= MOST_FILES * before.files + neighbours, `${what}: ${most} files, ${before.files} at rest`)
  return [before, during]
}

async function counter(host: Host, name: 'rx_bytes' | 'tx_bytes'): Promise<number> {
  return Number((await host.exec(['cat', `/sys/class/net/eth0/statistics/${name}`])).stdout)
}

const HEARERS = 8
/** By `log-level` as it is by default: what strangers make a daemon write counts too. */
const QUIET = { sections: { network: ['lan = no', 'min-connections = 0'], daemon: ['log-level = info'] } }
const MOST_LINES = 40
/** A node that comes, is banned and leaves is worth a line each time. */
const LINES_EACH = 3

for (const [what, limit, deed] of [
  [
    '275 of the largest questions in 10 s, with upload-limit = 100K',
    100_000,
    { files: 500, perSecond: 27.5 },
  ],
  ['275 of the largest questions in 10 s', undefined, { files: 500, perSecond: 27.5 }],
  ['the smallest questions, 100 a second', undefined, { files: 1, perSecond: 100 }],
] as const) {
  scenario(`C: ${what}: relayed at most four times, on the wire`, async (lab) => {
    const mirror = await createMirror(lab.host('mirror'))
    mirror.publish('lab', [makePackage({ name: 'any', size: 1_000 })])
    const [victim, hearers, enemy] = [lab.host('victim'), lab.host('hearers'), lab.host('enemy')]
    const more = limit ? [`upload-limit = ${limit / 1_000}K`] : []
    const network = [...QUIET.sections.network, ...more]
    const member = await createMember(lab, mirror, victim, { sections: { ...QUIET.sections, network } })
    await startCrowd(hearers, victim, { kind: 'hearers', count: HEARERS })
    await member.node.until('its neighbours', ({ peers }) => peers.length === HEARERS)
    await within(lab, member, { what }, async () => {
      const [sent, relayed] = await Promise.all([counter(enemy, 'tx_bytes'), counter(hearers, 'rx_bytes')])
      const crowd = await startCrowd(enemy, victim, { kind: 'asks', ...deed })
      await sleep(10_000)
      const asked = crowd.news().sent
      const all = await Promise.all([counter(enemy, 'tx_bytes'), counter(hearers, 'rx_bytes')])
      await crowd.end()
      const [theirs, ours] = [all[0] - sent, all[1] - relayed]
      lab.note(
        `${asked} questions: ${theirs} bytes from it, ${ours} passed on: ${(ours / theirs).toFixed(2)}`,
      )
      assert.ok(asked >= 5 * deed.perSecond, `${asked} questions`)
      assert.ok(ours > Math.min(147_000, theirs / 20), 'some are passed on')
      assert.ok(ours <= 4 * theirs, `${ours} bytes for ${theirs}`)
      if (limit) assert.ok(ours <= 11 * limit, `${ours} bytes`)
      const { peers, totals } = await member.node.status()
      assert.ok(peers.length >= HEARERS, 'the honest stay')
      assert.is(totals.banned, 0)
    })
  })
}

const addresses = Array.from({ length: 28 }, (_, k) => `10.77.1.${k + 1}`)
for (const [what, deed] of [
  ['500 names of a byte', { kind: 'asks', perSecond: 20, files: 500, nameBytes: 1, addresses }],
  ['500 files announced', { kind: 'announces', perSecond: 10, files: 500, addresses }],
  ['all that neighbours say', { kind: 'talks', perSecond: 40, addresses }],
  ['chunks that nobody asked for', { kind: 'floods', perSecond: 8, addresses }],
] as const) {
  scenario(`C: ${what}, again and again from 28 addresses: memory stays bounded`, async (lab) => {
    const mirror = await createMirror(lab.host('mirror'))
    mirror.publish('lab', [makePackage({ name: 'any', size: 1_000 })])
    const [victim, enemy] = [lab.host('victim'), lab.host('enemy')]
    const member = await createMember(lab, mirror, victim, QUIET)
    for (const address of addresses) await enemy.exec(['ip', 'addr', 'add', `${address}/32`, 'dev', 'eth0'])
    await victim.exec(['ip', 'route', 'add', '10.77.1.0/24', 'dev', 'eth0'])
    await within(lab, member, { what: `28 addresses, ${what}`, addresses: 28, neighbours: 56 }, async () => {
      const crowd = await startCrowd(enemy, victim, { ...deed, addresses: [...addresses] })
      await sleep(10_000)
      const { sent } = crowd.news()
      await crowd.end()
      assert.ok(sent >= (5 * 28 * deed.perSecond) / 2, `${sent} messages`)
    })
  })
}

scenario(
  'G: 112 connections from 28 addresses ask for chunks that they never read: memory stays bounded',
  async (lab) => {
    const mirror = await createMirror(lab.host('mirror'))
    const item = makePackage({ name: 'large', size: 130_000_000 })
    mirror.publish('lab', [item])
    const [victim, enemy] = [lab.host('victim'), lab.host('enemy')]
    const member = await createMember(lab, mirror, victim, { ...QUIET, holds: [item] })
    for (const address of addresses) await enemy.exec(['ip', 'addr', 'add', `${address}/32`, 'dev', 'eth0'])
    await victim.exec(['ip', 'route', 'add', '10.77.1.0/24', 'dev', 'eth0'])
    const what = '112 connections that never read'
    await within(lab, member, { what, addresses: 28, neighbours: 2 * 112 }, async () => {
      const crowd = await startCrowd(enemy, victim, { kind: 'hoards', connections: 4, addresses, item })
      await sleep(10_000)
      const { opened } = crowd.news()
      await crowd.end()
      assert.ok(opened >= 90, `${opened} connections`)
    })
  },
)

const SORTS: HolderSort[] = ['silent', 'listless', 'drips', 'rots', 'lies', 'busy']
const COUNT = 28

for (const [what, size, holderRate, mirrorRate, seconds] of [
  ['1 MB in the LAN', 1_000_000, undefined, 4_000_000, 1.5],
  ['20 MB, a holder at 4 MB/s and a mirror at 1 MB/s', 20_000_000, '32mbit', 1_000_000, 6],
] as const) {
  scenario(`D: ${what}, beside ${COUNT} hostile holders of each sort: ${seconds} s at most`, async (lab) => {
    const mirror = await createMirror(lab.host('mirror'))
    const items = ['calm', ...SORTS].map((name, n) => makePackage({ name, size: size + n }))
    mirror.publish('lab', items)
    const holds = lab.host('holder', holderRate ? { rate: holderRate } : {})
    const holder = await createMember(lab, mirror, holds, { holds: items, ...QUIET })
    const { id } = (await holder.node.status()).node
    const askers = lab.host('asker')
    const asker = await createMember(lab, mirror, askers, {
      sections: { ...QUIET.sections, ...directTo(holds) },
    })
    const enemy = lab.host('enemy')
    await asker.node.until('the holder', ({ peers }) => peers.length === 1)
    await mirror.behave([{ bytesPerSecond: mirrorRate }])
    const [calm, ...others] = items
    const alone = await asker.pacman.run(['-S', calm!.name])
    assert.is(alone.code, 0, alone.all)
    lab.note(`${what}, alone: ${alone.seconds.toFixed(2)} s`)
    for (const [n, item] of others.entries()) {
      const addresses = Array.from({ length: COUNT }, (_, k) => `10.77.${n + 1}.${k + 1}`)
      for (const address of addresses) await enemy.exec(['ip', 'addr', 'add', `${address}/32`, 'dev', 'eth0'])
      await askers.exec(['ip', 'route', 'add', `10.77.${n + 1}.0/24`, 'dev', 'eth0'])
      const how = SORTS[n]!
      const crowd = await startCrowd(enemy, askers, { kind: 'holds', addresses, item, how })
      await asker.node.until('all of them', ({ peers }) => peers.length === COUNT + 1)
      await within(lab, asker, { what: `${COUNT} ${how}`, addresses: COUNT }, async () => {
        const outcome = await asker.pacman.run(['-S', item.name])
        lab.note(`${what}, beside ${COUNT} ${how}: ${outcome.seconds.toFixed(2)} s`)
        assert.is(outcome.code, 0, outcome.all)
        assert.ok(outcome.seconds <= seconds, `${how}: ${outcome.seconds} s`)
        const { peers } = await asker.node.status()
        assert.ok(
          peers.some((peer) => peer.id === id),
          'the honest one stays',
        )
        await crowd.end()
      })
      await asker.node.until('the honest one alone', ({ peers }) => peers.length === 1)
    }
    assert.is((await holder.node.status()).totals.banned, 0)
  })
}

scenario(
  'I and K: one address fetches what is absent, then greets without end: an honest peer is served',
  async (lab) => {
    const mirror = await createMirror(lab.host('mirror'))
    const items = ['first', 'second'].map((name) => makePackage({ name, size: 4_000_000 }))
    mirror.publish('lab', items)
    const [holds, enemy] = [lab.host('holder'), lab.host('enemy')]
    const holder = await createMember(lab, mirror, holds, { holds: items, ...QUIET })
    const sections = { ...QUIET.sections, ...directTo(holds), mirror: ['delay = 20s'] }
    const asker = await createMember(lab, mirror, lab.host('asker'), { sections })
    await asker.node.until('the holder', ({ peers }) => peers.length === 1)
    await mirror.clearLog()
    const deeds: CrowdDeed[] = [
      { kind: 'fetches absent files', connections: 100, everyMs: 400 },
      { kind: 'greets', perSecond: 456 },
    ]
    for (const [n, deed] of deeds.entries()) {
      const item = items[n]!
      const fetched = items.slice(0, n + 1).reduce((sum, { size }) => sum + size, 0)
      const [before, during] = await within(lab, holder, { what: deed.kind }, async () => {
        const crowd = await startCrowd(enemy, holds, deed)
        await sleep(5_000)
        const outcome = await asker.pacman.run(['-S', item.name])
        await sleep(5_000)
        const { sent, opened, ended } = crowd.news()
        lab.note(
          `${item.size} bytes meanwhile: ${outcome.seconds.toFixed(2)} s; ${sent} sent, ${opened} opened, ${ended} ended`,
        )
        assert.is(outcome.code, 0, outcome.all)
        assert.ok(outcome.seconds <= 3, `${outcome.seconds} s`)
        assert.ok(sent >= 300, `${sent} sent`)
        assert.is((await asker.node.status()).totals.fromPeers, fetched, 'all of it from the holder')
        await crowd.end()
      })
      // Over ten seconds.
      assert.ok(
        during!.cpuSeconds - before!.cpuSeconds <= 2,
        `${during!.cpuSeconds - before!.cpuSeconds} s of CPU`,
      )
      const own = await holder.node.status()
      assert.ok(own.peers.length >= 1 && own.totals.banned === 0)
    }
    assert.equal(
      (await mirror.log()).filter(({ path }) => path.includes('.pkg')),
      [],
      'nothing from the mirror',
    )
  },
)

test.run()
