import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../../src/base/log.ts'
import type { Located } from '../../../src/fetch/locator.ts'
import type { SignatureVerdict } from '../../../src/fetch/signatures/gpgv.ts'
import { createSignatures, type FoundSignature } from '../../../src/fetch/signatures/signatures.ts'
import type { FetchMany, SmallOutcome } from '../../../src/mirror/curl-batch.ts'
import { createDeadMirrors } from '../../../src/mirror/dead-mirrors.ts'
import type { Holder } from '../../../src/overlay/query/holders.ts'
import type { DatabaseSignatures } from '../../../src/pacman/database-signatures.ts'
import type { Asker } from '../../../src/transfer/asker.ts'
import { createClock } from '../../clock.ts'

const settle = () => new Promise((resolve) => setImmediate(resolve))
/** A signature that says `what`. */
const signature = (what: string) =>
  Buffer.concat([Buffer.from([0x88, what.length + 1, 4]), Buffer.from(what)])

const located = (n: number, mirrors = ['http://a/core', 'http://b/core']): Located => ({
  file: { sha256: `${n}`, size: 1, name: `pack${n}` },
  mirrors: mirrors.map((mirror) => `${mirror}/pack${n}`),
})

interface Peer {
  /** What it says; undefined: it refuses. */
  says?: Buffer
  far?: boolean
  partial?: boolean
  hangs?: boolean
}

/** `mirror` tells what a mirror does with a URL; undefined: nothing for now. */
function setUp(
  mirror: (url: string) => SmallOutcome | undefined,
  peers: Peer[] = [],
  verdict: (said: string) => SignatureVerdict = () => 'unknown',
  databases: DatabaseSignatures = { load: async () => {}, find: () => undefined },
) {
  const clock = createClock()
  const deadMirrors = createDeadMirrors(clock)
  const batches: string[][] = []
  const asked: number[] = []
  const later: (() => void)[] = []
  const fetchMany: FetchMany = (urls, { onOutcome, signal }) => {
    batches.push(urls)
    return new Promise((resolve) => {
      let open = urls.length
      signal.addEventListener('abort', () => resolve())
      const give = (index: number, outcome: SmallOutcome) => {
        if (signal.aborted) return
        onOutcome(index, outcome)
        if (--open === 0) resolve()
      }
      for (const [index, url] of urls.entries()) {
        const outcome = mirror(url)
        if (outcome) give(index, outcome)
        else later.push(() => give(index, { bytes: signature(url) }))
      }
    })
  }
  const signatures = createSignatures({
    clock,
    log: silentLog,
    fetchMany,
    deadMirrors,
    databases,
    verifier: { verify: async (_, bytes) => verdict(text(bytes) ?? '') },
    network: {
      async find([file], { onHolder }) {
        for (const [n, { far, partial }] of peers.entries()) {
          const address = far ? '203.0.113.7:8048' : '192.168.0.7:8048'
          onHolder({ id: `${n}`, address, file: { ...file, whole: !partial } } as unknown as Holder)
        }
      },
      async connect({ id }) {
        const n = Number(id)
        asked.push(n)
        return {
          signature() {
            const { says, hangs } = peers[n]!
            if (hangs) return new Promise(() => {})
            return says ? Promise.resolve(says) : Promise.reject(new Error('absent'))
          },
        } as unknown as Asker
      },
    },
  })
  return {
    clock,
    deadMirrors,
    batches,
    asked,
    signatures,
    giveLater: () => later.splice(0).forEach((give) => void give()),
  }
}

const ROOT = { environment: {} }
const EVIL = { environment: { http_proxy: 'http://evil' } }

const fromMirror = (url: string) => ({ bytes: signature(url) })
const text = (found: FoundSignature) =>
  found instanceof Uint8Array ? Buffer.from(found).toString('latin1', 3) : found

test('nothing is fetched ahead until pacman asks for a signature; then all by one curl, once', async () => {
  const { signatures, batches } = setUp(fromMirror)
  const files = [1, 2, 3].map((n) => located(n))
  signatures.begin(files, ROOT)
  await settle()
  assert.equal(batches, [])
  assert.is(text(await signatures.ready(files[0]!, ROOT)), 'http://a/core/pack1.sig')
  assert.equal(batches, [[1, 2, 3].map((n) => `http://a/core/pack${n}.sig`)])
  assert.is(text(await signatures.ready(files[1]!, ROOT)), 'http://a/core/pack2.sig')
  assert.is(await signatures.ready(files[1]!, ROOT), undefined, 'given twice')
  assert.is(batches.length, 1)
})

test('a list that comes late: what pacman has asked for by then it has from elsewhere', async () => {
  const { signatures, batches } = setUp(fromMirror)
  const files = [1, 2, 3].map((n) => located(n))
  assert.is(await signatures.ready(files[0]!, ROOT), undefined)
  assert.is(await signatures.ready(files[1]!, ROOT), undefined)
  signatures.begin(files, ROOT)
  await settle()
  assert.equal(batches, [['http://a/core/pack3.sig']])
})

test('the next transaction begins at once; one after a transaction that asked for none does not', async () => {
  const { signatures, batches } = setUp(fromMirror)
  await signatures.ready(located(1), ROOT)
  signatures.begin([located(2)], ROOT)
  assert.is(batches.length, 1)
  signatures.begin([located(3)], ROOT)
  await settle()
  assert.is(batches.length, 1)
})

test('one on its way is waited for 2 s', async () => {
  const { signatures, clock, giveLater } = setUp(() => undefined)
  await signatures.ready(located(0), ROOT)
  signatures.begin([located(1), located(2)], ROOT)
  const first = signatures.ready(located(1), ROOT)
  clock.advance(1_999)
  giveLater()
  assert.is(text(await first), 'http://a/core/pack1.sig')

  signatures.begin([located(3)], ROOT)
  const late = signatures.ready(located(3), ROOT)
  clock.advance(2_000)
  assert.is(await late, undefined)
})

test('what nobody asks for is dropped five minutes after the last question', async () => {
  const { signatures, clock } = setUp(fromMirror)
  await signatures.ready(located(0), ROOT)
  signatures.begin([located(1), located(2)], ROOT)
  await settle()
  clock.advance(299_999)
  assert.ok(await signatures.ready(located(1), ROOT))
  clock.advance(300_000)
  assert.is(await signatures.ready(located(2), ROOT), undefined)
  clock.advance(300_000)
  assert.not(clock.step())
})

test('a silent mirror ends its batch, the next stands in; not found is an answer', async () => {
  const { signatures, batches, deadMirrors } = setUp((url) =>
    url.startsWith('http://a') ? 'silent' : url.includes('pack2') ? 'absent' : fromMirror(url),
  )
  await signatures.ready(located(0), ROOT)
  signatures.begin([located(1), located(2)], ROOT)
  await settle()
  assert.equal(batches, [
    ['http://a/core/pack1.sig', 'http://a/core/pack2.sig'],
    ['http://b/core/pack1.sig', 'http://b/core/pack2.sig'],
  ])
  assert.is(text(await signatures.ready(located(1), ROOT)), 'http://b/core/pack1.sig')
  assert.is(await signatures.ready(located(2), ROOT), undefined)
  assert.not(located(1).mirrors.every(deadMirrors.isDead))
})

test('where no mirror answers, ahead too, peers are asked; and at once when that is known', async () => {
  const { signatures, asked, batches } = setUp(() => 'silent', [{ says: signature('peer') }])
  await signatures.ready(located(0), ROOT)
  signatures.begin([located(1)], ROOT)
  await settle()
  assert.is(text(await signatures.ready(located(1), ROOT)), 'peer')
  assert.is(batches.length, 2)
  assert.is(text(await signatures.ready(located(7), ROOT)), 'peer')
  assert.is(text(await signatures.look(located(8))), 'peer')
  assert.is(batches.length, 2)
  assert.is(asked.length, 3)
})

test('of a mirror that answers many are asked by one curl', async () => {
  const { signatures, batches, giveLater } = setUp((url) =>
    url.includes('pack0') ? fromMirror(url) : undefined,
  )
  assert.is(text(await signatures.look(located(0))), 'http://a/core/pack0.sig')
  batches.length = 0
  const asked = [1, 2, 3, 4, 5].map((n) => signatures.look(located(n)))
  for (let n = 0; n < 3; n++) {
    await settle()
    giveLater()
  }
  await Promise.all(asked)
  assert.equal(
    batches.map((urls) => urls.length),
    [1, 4],
  )
})

test("one mirror's no is not everybody's: the next one has it, and none has it only where all say so", async () => {
  const { signatures, deadMirrors } = setUp((url) =>
    url.startsWith('http://a') || url.includes('pack2') ? 'absent' : fromMirror(url),
  )
  deadMirrors.answered('http://a/core')
  const [one, two] = await Promise.all([1, 2].map((n) => signatures.look(located(n))))
  assert.is(text(one), 'http://b/core/pack1.sig')
  assert.is(two, 'absent')
})

test('a mirror that has answered and then hangs: peers after 4 s', async () => {
  const { signatures, clock, deadMirrors } = setUp(() => undefined, [{ says: signature('peer') }])
  deadMirrors.answered('http://a/core')
  const found = signatures.look(located(1))
  clock.advance(4_000)
  assert.is(text(await found), 'peer')
})

/** The first transaction of a pacman that asks for signatures. */
async function beginMany(found: ReturnType<typeof setUp>, count: number) {
  await found.signatures.ready(located(0), ROOT)
  const files = Array.from({ length: count }, (_, n) => located(100 + n))
  found.signatures.begin(files, ROOT)
  await settle()
  return files
}
const urlsOf = (mirror: string, numbers: number[]) => numbers.map((n) => `http://${mirror}/core/pack${n}.sig`)
/** The first ten go by themselves (BEFORE_DATABASES). */
const TEN = 10
const upTo = (count: number) => Array.from({ length: count }, (_, n) => 100 + n)

test('more than 25 come from two mirrors that begin at both ends; a slow second one costs nothing', async () => {
  const mirrors = setUp(() => undefined)
  const files = await beginMany(mirrors, TEN + 26)
  const [ten, others] = [upTo(TEN), upTo(TEN + 26).slice(TEN)]
  mirrors.clock.advance(199)
  assert.equal(mirrors.batches, [urlsOf('a', ten)], 'while one curl is at work the rest waits')
  mirrors.clock.advance(1)
  await settle()
  assert.equal(mirrors.batches, [urlsOf('a', ten), urlsOf('a', others), urlsOf('b', [...others].reverse())])
  mirrors.giveLater() // the first one's come first
  for (const [n, file] of files.entries())
    assert.is(text(await mirrors.signatures.ready(file, ROOT)), urlsOf('a', [100 + n])[0])
  const few = setUp(fromMirror)
  await beginMany(few, TEN + 25)
  assert.equal(few.batches, [urlsOf('a', ten), urlsOf('a', others.slice(0, -1))])
})

test('of two mirrors the first to give one counts, and both are left when all have come', async () => {
  const mirrors = setUp((url) => {
    const n = Number(/\d+/.exec(url)![0])
    return url.startsWith('http://a') === n < 123 ? fromMirror(url) : undefined
  })
  const files = await beginMany(mirrors, TEN + 26)
  mirrors.giveLater() // too late: nobody hears of it
  for (const [n, file] of files.entries()) {
    const mirror = n < 23 ? 'a' : 'b'
    assert.is(text(await mirrors.signatures.ready(file, ROOT)), urlsOf(mirror, [100 + n])[0])
  }
  assert.is(mirrors.batches.length, 3)
})

test('of two mirrors one falls silent: the other gives all that it has', async () => {
  const mirrors = setUp((url) => {
    if (url.startsWith('http://a')) return 'silent'
    return url.includes('pack115') ? 'absent' : fromMirror(url)
  })
  const files = await beginMany(mirrors, TEN + 26)
  assert.is(text(await mirrors.signatures.ready(files[10]!, ROOT)), urlsOf('b', [110])[0])
  assert.is(await mirrors.signatures.ready(files[15]!, ROOT), undefined)
})

/** Those of even numbers are in the database of `core`, once that has been read. */
function halfInDatabase() {
  const loads: (() => void)[] = []
  let isRead = false
  const databases: DatabaseSignatures = {
    load: () =>
      new Promise((resolve) => {
        loads.push(() => {
          isRead = true
          resolve()
        })
      }),
    find: (repository, sha256) =>
      isRead && repository === 'core' && Number(sha256) % 2 === 0 ? signature(`own ${sha256}`) : undefined,
  }
  return { databases, loads, read: () => loads.splice(0).forEach((end) => void end()) }
}
const ofCore = (n: number) => ({ ...located(n), repository: 'core' })

test('a long list: ten at once from the mirrors, of the others what the databases don’t carry', async () => {
  const { databases, loads, read } = halfInDatabase()
  const { signatures, batches } = setUp(fromMirror, [], undefined, databases)
  await signatures.ready(located(0), ROOT)
  const files = upTo(20).map(ofCore)
  signatures.begin(files, ROOT)
  assert.equal(batches, [urlsOf('a', upTo(10))])
  assert.is(loads.length, 1)
  const waits = signatures.ready(files[12]!, ROOT)
  await settle()
  read()
  assert.is(text(await waits), 'own 112')
  assert.equal(batches[1], urlsOf('a', [111, 113, 115, 117, 119]))
  assert.is(text(await signatures.ready(files[13]!, ROOT)), urlsOf('a', [113])[0])
  assert.is(text(await signatures.ready(files[14]!, ROOT)), 'own 114')
  assert.is(batches.length, 2)
})

test('a list of ten is not worth reading the databases for', async () => {
  const { databases, loads } = halfInDatabase()
  const { signatures } = setUp(fromMirror, [], undefined, databases)
  await signatures.ready(located(0), ROOT)
  signatures.begin(upTo(10).map(ofCore), ROOT)
  assert.is(loads.length, 0)
})

test('several questions by CacheServer at a time: from then on what the databases carry, without any mirror', async () => {
  const { databases, loads, read } = halfInDatabase()
  const { signatures, deadMirrors, batches } = setUp(() => undefined, [], undefined, databases)
  deadMirrors.answered('http://a/core')
  void signatures.look(ofCore(1))
  assert.is(loads.length, 0)
  void signatures.look(ofCore(3))
  read()
  const before = batches.length
  assert.is(text(await signatures.look(ofCore(4))), 'own 4')
  deadMirrors.failed('http://a/core')
  deadMirrors.failed('http://b/core')
  assert.is(text(await signatures.look(ofCore(6))), 'own 6')
  assert.is(batches.length, before)
})

test('a page instead of a signature is no answer of a mirror', async () => {
  const { signatures, deadMirrors } = setUp(
    () => ({ bytes: Buffer.from('<html>') }),
    [{ says: signature('peer') }],
  )
  assert.is(text(await signatures.look(located(1))), 'peer')
  assert.ok(located(1).mirrors.every(deadMirrors.isDead))
})

test('peers are not asked when a mirror says that there is none', async () => {
  const { signatures, asked } = setUp(
    (url) => (url.startsWith('http://a') ? 'silent' : 'absent'),
    [{ says: signature('peer') }],
  )
  assert.is(await signatures.look(located(1)), 'absent')
  assert.equal(asked, [])
})

test('three mirrors at most are asked at once, and silence of all for 4 s sends on to the peers', async () => {
  const { signatures, batches, clock } = setUp(() => undefined, [{ says: signature('peer') }])
  const found = signatures.look(located(1, ['http://a', 'http://b', 'http://c', 'http://d']))
  assert.is(batches[0]!.length, 3)
  clock.advance(4_000)
  assert.is(text(await found), 'peer')
})

test('three holders are asked, near ones first, and what most of them say is taken', async () => {
  const { signatures, asked } = setUp(
    () => 'silent',
    [
      { says: signature('far'), far: true },
      { says: signature('false') },
      { says: signature('part'), partial: true },
      { says: signature('true') },
      { says: signature('true') },
    ],
  )
  assert.is(text(await signatures.look(located(1))), 'true')
  assert.equal(asked.sort(), [1, 3, 4])
})

test('who refuses, hangs or sends what is no signature keeps nobody else from answering', async () => {
  const { signatures, clock } = setUp(() => 'silent', [{}, { hangs: true }, { says: signature('peer') }])
  const found = signatures.look(located(1))
  await settle()
  clock.advance(3_000)
  assert.is(text(await found), 'peer')
  const garbage = setUp(() => 'silent', [{ says: Buffer.from('garbage') }])
  assert.is(await garbage.signatures.look(located(1)), undefined)
})

const dear = (verdict: SignatureVerdict) => (said: string) => (said === 'true' ? verdict : 'bad')
const peersWithBoth = [{ says: signature('false') }, { says: signature('true') }]

test('a slow mirror: what gpgv found good comes from a peer after 200 ms, the next at once', async () => {
  const { signatures, clock, asked } = setUp(() => undefined, peersWithBoth, dear('good'))
  signatures.begin([located(1), located(2)], ROOT)
  const first = signatures.ready(located(1), ROOT)
  await settle()
  clock.advance(199)
  await settle()
  assert.equal(asked, [])
  clock.advance(1)
  assert.is(text(await first), 'true')
  const second = signatures.ready(located(2), ROOT)
  clock.advance(0)
  assert.is(text(await second), 'true')
  const found = signatures.look(located(3))
  clock.advance(0)
  assert.is(text(await found), 'true')
})

test('a slow mirror is waited for where nothing can be verified', async () => {
  const { signatures, clock, giveLater } = setUp(() => undefined, peersWithBoth, dear('unknown'))
  signatures.begin([located(1)], ROOT)
  const first = signatures.ready(located(1), ROOT)
  await settle()
  clock.advance(1_500)
  await settle()
  giveLater()
  assert.is(text(await first), 'http://a/core/pack1.sig')
})

test('a false signature is never handed over, though no mirror answers and most peers give it', async () => {
  const most = [{ says: signature('false') }, { says: signature('false') }]
  const { signatures } = setUp(() => 'silent', most, dear('good'))
  assert.is(await signatures.look(located(1)), undefined)
  const { signatures: others } = setUp(
    () => 'silent',
    [...most, { says: signature('true') }],
    dear('unknown'),
  )
  assert.is(text(await others.look(located(1))), 'true')
})

test("what came by one caller's proxy is given to no other, nor to CacheServer", async () => {
  const { signatures, batches } = setUp(fromMirror)
  signatures.begin([located(1)], EVIL)
  assert.is(await signatures.ready(located(1), ROOT), undefined)
  assert.equal(batches, [])
  assert.ok(await signatures.ready(located(1), EVIL))
  signatures.begin([located(2)], EVIL)
  assert.ok(await signatures.look(located(2)))
  assert.is(batches.length, 3)
})

const transaction = (pid: number, environment = {}) => ({ environment, transaction: `${pid} 100` })

for (const [who, user] of [
  ['with a proxy of its own', transaction(8, { http_proxy: 'http://evil' })],
  ['of the same environment', transaction(8)],
] as const) {
  test(`a user’s list, ${who}, drops nothing of what root’s pacman has ahead`, async () => {
    const { signatures, batches } = setUp(fromMirror)
    const root = transaction(7)
    const files = [1, 2, 3].map((n) => located(n))
    signatures.begin(files, root)
    signatures.begin([], user)
    await signatures.ready(located(9), user)
    signatures.begin([located(8)], user)
    assert.is(text(await signatures.ready(files[0]!, root)), 'http://a/core/pack1.sig')
    signatures.begin([], user)
    for (const [n, file] of files.slice(1).entries()) {
      assert.is(await signatures.ready(file, user), undefined, 'nor has the user any of it')
      assert.is(text(await signatures.ready(file, root)), `http://a/core/pack${n + 2}.sig`)
    }
    const mine = batches.filter((urls) => urls.includes('http://a/core/pack1.sig'))
    assert.equal(mine, [[1, 2, 3].map((n) => `http://a/core/pack${n}.sig`)])
  })
}

test('a user’s two thousand signatures on their way don’t stand before root’s', async () => {
  const { signatures } = setUp((url) =>
    /pack\d$/.test(url.replace('.sig', '')) ? fromMirror(url) : undefined,
  )
  const [root, user] = [transaction(7), transaction(8)]
  await signatures.ready(located(0), user)
  for (const from of [100, 1_100, 2_100]) {
    signatures.begin(
      Array.from({ length: 1_000 }, (_, n) => located(from + n)),
      user,
    )
    await signatures.ready(located(0), user)
  }
  signatures.begin([located(1)], root)
  assert.is(text(await signatures.ready(located(1), root)), 'http://a/core/pack1.sig')
})

test.run()
