/** Tomorrow's upgrade, fetched tonight. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { type Lab, scenario } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror, type Mirror } from './mirror.ts'
import { makePackages } from './packages.ts'
import type { Member } from './pair.ts'

const HOSTS = 5
const SPECS = [
  { name: 'small', size: 30_000 },
  { name: 'middling', size: 700_000 },
  { name: 'large', size: 4_000_000 },
]

/** Requests for packages, and their bytes. */
async function drawn(mirror: Mirror) {
  const log = (await mirror.log()).filter(({ path }) => !/\.db$/.test(path))
  return { count: log.length, bytes: log.reduce((sum, { bytes }) => sum + bytes, 0) }
}

async function nightInAnOffice(lab: Lab) {
  const mirror = await createMirror(lab.host('mirror', { rate: '20mbit' }))
  mirror.publish('lab', makePackages(SPECS))
  const hosts = Array.from({ length: HOSTS }, (_, n) => lab.host(`desk${n}`))
  const members: Member[] = []
  for (const host of hosts)
    members.push(
      await createMember(lab, mirror, host, { sections: directTo(...hosts.filter((one) => one !== host)) }),
    )
  for (const { node } of members) await node.until('the others', ({ peers }) => peers.length === HOSTS - 1)
  for (const { pacman } of members) {
    const outcome = await pacman.run(['-Sy', ...SPECS.map(({ name }) => name)])
    assert.is(outcome.code, 0, outcome.all)
  }

  const newer = makePackages(SPECS.map((spec) => ({ ...spec, version: '2.0-1' })))
  const bytes = newer.reduce((sum, { size }) => sum + size, 0)
  mirror.publish('lab', newer)
  await mirror.clearLog()
  // The first while others sleep; then all at once.
  for (const some of [members.slice(0, 1), members.slice(1)]) {
    const outcomes = await Promise.all(some.map(({ node }) => node.run(['prefetch'])))
    for (const outcome of outcomes) {
      assert.is(outcome.code, 0, outcome.all)
      assert.match(
        outcome.stdout,
        /^3 packages \(.*\) of the next upgrade: 0 were here, 3 came /m,
        outcome.all,
      )
    }
  }
  const night = await drawn(mirror)
  lab.note(`a night of ${HOSTS}: ${(night.bytes / bytes).toFixed(2)} copies`)
  assert.ok(night.bytes <= 1.02 * bytes, `${night.bytes / bytes} copies`)
  const again = await members[0]!.node.run(['prefetch', '--json'])
  assert.is(JSON.parse(again.stdout).here, 3)

  // pacman's databases are what they were; and a daemon that was restarted still has it all.
  members[0]!.node.signal('SIGTERM')
  await waitFor('the end of the daemon', () => members[0]!.node.daemons().length === 0)
  await members[0]!.node.start()
  await members[0]!.node.until('what it holds', ({ files }) => files.count === 2 * SPECS.length)
  await mirror.clearLog()
  for (const { pacman } of members) {
    const outcome = await pacman.run(['-Syu'])
    assert.is(outcome.code, 0, outcome.all)
    const installed = await pacman.run(['-Q'])
    assert.is(
      installed.stdout,
      SPECS.map(({ name }) => `${name} 2.0-1\n`)
        .sort()
        .join(''),
    )
  }
  assert.is((await drawn(mirror)).count, 0, 'the morning draws databases only')
  await waitFor(
    'that nothing is kept twice',
    async () =>
      (await members[1]!.host.exec(['sh', '-c', `ls ${members[1]!.node.spool}/keep`])).stdout === '',
  )
}

scenario(
  'a night in an office of five: each package once from the mirror; the morning draws databases only',
  nightInAnOffice,
)

test.run()
