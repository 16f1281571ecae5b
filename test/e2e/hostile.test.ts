import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import type { Host } from './host.ts'
import type { Deeds, HostileSetting } from './hostile-node.ts'
import { type Lab, scenario } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror } from './mirror.ts'
import { makePackage, makePackages } from './packages.ts'
import { assertCache, install, type Member } from './pair.ts'

const MB = 1e6

/** Starts the hostile node on `host`; hands back what it has done so far. */
function createHostile(host: Host, setting: HostileSetting): () => Deeds | undefined {
  const program = join(import.meta.dirname, 'hostile-node.ts')
  const own = [host.address, JSON.stringify(setting)]
  const child = host.spawn([process.execPath, '--import', 'tsx', program, ...own], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    cwd: join(import.meta.dirname, '../..'),
  })
  let deeds: Deeds | undefined
  child.on('message', (message) => {
    deeds = message as Deeds
  })
  return () => {
    assert.is(child.exitCode, null, 'the hostile node runs')
    return deeds
  }
}

/** Bytes of memory that the daemon has, and had at its most. */
function memory({ node }: Member): { now: number; most: number } {
  const text = readFileSync(`/proc/${node.daemons()[0]}/status`, 'utf8')
  const of = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)![1]) * 1024
  return { now: of('VmRSS'), most: of('VmHWM') }
}

const inMB = (bytes: number) => (bytes / MB).toFixed(0)

scenario(
  'a hostile node floods, lies, replays and impersonates: the others stay up and serve',
  async (lab: Lab) => {
    const mirror = await createMirror(lab.host('mirror'))
    const packages = makePackages(
      [2_500_000, 900_000, 400_000, 200_000, 30_000].map((size, n) => ({ name: `wanted${n}`, size })),
    )
    const sole = makePackage({ name: 'sole', size: 300_000 })
    mirror.publish('lab', [...packages, sole])
    const common = { network: ['lan = no', 'min-connections = 0'], mirror: ['delay = 2s'] }
    const [between, holds] = [lab.host('between'), lab.host('holder')]
    const members = await Promise.all([
      createMember(lab, mirror, between, { sections: common }),
      createMember(lab, mirror, holds, { holds: packages, sections: { ...common, ...directTo(between) } }),
      createMember(lab, mirror, lab.host('asker'), { sections: { ...common, ...directTo(between, holds) } }),
    ])
    const asker = members[2]!
    await Promise.all(
      members.map(({ node }) => node.until('both neighbours', ({ peers }) => peers.length === 2)),
    )
    const victims = await Promise.all(
      members.map(async ({ node, host }) => ({
        id: (await node.status()).node.id,
        address: `${host.address}:8048` as const,
      })),
    )
    const before = members.map(memory)

    const files = [...packages, sole].map(({ sha256, size, file }) => ({ sha256, size, name: file }))
    const deeds = createHostile(lab.host('hostile'), { victims, files })
    await waitFor('it to have begun', () => (deeds()?.sent ?? 0) > 10_000)
    const outcome = await asker.pacman.run(install(packages))
    lab.note(`pacman, 5 packages beside a hostile node: ${outcome.seconds.toFixed(2)} s`)
    // Nobody has this one, whatever is said.
    const lied = await asker.pacman.run(['-S', sole.name])
    lab.note(`pacman, a package that it alone claims to have: ${lied.seconds.toFixed(2)} s`)
    await waitFor('more of it', () => (deeds()?.sent ?? 0) > 40_000, 30)

    const after = members.map(memory)
    members.forEach(({ host }, i) => {
      const [b, a] = [before[i]!, after[i]!]
      lab.note(
        `${host.name}: ${inMB(b.now)} MB before, ${inMB(a.now)} MB after, ${inMB(a.most)} MB at the most`,
      )
    })
    lab.note(`what it did: ${JSON.stringify(deeds())}`)
    const all = await Promise.all(members.map(({ node }) => node.status()))
    const { totals } = all[2]!
    lab.note(`the asker: ${JSON.stringify(totals)}`)
    assert.is(outcome.code, 0, outcome.all)
    assert.is(lied.code, 0, lied.all)
    assertCache(asker.pacman, [...packages, sole])
    for (const item of packages)
      assert.ok(existsSync(join(asker.pacman.root, 'usr/share', item.name, 'payload')), item.name)
    assert.ok(totals.fromPeers > 0 && all[1]!.totals.uploaded >= totals.fromPeers, 'the holder has served')
    assert.is(deeds()!.overlong, 18)
    assert.is(deeds()!.shut, 18, 'whoever sends a list too long is shut out')
    for (const { most } of after) assert.ok(most < 300 * MB, `${inMB(most)} MB`)
    for (const [i, { node, peers }] of all.entries()) {
      assert.equal(members[i]!.node.daemons(), [node.pid], 'the daemon that there was')
      for (const { id } of victims.filter(({ id }) => id !== node.id))
        assert.ok(
          peers.some((peer) => peer.id === id),
          'nobody was driven from their neighbours',
        )
    }
  },
)

test.run()
