import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Host } from './host.ts'
import { type Lab, scenario } from './lab.ts'
import { createMember } from './member.ts'
import { createMirror } from './mirror.ts'
import { makePackages, type Package } from './packages.ts'
import { assertCache, type Member, packageRequests } from './pair.ts'

/** As a machine is that has no configuration but pacman's. */
const sections = { network: ['lan = yes'], mirror: ['delay = 2s'] }
const packagesOf = () =>
  makePackages([1_500_000, 400_000, 30_000].map((size, n) => ({ name: `pack${n}`, size })))
const named = (packages: Package[]) => ['-S', ...packages.map(({ name }) => name)]

async function inHost(host: Host, ...command: string[]) {
  const outcome = await host.exec(command)
  assert.is(outcome.code, 0, `${command.join(' ')}: ${outcome.all}`)
}

const noIpv6 = (host: Host) => inHost(host, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1')

async function secondsUntilMet({ node }: Member, peers = 1): Promise<number> {
  const begin = performance.now()
  await node.until('its neighbours', (status) => status.peers.length === peers)
  return (performance.now() - begin) / 1000
}

scenario(
  'two hosts without configuration, IPv4 and no route: one interface comes up late',
  async (lab: Lab) => {
    const mirror = await createMirror(lab.host('mirror'))
    const packages = packagesOf()
    mirror.publish('lab', packages)
    const [one, other] = [lab.host('holder'), lab.host('asker')]
    await Promise.all([one, other].map(noIpv6))
    assert.is((await other.exec(['ip', 'route', 'show', 'default'])).stdout, '')
    await inHost(other, 'ip', 'link', 'set', 'eth0', 'down')
    const [, asker] = await Promise.all([
      createMember(lab, mirror, one, { holds: packages, sections }),
      createMember(lab, mirror, other, { sections }),
    ])
    assert.equal((await asker!.node.status()).peers, [])
    await inHost(other, 'ip', 'link', 'set', 'eth0', 'up')
    const seconds = await secondsUntilMet(asker!)
    lab.note(`neighbours ${seconds.toFixed(2)} s after the interface came up`)
    const { peers } = await asker!.node.status()
    assert.is(peers[0]!.address, `${one.address}:8048`)
    const outcome = await asker!.pacman.run(named(packages))
    assert.is(outcome.code, 0, outcome.all)
    assertCache(asker!.pacman, packages)
    assert.equal(packageRequests(await mirror.log()), [], 'nothing was asked of the mirror')
  },
)

scenario('two hosts with nothing but IPv6 link-local addresses', async (lab: Lab) => {
  const mirror = await createMirror(lab.host('mirror'))
  const packages = packagesOf()
  mirror.publish('lab', packages)
  const [one, other] = [lab.host('holder'), lab.host('asker')]
  for (const host of [one, other]) await inHost(host, 'ip', '-4', 'addr', 'flush', 'dev', 'eth0')
  await createMember(lab, mirror, one, { holds: packages, sections })
  const asker = await createMember(lab, mirror, other, { sections })
  lab.note(`neighbours ${(await secondsUntilMet(asker)).toFixed(2)} s after the second daemon answered`)
  const { peers } = await asker.node.status()
  assert.match(peers[0]!.address, /^\[fe80::.*%eth0\]:8048$/)
  const outcome = await asker.pacman.run(named(packages))
  assert.is(outcome.code, 0, outcome.all)
  assertCache(asker.pacman, packages)
  const { totals } = await asker.node.status()
  assert.is(
    totals.fromPeers,
    packages.reduce((sum, { size }) => sum + size, 0),
  )
})

test.run()
