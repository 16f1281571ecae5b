import type { ChildProcess } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { INFO_HASH } from '../../src/discovery/webhost/webhost-query.ts'
import { waitFor } from './commands.ts'
import type { Host } from './host.ts'
import { type Lab, scenario } from './lab.ts'
import { createMember } from './member.ts'
import { createMirror } from './mirror.ts'
import { USER } from './node.ts'
import { makePackage } from './packages.ts'
import { assertCache, type Member, packageRequests } from './pair.ts'

/** A rendezvous server on a host of its own. */
interface Rendezvous {
  host: Host
  url: string
  start(): Promise<void>
  /** Outright. */
  kill(): Promise<void>
}

function createRendezvous(host: Host, port: number, command: string[]): Rendezvous {
  const url = `http://${host.address}:${port}/announce`
  let child: ChildProcess
  return {
    host,
    url,
    async start() {
      child = host.spawn(command)
      const ask = ['curl', '-s', '-o', '/dev/null', url]
      await waitFor(`an answer of ${url}`, async () => (await host.exec(ask)).code === 0)
    },
    async kill() {
      child.kill('SIGKILL')
      await waitFor('its end', () => child.signalCode !== null)
    },
  }
}

/** An announce by nobody: with a port that no node listens at. */
async function listed(asker: Host, { url }: Rendezvous, { host }: Member): Promise<boolean> {
  const hash = INFO_HASH.replace(/../g, '%$&')
  const query = `info_hash=${hash}&peer_id=aaaaaaaaaaaaaaaaaaaa&port=1&compact=1&numwant=50`
  const answer = await asker.exec(['sh', '-c', 'curl -sf "$1" | od -An -v -tx1', 'sh', `${url}?${query}`])
  const address = [...host.address.split('.').map(Number), 8048 >> 8, 8048 & 255]
  const hex = Buffer.from(address).toString('hex')
  return answer.stdout.replace(/\s/g, '').includes(hex)
}

async function createThree(lab: Lab, { url }: Rendezvous, env: Record<string, string> = {}) {
  const mirror = await createMirror(lab.host('mirror'))
  const item = makePackage({ name: 'met', size: 500_000 })
  mirror.publish('lab', [item])
  const sections = { network: ['lan = no', `webhost = ${url}`], mirror: ['delay = 2s'] }
  const create = (name: string, holds = false) =>
    createMember(lab, mirror, lab.host(name), { sections, env, holds: holds ? [item] : [] })
  const begin = performance.now()
  const members = await Promise.all([create('one', true), create('two'), create('three')])
  await Promise.all(members.map((member) => untilNeighbours(member, 2)))
  const took = ((performance.now() - begin) / 1000).toFixed(1)
  lab.note(`three nodes have found each other ${took} s after their start`)
  return { mirror, item, members, create }
}

const untilNeighbours = ({ node }: Member, count: number) =>
  node.until(`${count} neighbours`, ({ peers }) => peers.length === count)

/** How often each has lost a neighbour. */
const left = (members: Member[]) => members.map(({ node }) => node.log().split('"neighbour left"').length - 1)

scenario(
  'three nodes that know only a webhost meet, stay when it goes, and it learns of them again',
  async (lab) => {
    const host = lab.host('webhost')
    const config = join(host.folder, 'pacsrv.conf')
    writeFileSync(config, `[daemon]\nuser = ${USER}\n`)
    const command = [lab.program, '--config', config, 'webhost', '--listen', `${host.address}:8050`]
    const webhost = createRendezvous(host, 8050, command)
    await webhost.start()
    const preload = join(lab.folder, 'fast-clock.cjs')
    copyFileSync(join(import.meta.dirname, 'fast-clock.cjs'), preload)
    // A node asks again after a minute: six seconds here.
    const env = { NODE_OPTIONS: `--require=${preload}`, PACSRV_LAB_SPEED: '10' }
    const { mirror, item, members } = await createThree(lab, webhost, env)
    for (const member of members) assert.ok(await listed(host, webhost, member))

    await webhost.kill()
    const noticed = ({ node }: Member) => node.log().includes("can't be used")
    await waitFor('all three to miss the webhost', () => members.every(noticed))
    await Promise.all(members.map((member) => untilNeighbours(member, 2)))
    assert.equal(left(members), [0, 0, 0])
    const [, , asker] = members as [Member, Member, Member]
    const outcome = await asker.pacman.run(['-S', item.name])
    assert.is(outcome.code, 0, outcome.all)
    assertCache(asker.pacman, [item])
    assert.equal(packageRequests(await mirror.log()), [])

    await webhost.start()
    const begin = performance.now()
    for (const member of members)
      await waitFor(`${member.host.name} on the list`, () => listed(host, webhost, member), 40)
    const took = ((performance.now() - begin) / 100).toFixed(0)
    lab.note(`the webhost knew all three again ${took} s of theirs after its return`)
    assert.equal(left(members), [0, 0, 0])
  },
)

scenario(
  'three nodes that know only an opentracker meet, stay when it goes, and newcomers meet them by it again',
  async (lab) => {
    const host = lab.host('tracker')
    const folder = join(host.folder, 'opentracker')
    mkdirSync(folder, { mode: 0o755 })
    writeFileSync(join(folder, 'whitelist'), `${INFO_HASH}\n`)
    const lines = [
      `listen.tcp ${host.address}:6969`,
      'access.whitelist whitelist',
      `tracker.rootdir ${folder}`,
      `tracker.user ${USER}`,
    ]
    writeFileSync(join(folder, 'opentracker.conf'), `${lines.join('\n')}\n`)
    const tracker = createRendezvous(host, 6969, ['opentracker', '-f', join(folder, 'opentracker.conf')])
    await tracker.start()
    const { members, create } = await createThree(lab, tracker)
    for (const member of members) assert.ok(await listed(host, tracker, member))

    await tracker.kill()
    await sleep(2_000)
    await Promise.all(members.map((member) => untilNeighbours(member, 2)))
    assert.equal(left(members), [0, 0, 0])

    await tracker.start()
    const [one] = members as [Member, Member, Member]
    assert.not.ok(await listed(host, tracker, one), 'it has forgotten')
    one.node.signal('SIGTERM')
    await waitFor('its end', () => one.node.daemons().length === 0)
    await one.node.start()
    await waitFor('it on the list', () => listed(host, tracker, one))
    const begin = performance.now()
    const four = await create('four')
    await four.node.until('a neighbour', ({ peers }) => peers.length > 0)
    const took = ((performance.now() - begin) / 1000).toFixed(1)
    lab.note(`a newcomer had a neighbour by the tracker ${took} s after its start`)
    assert.ok(await listed(host, tracker, four))
  },
  ['opentracker'],
)

test.run()
