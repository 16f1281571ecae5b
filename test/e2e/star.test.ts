/** An office without multicast: every desk names one machine, and they share as one. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runCrowd } from './crowd.ts'
import type { Host } from './host.ts'
import { scenario } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror } from './mirror.ts'
import { makePackages } from './packages.ts'

const SIZES = [1_000, 20_000, 120_000, 700_000, 3_000_000, 6_000_000]
const HOSTS = 6

scenario(
  'desks that all name one machine meet there, and the mirror sends each file about once',
  async (lab) => {
    const packages = makePackages(SIZES.map((size, n) => ({ name: `desk${n}`, size })))
    const sum = packages.reduce((bytes, item) => bytes + item.size, 0)
    const meeting = (desks: Host[], n: number) => ({
      sections: n === 0 ? {} : directTo(desks[0]!),
      peers: HOSTS - 1,
    })
    const figures = await runCrowd(lab, {
      hosts: HOSTS,
      packages,
      link: '1gbit',
      mirrorLink: '20mbit',
      meeting,
    })
    const copies = figures.bytes / sum
    const last = Math.max(...figures.each)
    lab.note(`${copies.toFixed(2)} copies; ${last.toFixed(1)} s, one alone ${figures.alone.toFixed(1)} s`)
    assert.ok(copies <= 1.2, `the mirror sent ${copies.toFixed(2)} copies`)
    assert.ok(figures.fromPeers >= (HOSTS - 2) * sum, `only ${figures.fromPeers} bytes came from each other`)
  },
)

scenario(
  'who is behind a router is no companion, check says so, and nobody gets in with a false address',
  async (lab) => {
    const mirror = await createMirror(lab.host('mirror'))
    mirror.publish('lab', makePackages([{ name: 'any', size: 1_000 }]))
    const hub = await createMember(lab, mirror, lab.host('hub'))
    const desk = await createMember(lab, mirror, lab.host('desk'), { sections: directTo(hub.host) })
    const routed = lab.hostBehindNat('routed')
    for (const words of [
      ['nft', 'flush', 'ruleset'],
      ['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.inside.rp_filter=0'],
    ])
      assert.is((await routed.gateway.exec(words)).code, 0)
    for (const { host } of [hub, desk]) {
      const net = `${routed.address.replace(/\d+$/, '0')}/24`
      assert.is((await host.exec(['ip', 'route', 'add', net, 'via', routed.gateway.address])).code, 0)
    }
    await createMember(lab, mirror, routed, { sections: directTo(hub.host) })

    const { peers } = await hub.node.until('two neighbours', (status) => status.peers.length === 2)
    const companions = Object.fromEntries(peers.map(({ address, companion }) => [address, companion]))
    assert.equal(companions, { [`${desk.host.address}:8048`]: true, [`${routed.address}:8048`]: false })
    const { stdout } = await hub.node.run(['check'])
    const said = `${routed.address}:8048 is behind a router and so not taken for this office`
    assert.ok(stdout.includes(said), stdout)
    assert.match(stdout, /key-file under \[network\]/)

    const dial = (...words: string[]) =>
      routed.exec(['curl', '-s', '--max-time', '2', ...words, `http://${hub.host.address}:8048/`])
    const TIMED_OUT = 28
    assert.is.not((await dial()).code, TIMED_OUT, 'as itself it connects')
    assert.is((await routed.exec(['ip', 'addr', 'add', '10.77.0.200/32', 'dev', 'lo'])).code, 0)
    assert.is((await dial('--interface', '10.77.0.200')).code, TIMED_OUT, 'as one of the office it doesn’t')
  },
)

test.run()
