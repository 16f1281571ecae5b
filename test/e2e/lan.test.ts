import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import type { Host } from './host.ts'
import { type Lab, scenario } from './lab.ts'
import { createMember } from './member.ts'
import { createMirror, type Mirror } from './mirror.ts'
import { fillCache, makePackage, makePackages, type Package } from './packages.ts'
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

/** A cache and nothing but a web server over it, as pacredir's pacserve is, announced by another program on port 5353. */
async function createPacserve(lab: Lab, packages: Package[]): Promise<Mirror> {
  const host = lab.host('pacserve')
  const server = await createMirror(host, 7078)
  fillCache(join(server.folder, 'pkg'), packages)
  const program = join(import.meta.dirname, 'announce.ts')
  const words = [host.address, '_pacserve._tcp', '7078']
  host.spawn([process.execPath, '--import', 'tsx', program, ...words], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    cwd: join(import.meta.dirname, '../..'),
  })
  return server
}

scenario("a server of pacredir's is the only holder; when it lies it is found out", async (lab: Lab) => {
  const mirror = await createMirror(lab.host('mirror'))
  const packages = packagesOf()
  const last = makePackage({ name: 'last', size: 1_200_000 })
  mirror.publish('lab', [...packages, last])
  await mirror.behave(packages.map(({ file }) => ({ path: file, status: 404 })))
  const server = await createPacserve(lab, [...packages, last])
  const { node, pacman } = await createMember(lab, mirror, lab.host('asker'), {
    sections: { network: ['lan = wlan0 eth0', 'pacserve = yes'] },
  })
  await waitFor('the server to be seen', () => node.log().includes("a server of pacredir's"))
  const outcome = await pacman.run(named(packages))
  assert.is(outcome.code, 0, outcome.all)
  assertCache(pacman, packages)
  const { totals } = await node.status()
  assert.is(
    totals.fromPeers,
    packages.reduce((sum, { size }) => sum + size, 0),
  )
  assert.is(totals.rejected, 0)

  await server.behave([{ path: last.file, corruptAt: 700_000 }])
  const again = await pacman.run(['-S', last.name])
  assert.is(again.code, 0, again.all)
  assertCache(pacman, [...packages, last])
  const { totals: later } = await node.status()
  assert.is(later.rejected, 1)
  assert.is(later.fromMirror, last.size)
})

/** avahi on a host, announcing a server of pacredir's as an admin would have it do. */
async function startAvahi(host: Host) {
  const service = `<service-group><name>pacserve</name><service><type>_pacserve._tcp</type><port>7078</port></service></service-group>`
  const [services, config] = [join(host.folder, 'services'), join(host.folder, 'avahi.conf')]
  mkdirSync(services)
  writeFileSync(join(services, 'pacserve.service'), service)
  writeFileSync(config, `[server]\nhost-name=${host.name}\nenable-dbus=no\nallow-interfaces=eth0\n`)
  const own = `mkdir -p /run/avahi-daemon && mount -t tmpfs tmpfs /run/avahi-daemon && mount --bind ${services} /etc/avahi/services`
  const daemon = `exec avahi-daemon -f ${config} --no-drop-root --no-rlimits --no-chroot --no-proc-title`
  host.spawn(['sh', '-c', `${own} && ${daemon}`])
  await waitFor('avahi', () => host.pids('avahi-daemon').length > 0)
}

scenario(
  'beside avahi on port 5353, and by its announcements',
  async (lab: Lab) => {
    const mirror = await createMirror(lab.host('mirror'))
    mirror.publish('lab', [makePackage({ name: 'some', size: 2_000 })])
    const hosts = [lab.host('one'), lab.host('other')]
    for (const host of hosts) await startAvahi(host)
    const sections = { network: ['lan = yes', 'pacserve = yes'] }
    const members = []
    for (const host of hosts) members.push(await createMember(lab, mirror, host, { sections }))
    for (const [i, member] of members.entries()) {
      await secondsUntilMet(member)
      const server = `${hosts[1 - i]!.address}:7078`
      await waitFor('the server that avahi announces', () => member.node.log().includes(server))
    }
  },
  ['avahi-daemon'],
)

test.run()
