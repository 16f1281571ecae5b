import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Overheard } from './between-server.ts'
import { must, waitFor } from './commands.ts'
import type { Host } from './host.ts'
import { type Lab, scenario } from './lab.ts'
import { createMember, directTo, type MemberOptions } from './member.ts'
import { createMirror, type Mirror } from './mirror.ts'
import { type PacsrvNode, USER } from './node.ts'
import { makePackages, type Package } from './packages.ts'
import { assertCache, type Member, packageRequests } from './pair.ts'

/** A key-file that the daemons can read and not everybody. */
function makeKey(lab: Lab, name: string): string {
  const file = join(lab.folder, `${name}.key`)
  writeFileSync(file, `# ${name}\n${randomBytes(32).toString('hex')}\n`, { mode: 0o600 })
  must('chown', USER, file)
  return file
}

/** A node that keeps to itself but for these keys and [direct] servers. */
function closed(keys: string[], ...direct: Host[]) {
  const files = keys.map((file) => `key-file = ${file}`)
  return {
    network: ['lan = no', 'min-connections = 0', ...files],
    mirror: ['delay = 2s'],
    ...directTo(...direct),
  }
}

/** Warnings in a node's log that say `words`. */
const warnings = ({ node }: Member, words: string) =>
  node
    .log()
    .split('\n')
    .filter((line) => line.includes('"level":40') && line.includes(words))

/** What a daemon had from peers when `fetched` last looked. */
const fromPeers = new WeakMap<PacsrvNode, number>()

/** pacman fetches one package: `by` peers or by the mirror, and nothing of it by the other. */
async function fetched(mirror: Mirror, member: Member, item: Package, by: 'peers' | 'mirror') {
  await mirror.clearLog()
  const outcome = await member.pacman.run(['-S', item.name])
  assert.is(outcome.code, 0, outcome.all)
  const asked = packageRequests(await mirror.log()).length
  const { totals } = await member.node.status()
  const what = `${member.host.name} fetched ${item.file} by ${by}`
  const before = fromPeers.get(member.node) ?? 0
  fromPeers.set(member.node, totals.fromPeers)
  assert.is(totals.fromPeers - before, by === 'peers' ? item.size : 0, what)
  assert.is(asked > 0, by === 'mirror', what)
  return outcome
}

/** A host that sits between others and `node`, at the same port. */
async function createBetween(host: Host, node: Host, words: string[]) {
  const program = join(import.meta.dirname, 'between-server.ts')
  const own = [node.address, '8048', ...words]
  const child = host.spawn([process.execPath, '--import', 'tsx', program, ...own], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    cwd: join(import.meta.dirname, '../..'),
  })
  const answer = () => new Promise<Overheard>((resolve) => child.once('message', resolve as () => void))
  await answer()
  return (message: { spoil?: boolean } = {}): Promise<Overheard> => {
    const heard = answer()
    child.send(message)
    return heard
  }
}

function fourPackages(mirror: Mirror) {
  const names = ['one', 'two', 'three', 'four']
  const packages = makePackages(names.map((name) => ({ name, size: 300_000 })))
  mirror.publish('lab', packages)
  return packages as [Package, Package, Package, Package]
}

scenario('a closed network: strangers at the door and in the middle get nothing', async (lab) => {
  const mirror = await createMirror(lab.host('mirror'))
  const packages = fourPackages(mirror)
  const [one, two, three, four] = packages
  const [key, another] = [makeKey(lab, 'key'), makeKey(lab, 'another')]
  const add = (name: string, options: MemberOptions) => createMember(lab, mirror, lab.host(name), options)

  const holder = await add('holder', { holds: packages, sections: closed([key]) })
  const inBetween = lab.host('between')
  const words = ['pacsrv', one.file, readFileSync(one.path).toString('latin1', 5_000, 5_032)].map((word) =>
    word.replaceAll('\0', ''),
  )
  const [between, asker, open, foreign] = await Promise.all([
    createBetween(inBetween, holder.host, words),
    add('asker', { sections: closed([key], inBetween) }),
    add('open', { sections: closed([], holder.host) }),
    add('foreign', { sections: closed([another], holder.host) }),
  ])
  await asker.node.until('the holder', ({ peers }) => peers.length === 1)

  const taken = await fetched(mirror, asker, one, 'peers')
  lab.note(`one package within the closed network: ${taken.seconds.toFixed(2)} s`)
  const heard = await between()
  assert.ok(heard.bytes > one.size && heard.connections >= 2, JSON.stringify(heard))
  assert.equal(heard.words, [], 'who reads in between reads nothing')

  await between({ spoil: true })
  const spoiled = await fetched(mirror, asker, two, 'mirror')
  lab.note(`one package while somebody in between changes bytes: ${spoiled.seconds.toFixed(2)} s`)
  assert.ok(spoiled.seconds < 8, `${spoiled.seconds} s`)
  await between({ spoil: false })
  await asker.node.until('the holder again', ({ peers }) => peers.length === 1)
  await fetched(mirror, asker, three, 'peers')
  assertCache(asker.pacman, [one, two, three])

  for (const stranger of [open, foreign]) await fetched(mirror, stranger, four, 'mirror')
  await waitFor('a second try by each', () =>
    [open, foreign].every((member) => member.node.log().includes('out of reach')),
  )
  for (const [stranger, theirs, ours] of [
    [open, 'closed without a word', 'speaks without the key'],
    [foreign, "doesn't have this node's key", 'offers key'],
  ] as const) {
    assert.equal((await stranger.node.status()).peers, [])
    assert.is(warnings(stranger, theirs).length, 1, `${stranger.host.name} says why, once`)
    assert.is(warnings(holder, ours).length, 1, `the holder says why ${stranger.host.name} is kept out, once`)
  }
  const { peers, totals } = await holder.node.status()
  assert.is(peers.length, 1)
  assert.is(totals.banned, 0)
})

scenario('a key is replaced: old, both and new at once; then the old one is stale', async (lab) => {
  const mirror = await createMirror(lab.host('mirror'))
  const packages = fourPackages(mirror)
  const [one, two, three, four] = packages
  const [oldKey, newKey] = [makeKey(lab, 'old'), makeKey(lab, 'new')]
  const middle = lab.host('both')
  const [both, late, early] = await Promise.all([
    createMember(lab, mirror, middle, { holds: [one, four], sections: closed([oldKey, newKey]) }),
    createMember(lab, mirror, lab.host('old'), { holds: [two], sections: closed([oldKey], middle) }),
    createMember(lab, mirror, lab.host('new'), { holds: [three], sections: closed([newKey], middle) }),
  ])
  await both.node.until('old and new', ({ peers }) => peers.length === 2)
  for (const member of [late, early]) await fetched(mirror, member, one, 'peers')
  await fetched(mirror, both, two, 'peers')
  // It offers the old key in vain, asks the holder to dial, and takes the new one.
  await fetched(mirror, both, three, 'peers')

  both.node.signal('SIGTERM')
  await waitFor('the end of its daemon', () => both.node.daemons().length === 0)
  const text = readFileSync(both.node.config, 'utf8')
  writeFileSync(both.node.config, text.replace(`key-file = ${oldKey}\n`, ''))
  await both.node.start()
  await both.node.until('new', ({ peers }) => peers.length === 1)
  await fetched(mirror, early, four, 'peers')
  await fetched(mirror, late, four, 'mirror')
  await waitFor('both ends to say why', () =>
    [warnings(late, "doesn't have this node's key"), warnings(both, 'or an old one')].every(
      (lines) => lines.length === 1,
    ),
  )
})

test.run()
