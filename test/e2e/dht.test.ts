import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import type { Host } from './host.ts'
import { scenario } from './lab.ts'
import { createMember } from './member.ts'
import { createMirror } from './mirror.ts'
import { makePackages, type Package } from './packages.ts'
import { assertCache, type Member, packageRequests } from './pair.ts'

function startProgram(host: Host, file: string, ...words: string[]) {
  const command = [process.execPath, '--import', 'tsx', join(import.meta.dirname, file), ...words]
  const cwd = join(import.meta.dirname, '../..')
  return host.spawn(command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], cwd })
}

scenario(
  'ten nodes that share nothing but a node of a DHT meet, and find each other’s packages',
  async (lab) => {
    const mirror = await createMirror(lab.host('mirror'))
    const packages = makePackages([
      { name: 'flooded', size: 500_000 },
      { name: 'listed', size: 600_000 },
    ])
    const [flooded, listed] = packages as [Package, Package]
    mirror.publish('lab', packages)
    const bootstrap = lab.host('bootstrap')
    await once(startProgram(bootstrap, 'dht-bootstrap.ts', bootstrap.address, '6881'), 'message')

    const dht = ['lan = no', 'dht = yes', `dht-bootstrap = ${bootstrap.address}:6881`]
    const sections = { network: dht, mirror: ['delay = 2s'] }
    const hosts = Array.from({ length: 10 }, (_, i) => lab.host(`node${i}`))
    const sprayer = lab.host('sprayer')
    startProgram(sprayer, 'dht-sprayer.ts', sprayer.address, ...hosts.map(({ address }) => address))

    const begin = performance.now()
    const members = await Promise.all(
      hosts.map((host, i) => createMember(lab, mirror, host, { sections, holds: i === 3 ? packages : [] })),
    )
    const seconds = () => ((performance.now() - begin) / 1000).toFixed(1)
    lab.note(`ten nodes had started after ${seconds()} s`)
    // Their logs tell: ten that are asked for their status all the time would have nothing else to do.
    const hasMet = ({ node }: Member) => /neighbour (found|came)/.test(node.log())
    await waitFor('neighbours', () => members.every(hasMet))
    lab.note(`and had neighbours after ${seconds()} s`)

    const [holder, asker] = [members[3]!, members[8]!]
    await mirror.clearLog()
    const outcome = await asker.pacman.run(['-S', flooded.name])
    lab.note(`pacman, by neighbours of the DHT: ${outcome.seconds.toFixed(2)} s`)
    assert.is(outcome.code, 0, outcome.all)
    assertCache(asker.pacman, [flooded])
    assert.equal(packageRequests(await mirror.log()), [])

    // One without neighbours: the list of who has the package is all that there is, and the mirror is slow.
    await holder.node.until('both packages listed', (status) => status.dht!.announced === 2)
    await mirror.behave([{ path: '.pkg.', delay: 4_000 }])
    lab.note(`both packages were listed after ${seconds()} s`)
    const alone = { network: [...dht, 'min-connections = 0'] }
    const loner = await createMember(lab, mirror, lab.host('loner'), { sections: alone })
    await loner.node.until('nodes of the DHT', (status) => status.dht!.nodes > 3)
    lab.note(`the loner knew the DHT after ${seconds()} s`)
    const found = await loner.pacman.run(['-S', listed.name])
    const status = await loner.node.status()
    lab.note(
      `pacman, by the DHT alone: ${found.seconds.toFixed(2)} s, with ${status.peers.length} neighbours`,
    )
    assert.is(found.code, 0, found.all)
    assertCache(loner.pacman, [listed])
    assert.is(status.totals.fromPeers, listed.size)

    const dropped = await Promise.all(members.map(async ({ node }) => (await node.status()).dht!.dropped))
    lab.note(`malformed packets dropped: ${dropped.reduce((sum, count) => sum + count, 0)}`)
    assert.ok(Math.min(...dropped) > 100, `${dropped}`)
    for (const { node } of members) assert.not.ok(node.log().includes('stumbled'), node.log())
  },
)

test.run()
