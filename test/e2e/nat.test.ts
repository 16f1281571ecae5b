import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Outcome } from './commands.ts'
import { scenario } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror } from './mirror.ts'
import { makePackages, type Package } from './packages.ts'
import { assertCache, install, type Member, packageRequests } from './pair.ts'

const sections = {
  network: ['lan = no', 'min-connections = 0'],
  mirror: ['delay = 2s'],
}

scenario(
  'a machine behind NAT takes and gives; where both are, the mirror serves',
  async (lab) => {
    const mirror = await createMirror(lab.host('mirror'))
    const packages = makePackages(
      ['early', 'given', 'taken', 'neither'].map((name) => ({ name, size: 400_000 })),
    )
    const [early, given, taken, neither] = packages as [Package, Package, Package, Package]
    mirror.publish('lab', packages)
    // All know the hub alone, so that nobody is told of anything without asking.
    const hub = await createMember(lab, mirror, lab.host('hub'), { sections })
    const toHub = { ...sections, ...directTo(hub.host) }
    const inner = lab.hostBehindNat('inner')
    const [hidden, open, asker, hiddenAsker] = await Promise.all([
      createMember(lab, mirror, inner, { holds: [early, given, neither], sections: toHub }),
      createMember(lab, mirror, lab.host('open'), { holds: [taken], sections: toHub }),
      createMember(lab, mirror, lab.host('asker'), { sections: toHub }),
      createMember(lab, mirror, lab.hostBehindNat('hiddenAsker'), { sections: toHub }),
    ])
    await hub.node.until('four neighbours', (status) => status.peers.length === 4)

    async function fetched(member: Member, item: Package, holder: Member): Promise<Outcome> {
      const [before, given] = await Promise.all([member.node.status(), holder.node.status()])
      await mirror.clearLog()
      const outcome = await member.pacman.run(['-S', item.name])
      assert.is(outcome.code, 0, outcome.all)
      assert.equal(packageRequests(await mirror.log()), [], `${item.name}: the mirror is untouched`)
      const { totals } = await member.node.status()
      assert.is(totals.fromPeers - before.totals.fromPeers, item.size)
      assert.is((await holder.node.status()).totals.uploaded - given.totals.uploaded, item.size)
      return outcome
    }

    // At once: on most machines the holder doesn't know yet that it can't be dialled.
    const soon = await fetched(asker, early, hidden)
    const knows = (await hidden.node.status()).node.reachable
    lab.note(`holder behind NAT, soon after its start (reachable: ${knows}): ${soon.seconds.toFixed(2)} s`)

    // The gateway drops, without a word.
    const knock = await asker.host.exec(['curl', '-sS', '-m', '1', `http://${inner.gateway.address}:8048/`])
    assert.is(knock.code, 28, knock.all)

    const reachable = async ({ node }: Member, wanted: string) =>
      void (await node.until(`reachable: ${wanted}`, (status) => status.node.reachable === wanted))
    await Promise.all([
      reachable(hidden, 'no'),
      reachable(hiddenAsker, 'no'),
      reachable(open, 'yes'),
      reachable(asker, 'yes'),
    ])
    const found = await asker.node.run(['find', '--json', given.file])
    const { id } = (await hidden.node.status()).node
    const holders = JSON.parse(found.stdout).holders as { id: string; reachable: boolean }[]
    assert.equal(
      holders.map(({ id, reachable }) => ({ id, reachable })),
      [{ id, reachable: false }],
    )
    const text = await asker.node.run(['find', given.file])
    assert.match(text.stdout, '(dials us)')

    // A fresh asker has no connection left over.
    const fresh = await createMember(lab, mirror, lab.host('fresh'), { sections: toHub })
    await fresh.node.until('the hub', (status) => status.peers.length === 1)
    const called = await fetched(fresh, given, hidden)
    lab.note(`holder behind NAT: ${called.seconds.toFixed(2)} s`)
    const took = await fetched(hiddenAsker, taken, open)
    lab.note(`asker behind NAT: ${took.seconds.toFixed(2)} s`)

    await mirror.clearLog()
    const both = await hiddenAsker.pacman.run(install([neither]))
    lab.note(`both behind NAT, by the mirror: ${both.seconds.toFixed(2)} s`)
    assert.is(both.code, 0, both.all)
    assert.equal(
      packageRequests(await mirror.log()).map(({ path }) => path),
      [`/lab/${neither.file}`],
    )
    assertCache(hiddenAsker.pacman, [taken, neither])
    assert.ok(both.seconds < 8, `both behind NAT took ${both.seconds} s`)
  },
  ['nftables'],
)

test.run()
