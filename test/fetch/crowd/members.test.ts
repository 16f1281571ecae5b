import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { chunkSize } from '../../../src/base/chunks.ts'
import { type Log, silentLog } from '../../../src/base/log.ts'
import type { Message } from '../../../src/wire/messages.ts'
import { seeded } from '../../seeded.ts'
import { chunkOf, makeContent } from '../job/lab.ts'
import { bytesOf, type CrowdLabOptions, createCrowdLab, type Fetch } from './crowd-lab.ts'

const MB = 1_000_000
const CHUNK = 64 * 1024
/** Five spans. */
const content = makeContent(4.5 * MB)
/** Eight. */
const long = makeContent(8 * MB)
const small = makeContent(100_000)
const tiny = makeContent(2_000)

type Lab = Awaited<ReturnType<typeof createCrowdLab>>

const lab = (count: number, change: Partial<CrowdLabOptions> = {}) =>
  createCrowdLab({ members: Array.from({ length: count }, () => ({})), ...change })

/** All begin the same file, so many milliseconds after each other. */
async function startAll({ nodes, wind }: Lab, file: Buffer, apart = 10): Promise<Fetch[]> {
  const fetches: Fetch[] = []
  for (const node of nodes) {
    fetches.push(node.fetch(file))
    await wind(apart)
  }
  return fetches
}

function assertRight({ nodes }: Lab, fetches: Fetch[]) {
  for (const [n, { job, content }] of fetches.entries()) {
    assert.is(job.end?.result, 'done', JSON.stringify(job.end))
    assert.ok(bytesOf(nodes[n]!, content)?.equals(content), 'other bytes')
  }
}

const copies = ({ line }: Lab, file: Buffer) => line.sent / file.length
const noBans = ({ nodes }: Lab) =>
  assert.equal(
    nodes.flatMap(({ bans }) => bans),
    [],
  )

for (const count of [2, 16]) {
  test(`${count} who begin at about the same time draw about one copy, and take no longer than one alone`, async () => {
    const alone = await lab(1)
    const aloneMs = await alone.run(await startAll(alone, content, 0))
    const crowd = await lab(count)
    const ms = await crowd.run(await startAll(crowd, content, 0))
    assert.ok(copies(crowd, content) <= 1.1, `${copies(crowd, content)} copies`)
    assert.ok(ms <= 1.3 * aloneMs + 200, `${ms} ms, one alone ${aloneMs}`)
    noBans(crowd)
  })
}

test('one alone has one long stream, as if there were no members', async () => {
  const alone = await lab(1)
  const fetches = await startAll(alone, content)
  await alone.run(fetches)
  assertRight(alone, fetches)
  assert.is(alone.streams.length, 1)
})

test('one whose companions want nothing of it has one long stream too', async () => {
  const crowd = await lab(2)
  const fetched = crowd.nodes[0]!.fetch(makeContent(20 * MB))
  await crowd.run([fetched])
  assert.is(crowd.streams.length, 1)
  assert.is(crowd.streams[0]!.end, undefined)
})

test('who comes in the middle has the rest shared out', async () => {
  const crowd = await lab(2)
  const big = makeContent(20 * MB)
  const first = crowd.nodes[0]!.fetch(big)
  await crowd.wind(1_000)
  const second = crowd.nodes[1]!.fetch(big)
  await crowd.run([first, second])
  assertRight(crowd, [first, second])
  assert.ok(copies(crowd, big) <= 1.1, `${copies(crowd, big)} copies`)
  const end = second.job.end
  assert.ok(end?.result === 'done' && end.fromMirror > 2 * MB, 'it took its share of the mirror')
})

for (const [latency, file, most] of [
  [50, makeContent(1.5 * MB), 1.1],
  [100, makeContent(1.5 * MB), 1.1],
  // Until they hear of each other at 300 ms each has begun for itself.
  [200, content, 1.25],
] as const)
  test(`hosts that answer each other after ${latency} ms draw little more than one copy, and lose little time`, async () => {
    for (const apart of [0, 100, 300]) {
      const crowd = await lab(5, { latency, line: 2.5 * MB })
      const before = await startAll(crowd, small, 0)
      await crowd.run(before)
      crowd.line.reset()
      const begun = crowd.clock.now()
      const fetches = await startAll(crowd, file, apart)
      await crowd.run(fetches)
      assertRight(crowd, fetches)
      const ms = crowd.clock.now() - begun
      const aloneMs = file.length / (2.5 * 1000)
      assert.ok(copies(crowd, file) <= most, `${copies(crowd, file)} copies, ${apart} ms apart`)
      assert.ok(
        ms <= aloneMs + 5 * latency + 5 * apart + 500,
        `${ms} ms, one alone ${aloneMs}, ${apart} ms apart`,
      )
    }
  })

test('small files too: who comes a moment later waits for the first', async () => {
  for (const file of [small, tiny]) {
    const crowd = await lab(8)
    const fetches = await startAll(crowd, file, 5)
    await crowd.run(fetches)
    assertRight(crowd, fetches)
    assert.ok(copies(crowd, file) <= 1.1, `${copies(crowd, file)} copies of ${file.length}`)
  }
})

test('a member that dies in the middle: the others take over what it had asked for', async () => {
  const crowd = await lab(4)
  const fetches = await startAll(crowd, content)
  await crowd.wind(300)
  const busy = crowd.streams.at(-1)!.host
  const dead = crowd.nodes.findIndex(({ host }) => host === busy)
  crowd.nodes[dead]!.die()
  const rest = fetches.filter((_, n) => n !== dead)
  const ms = await crowd.run(rest)
  for (const { job } of rest) assert.is(job.end?.result, 'done')
  assert.ok(ms < 2_000, `${ms} ms`)
  assert.ok(copies(crowd, content) <= 1.4, `${copies(crowd, content)} copies`)
})

test('a member that asks the mirror and gets nothing holds nobody up for long', async () => {
  const crowd = await lab(4, { members: [{}, {}, { mirror: 'silent' }, {}] })
  const fetches = await startAll(crowd, content)
  const ms = await crowd.run(fetches)
  assertRight(crowd, fetches)
  assert.ok(ms < 6_000, `${ms} ms`)
  noBans(crowd)
})

test('a mirror that only one can reach is enough for all', async () => {
  const dead = { mirror: 'dead' as const }
  const crowd = await lab(4, { members: [dead, {}, dead, dead] })
  const fetches = await startAll(crowd, content)
  const ms = await crowd.run(fetches)
  assertRight(crowd, fetches)
  assert.ok(copies(crowd, content) <= 1.1, `${copies(crowd, content)} copies`)
  assert.ok(ms < 12_000, `${ms} ms`)
})

test('a mirror that nobody can reach: all are told to ask it themselves, soon', async () => {
  const dead = { mirror: 'dead' as const }
  const crowd = await lab(3, { members: [dead, dead, dead] })
  const fetches = await startAll(crowd, content)
  const ms = await crowd.run(fetches)
  for (const { job } of fetches) assert.is(job.end?.result, 'mirror')
  assert.ok(ms < 12_000, `${ms} ms`)
})

test('who comes when the others have it whole needs no mirror', async () => {
  const crowd = await lab(3)
  const first = [crowd.nodes[0]!.fetch(content), crowd.nodes[1]!.fetch(content)]
  await crowd.run(first)
  crowd.line.reset()
  const late = crowd.nodes[2]!.fetch(content)
  await crowd.run([late])
  assert.is(late.job.end?.result, 'done')
  assert.is(crowd.line.sent, 0)
})

/** Its chunks are other bytes of the right length. */
function lies(message: Message): Message {
  if (message.type !== 'chunk') return message
  return { ...message, payload: Buffer.alloc(message.payload.length, 'a lie') }
}

test('who gives false chunks that it says it had from the mirror is banned, and the file is right', async () => {
  const crowd = await lab(3, { members: [{}, {}, { tamper: lies }] })
  const fetches = await startAll(crowd, content)
  await crowd.run(fetches)
  assertRight(crowd, fetches)
  const liar = crowd.nodes[2]!.id
  const banned = crowd.nodes.slice(0, 2).flatMap(({ bans }) => bans)
  assert.ok(banned.length >= 1, 'somebody found out')
  for (const { id, reason } of banned) {
    assert.is(id, liar)
    assert.match(reason, /false chunk|wrong chunk|false chunk list/)
  }
  assert.equal(crowd.nodes[2]!.bans, [])
})

test('who believed a liar is no liar: what it passes on nobody takes, and the liar is banned for what it said', async () => {
  let friend = ''
  const crowd = await lab(3, {
    members: [
      {},
      {},
      {
        // Only one of the two ever hears of it.
        tamper: (message, to) => (message.type === 'have' && to !== friend ? undefined : lies(message)),
      },
    ],
  })
  const [ann, bob, liar] = crowd.nodes
  friend = ann!.id
  const fetches = await startAll(crowd, content)
  await crowd.run(fetches.slice(0, 2))
  for (const node of [ann, bob]) assert.ok(bytesOf(node!, content)?.equals(content), 'other bytes')
  // Bob meets it only when it has the whole, and lies as a holder.
  for (const { id } of [...ann!.bans, ...bob!.bans]) assert.is(id, liar!.id)
  assert.ok(ann!.bans.some(({ reason }) => reason.includes('which it said it had from the mirror')))
})

/** Bytes that these nodes had from the mirror, in copies. */
function drawnBy({ nodes, streams }: Lab, which: number[], file: Buffer): number {
  const hosts = which.map((n) => nodes[n]!.host)
  return streams.reduce((sum, { host, sent }) => sum + (hosts.includes(host) ? sent : 0), 0) / file.length
}

test('of eight one lies, one hangs, and all wait for their turns: what the liar gave is drawn once more, not by each', async () => {
  let hangs = false
  const silent = (message: Message) => (hangs ? undefined : message)
  const members = [{}, {}, { tamper: lies }, {}, {}, { tamper: silent }, {}, {}]
  const machine = { cores: 1, sliceMs: 25, messageMs: 0.15, chunkMs: 1 }
  const crowd = await lab(8, { members, machine, seed: 1, line: 2_500_000 })
  const fetches = await startAll(crowd, long, 50)
  await crowd.wind(1_000)
  hangs = true
  await crowd.run(fetches.filter((_, n) => n !== 5))
  const honest = [0, 1, 3, 4, 6, 7]
  for (const n of honest) assert.ok(bytesOf(crowd.nodes[n]!, long)?.equals(long), 'other bytes')
  assert.ok(drawnBy(crowd, honest, long) <= 1.1, `${drawnBy(crowd, honest, long)} copies`)
})

test('a false only chunk is found out at once, and costs no second whole', async () => {
  const crowd = await lab(3, { members: [{}, {}, { tamper: lies }] })
  const fetches = await startAll(crowd, tiny)
  await crowd.run(fetches)
  assertRight(crowd, fetches)
})

/** It says that it has everything, from the mirror. */
function boasts(message: Message): Message {
  if (message.type !== 'have') return message
  const payload = Buffer.from(message.payload)
  const map = Buffer.alloc(Math.ceil(content.length / CHUNK / 8), 0xff)
  map[map.length - 1] = (1 << (Math.ceil(content.length / CHUNK) & 7)) - 1
  Buffer.concat([map, map]).copy(payload)
  return { ...message, payload }
}

test('a member that says it has what it has not is left, and nobody waits for it', async () => {
  const crowd = await lab(3, { members: [{}, {}, { tamper: boasts }] })
  const fetches = await startAll(crowd, content)
  const ms = await crowd.run(fetches.slice(0, 2))
  for (const { job } of fetches.slice(0, 2)) assert.is(job.end?.result, 'done')
  assert.ok(ms < 6_000, `${ms} ms`)
})

/** It says that it has asked the mirror for everything, and has nothing yet. */
function claims(message: Message): Message | undefined {
  if (message.type === 'chunk') return undefined
  if (message.type !== 'have') return message
  const payload = Buffer.from(message.payload)
  const bytes = Math.ceil(Math.ceil(content.length / CHUNK) / 8)
  const map = Buffer.alloc(bytes, 0xff)
  map[bytes - 1] = (1 << (Math.ceil(content.length / CHUNK) & 7)) - 1
  Buffer.concat([Buffer.alloc(bytes), map]).copy(payload)
  return { ...message, payload }
}

test('one claims all and gives nothing, one hangs: the others have it right, with 1.3 copies', async () => {
  let hangs = false
  const silent = (message: Message) => (hangs ? undefined : message)
  const crowd = await lab(6, { members: [{}, {}, {}, {}, { tamper: claims }, { tamper: silent }] })
  const fetches = await startAll(crowd, content, 0)
  await crowd.wind(300)
  hangs = true
  const ms = 300 + (await crowd.run(fetches.slice(0, 4)))
  assertRight(crowd, fetches.slice(0, 4))
  const theirs = crowd.streams.filter(({ host }) =>
    crowd.nodes.slice(0, 4).some((node) => node.host === host),
  )
  const drawn = theirs.reduce((bytes, { sent }) => bytes + sent, 0) / content.length
  assert.ok(drawn <= 1.3, `${drawn} copies`)
  assert.ok(ms <= 6_500, `${ms} ms`)
  assert.equal(
    crowd.nodes.slice(0, 4).flatMap(({ bans }) => bans),
    [],
  )
})

test('what one claims that gives nothing is handed on within a second, and its next claims count for nothing', async () => {
  const alone = await lab(1)
  const aloneMs = await alone.run(await startAll(alone, content, 0))
  const crowd = await lab(4, { members: [{}, {}, {}, { tamper: claims }] })
  for (const [file, late] of [
    [content, 1_000],
    // It draws a copy of its own over the same line.
    [makeContent(content.length + 1), 600],
  ] as const) {
    const begun = crowd.clock.now()
    await crowd.run((await startAll(crowd, file, 0)).slice(0, 3))
    const ms = crowd.clock.now() - begun
    assert.ok(ms <= aloneMs + late, `${ms} ms, one alone ${aloneMs}`)
  }
})

test('a machine so busy that each of ten waits a quarter of a second for its turn: nobody is doubted for that', async () => {
  const doubts: object[] = []
  const log: Log = {
    ...silentLog,
    child: () => log,
    debug: (about, what) => void (what.includes('doubted') && doubts.push(about)),
  }
  const machine = { cores: 1, sliceMs: 25, messageMs: 0.15, chunkMs: 1 }
  const crowd = await lab(10, { machine, log: () => log })
  await crowd.run(await startAll(crowd, small, 0), 60_000)
  crowd.line.reset()
  doubts.length = 0
  const fetches = await startAll(crowd, content, 200)
  await crowd.run(fetches, 60_000)
  assertRight(crowd, fetches)
  assert.ok(copies(crowd, content) <= 1.3, `${copies(crowd, content)} copies`)
  assert.ok(doubts.length <= 5, `${doubts.length} doubted`)
  noBans(crowd)
})

test('strangers are not believed: each takes its own copy from the mirror', async () => {
  const crowd = await lab(2, { members: [{ host: '203.0.113.1' }, { host: '198.51.100.1' }] })
  const fetches = await startAll(crowd, content, 300)
  const [first, second] = fetches
  while (!first!.job.end) {
    await crowd.wind(1)
    if (first!.job.done < content.length - 2 * CHUNK) continue
    assert.ok(crowd.line.sent >= first!.job.done + second!.job.done, 'all from the mirror')
  }
  await crowd.run(fetches)
  assertRight(crowd, fetches)
})

test('a stranger’s chunks are taken where a list says what they must be', async () => {
  const members = ['203.0.113.1', '198.51.100.1', '192.0.2.1'].map((host) => ({ host }))
  const crowd = await lab(3, {
    members: members.map((one, n) => (n === 1 ? { ...one, mirrorRate: 500_000 } : one)),
  })
  const [holder, slow, asker] = crowd.nodes
  await crowd.run([holder!.fetch(content)])
  crowd.line.reset()
  const fetches = [slow!.fetch(content), asker!.fetch(content)]
  await crowd.run(fetches)
  for (const { job } of fetches) assert.is(job.end?.result, 'done')
  assert.is(crowd.line.sent, 0)
})

test('many files at once, begun at random moments by sixteen: about one copy of each', async () => {
  const sizes = [3_000, 70_000, 300_000, 1_500_000, 4_000_000]
  for (const seed of [1]) {
    const random = seeded(seed)
    const crowd = await lab(16, { seed, line: 6_250_000 })
    const files = sizes.map((size) => makeContent(size))
    const sum = files.reduce((bytes, file) => bytes + file.length, 0)
    const fetches: Fetch[] = []
    for (const node of crowd.nodes) {
      await crowd.wind(random.below(100))
      for (const file of files) fetches.push(node.fetch(file))
    }
    const ms = await crowd.run(fetches)
    for (const { job } of fetches) assert.is(job.end?.result, 'done')
    assert.ok(crowd.line.sent <= 1.2 * sum, `${crowd.line.sent / sum} copies`)
    assert.ok(ms < 3_000, `${ms} ms`)
    noBans(crowd)
  }
})

test('an older node among them is told, asked and served in the words that it knows', async () => {
  const crowd = await lab(4, { members: [{}, { old: true }, {}, { old: true }] })
  const files = [small, content]
  const fetches = crowd.nodes.flatMap((node) => files.map((file) => node.fetch(file)))
  await crowd.run(fetches)
  for (const { job } of fetches) assert.is(job.end?.result, 'done')
  const sum = files.reduce((bytes, file) => bytes + file.length, 0)
  assert.ok(crowd.line.sent <= 1.1 * sum, `${crowd.line.sent / sum} copies`)
  assert.ok(crowd.newerWords.size > 0, 'among themselves the newer ones go on as ever')
  for (const host of ['10.0.0.2', '10.0.0.4']) assert.not.ok(crowd.newerWords.has(host))
})

test('a file of large chunks is shared out too', async () => {
  const large = makeContent(70 * 1024 * 1024)
  assert.is(chunkSize(large.length), 1024 * 1024)
  assert.is(chunkOf(large, 69).length, 1024 * 1024)
  const crowd = await lab(2, { line: 60 * MB })
  const fetches = await startAll(crowd, large)
  await crowd.run(fetches)
  assertRight(crowd, fetches)
  assert.ok(copies(crowd, large) <= 1.1, `${copies(crowd, large)} copies`)
})

test.run()
