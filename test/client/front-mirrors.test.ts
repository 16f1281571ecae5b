/** The front's own fetching from mirrors: databases, signatures, other mirrors, every scheme. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { tarEntry } from '../pacman/make.ts'
import { installFront } from './front-program.ts'
import { createFtpServer } from './ftp-server.ts'

const test = suite('front and mirrors')
const dir = mkdtempSync(join(tmpdir(), 'pacsrv-mirrors-'))
const front = installFront(dir)
const sync = join(dir, 'sync')
const bin = join(dir, 'bin')
const conf = join(dir, 'pacsrv.conf')
const pacmanConf = join(dir, 'pacman.conf')
const socket = join(dir, 'own.sock')
/** A database as far as it is looked at, and a signature likewise. */
const PRESENT = Buffer.concat([tarEntry('x-1-1/desc', 'what is there'), Buffer.alloc(1024)]).toString(
  'latin1',
)
const SIGNATURE = '\x89 what is there'
const presentOf = (name: string) => (name.endsWith('.sig') ? SIGNATURE : PRESENT)
const OLD = new Date('2019-06-01T00:00:00Z')
const NEW = new Date('2019-06-02T00:00:00Z')

interface Asked {
  path: string
  headers: IncomingHttpHeaders
}
let asked: Asked[] = []
/** Path to content, or to the status that is answered instead. */
let files: Record<string, string | number> = {}
let modified = NEW
let whileAsked = () => {}
let mirror: Server
let second: Server
let daemon: Server | undefined

function createMirror(): Server {
  return createServer(({ url, headers }, response) => {
    asked.push({ path: url!, headers })
    whileAsked()
    const file = files[url!] ?? 404
    if (typeof file === 'number') return void response.writeHead(file).end('a page')
    if (Date.parse(headers['if-modified-since'] ?? '') >= modified.getTime())
      return void response.writeHead(304).end()
    response.writeHead(200, { 'Last-Modified': modified.toUTCString(), 'Content-Length': file.length })
    response.end(file)
  }).listen(0, '127.0.0.1')
}
const portOf = (server: Server) => (server.address() as AddressInfo).port
const server = () => `http://127.0.0.1:${portOf(mirror)}/core`
const other = () => `http://127.0.0.1:${portOf(second)}/other`
const DEAD = 'http://127.0.0.1:1/core'

/** What pacman-conf says: each repository's lines. */
function configure(repositories: Record<string, string[]>, level = ['PackageRequired', 'DatabaseOptional']) {
  const lines = [
    '[options]',
    ...level.map((word) => `SigLevel = ${word}`),
    ...Object.entries(repositories).flatMap(([name, own]) => [`[${name}]`, 'Usage = All', ...own]),
  ]
  writeFileSync(pacmanConf, `${lines.join('\n')}\n`)
}

test.before(async () => {
  mkdirSync(bin)
  // The front's parent, with pacman's command line; and what tells its configuration.
  const pacman = `#!/bin/sh\n${front} --config ${conf} "$URL" "$OUT"\nexit $?\n`
  writeFileSync(join(bin, 'pacman'), pacman, { mode: 0o755 })
  writeFileSync(join(bin, 'pacman-conf'), '#!/bin/sh\n[ "$1" = --config ] && cat "$2"\n', { mode: 0o755 })
  mirror = createMirror()
  second = createMirror()
  await Promise.all([once(mirror, 'listening'), once(second, 'listening')])
})
test.before.each(() => {
  rmSync(sync, { recursive: true, force: true })
  mkdirSync(join(sync, 'download-abcdef'), { recursive: true })
  writeFileSync(conf, `[server]\nsocket = ${socket}\n`)
  asked = []
  files = {}
  modified = NEW
  whileAsked = () => {}
  configure({ core: [`Server = ${server()}`] })
})
test.after.each(() => {
  daemon?.closeAllConnections()
  daemon?.close()
  daemon = undefined
})
test.after(() => {
  for (const each of [mirror, second]) {
    each.closeAllConnections()
    each.close()
  }
  rmSync(dir, { recursive: true, force: true })
})

const PARENT = ['-Sy', '--config', pacmanConf]
const SEVEN = 'download-abcdef/'

interface Run {
  url?: string
  /** Where it goes, under sync. */
  out?: string
  words?: string[]
  env?: Record<string, string>
}

async function run({ url = `${server()}/core.db`, out, words = PARENT, env = {} }: Run = {}) {
  const target = join(sync, out ?? `${url.split('/').at(-1)}.part`)
  const child = spawn(join(bin, 'pacman'), words, {
    env: { PATH: `${bin}:${process.env.PATH}`, URL: url, OUT: target, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data))
  const [status] = await once(child, 'close')
  const left = readdirSync(sync, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.\d+\.(answer\.)?part$/.test(name),
  )
  assert.equal(left, [], 'a temporary file is left')
  const content = existsSync(target) ? readFileSync(target, 'latin1') : undefined
  return { status, said, content, mtime: content === undefined ? undefined : statSync(target).mtime }
}

function havePresent(name = 'core.db', content = presentOf(name), mtime = OLD) {
  writeFileSync(join(sync, name), content, 'latin1')
  utimesSync(join(sync, name), mtime, mtime)
}
const conditions = () => asked.map(({ headers }) => headers['if-modified-since'])

for (const [pacman, folder] of [
  ['6', ''],
  ['7', SEVEN],
] as const) {
  for (const name of ['core.db', 'core.files', 'core.db.sig']) {
    test(`pacman ${pacman}: ${name} that hasn't changed is not fetched again, and keeps its time`, async () => {
      files[`/core/${name}`] = 'what the mirror has'
      havePresent(name, presentOf(name), NEW)
      const { status, content, mtime, said } = await run({
        url: `${server()}/${name}`,
        out: `${folder}${name}.part`,
      })
      assert.equal([status, content, mtime], [0, presentOf(name), NEW])
      assert.equal(conditions(), [NEW.toUTCString()])
      assert.is(said, `${name}: up to date\n`)
    })
  }

  test(`pacman ${pacman}: a database that has changed is fetched whole, with the server's time`, async () => {
    files['/core/core.db'] = 'newer'
    havePresent()
    writeFileSync(join(sync, `${folder}core.db.part`), 'half of an older one')
    const { status, content, mtime, said } = await run({ out: `${folder}core.db.part` })
    assert.equal([status, content, mtime, said], [0, 'newer', NEW, 'core.db: 5 B from the mirror\n'])
    assert.equal(conditions(), [OLD.toUTCString()])
    assert.is(asked[0]!.headers.range, undefined)
  })
}

test("a copy whose time is later than the server's stays, as with libalpm", async () => {
  files['/core/core.db'] = 'of the mirror'
  const later = new Date(Date.now() + 86_400_000)
  later.setMilliseconds(0)
  havePresent('core.db', PRESENT, later)
  const { content, mtime } = await run()
  assert.equal([content, mtime], [PRESENT, later])
})

test('a mirror that ignores the condition and has nothing newer: its bytes are not taken', async () => {
  files['/core/core.db'] = 'of the mirror'
  modified = OLD
  havePresent('core.db', PRESENT, NEW)
  const { content } = await run()
  assert.is(content, PRESENT)
})

test('no condition for an empty copy, for packages, and where pacman does not ask', async () => {
  files = { '/core/core.db': 'all', '/core/x-1-1-any.pkg.tar.zst': 'all' }
  havePresent('core.db', '')
  havePresent('x-1-1-any.pkg.tar.zst')
  await run()
  await run({ url: `${server()}/x-1-1-any.pkg.tar.zst` })
  havePresent('core.db')
  await run({ out: 'core.db' })
  assert.equal(conditions(), [undefined, undefined, undefined])
})

for (const [words, forced] of [
  [['-Syy'], true],
  [['-Syyu', 'x'], true],
  [['-Fyy'], true],
  [['-Sy', '-y'], true],
  [['-S', '--refresh', '--refresh'], true],
  [['-Sy', '--refresh'], true],
  [['-Sy'], false],
  [['-Sy', '--sysupgrade', 'yy', '--config', '/y/yy', '-b/yy'], false],
  [['-S', 'y', 'y'], false],
] as const) {
  test(`pacman 7 with ${words.join(' ')}: ${forced ? 'all is fetched' : 'only what is newer'}`, async () => {
    files['/core/core.db'] = 'of the mirror'
    havePresent('core.db', PRESENT, NEW)
    const { content } = await run({ out: `${SEVEN}core.db.part`, words: [...words] })
    assert.is(content, forced ? 'of the mirror' : PRESENT)
  })
}

const PACKAGE = 'x-1:2-1-any.pkg.tar.zst'
for (const [name, level, dropped] of [
  ['core.db.sig', ['DatabaseOptional', 'PackageRequired'], true],
  ['core.files.sig', ['DatabaseOptional', 'PackageRequired'], true],
  ['core.db.sig', ['DatabaseRequired', 'PackageOptional'], false],
  [`${PACKAGE}.sig`, ['DatabaseRequired', 'PackageOptional'], true],
  [`${PACKAGE}.sig`, ['DatabaseOptional', 'PackageRequired'], false],
  ['core.db', ['DatabaseOptional', 'PackageOptional'], false],
  [PACKAGE, ['DatabaseOptional', 'PackageOptional'], false],
] as const) {
  test(`pacman 7, ${name} that is not there, ${level.join(' ')}: ${dropped ? 'an empty file' : 'a failure'}`, async () => {
    configure({ core: [`Server = ${server()}`] }, [...level])
    const { status, content } = await run({ url: `${server()}/${name}`, out: `${SEVEN}${name}.part` })
    assert.equal([status, content], dropped ? [0, ''] : [22, undefined])
  })
}

test("a package's signature that one mirror can't give comes from another, required or not", async () => {
  const name = `${PACKAGE}.sig`
  for (const level of ['PackageRequired', 'PackageOptional']) {
    for (const status of level === 'PackageRequired' ? [403, 404, 503] : [403, 503]) {
      configure({ core: [`Server = ${server()}`, `Server = ${other()}`] }, [level, 'DatabaseOptional'])
      files = { [`/core/${name}`]: status, [`/other/${name}`]: 'of the second' }
      const { content } = await run({ url: `${server()}/${name}`, out: `${SEVEN}${name}.part` })
      assert.is(content, 'of the second', `${level} ${status}`)
    }
    files[`/other/${name}`] = 403
    files[`/core/${name}`] = 403
    assert.is((await run({ url: `${server()}/${name}`, out: `${SEVEN}${name}.part` })).status, 22, level)
  }
})

test("the repository's own SigLevel counts", async () => {
  const run7 = () => run({ url: `${server()}/core.db.sig`, out: `${SEVEN}core.db.sig.part` })
  configure({ core: [`Server = ${server()}`, 'SigLevel = DatabaseRequired'] }, ['DatabaseOptional'])
  assert.is((await run7()).status, 22)
  configure({ core: ['SigLevel = DatabaseOptional', `Server = ${server()}/`] }, ['DatabaseRequired'])
  assert.is((await run7()).status, 0)
})

test('a missing signature is a failure elsewhere, where one was before, and where nothing is known', async () => {
  const url = `${server()}/core.db.sig`
  const out = `${SEVEN}core.db.sig.part`
  assert.is((await run({ url })).status, 22)
  assert.is((await run({ url, out, words: ['-Sy', '--config', 'relative.conf'] })).status, 22)
  assert.is((await run({ url, out, words: ['-Sy'] })).status, 22)
  for (const status of [503, 403, 404]) {
    files['/core/core.db.sig'] = status
    assert.is((await run({ url, out })).status, 0, `${status}`)
  }
  havePresent('core.db.sig')
  assert.is((await run({ url, out })).status, 22)
})

test("no daemon, and the mirror is dead: the repository's others are tried, in pacman's order", async () => {
  configure({
    extra: [`Server = ${server()}`],
    core: [`Server = ${DEAD}`, 'Server = http://127.0.0.1:2/core', `Server = ${other()}/`],
  })
  files['/other/core.db'] = 'of the third'
  const { status, content, said } = await run({ url: `${DEAD}/core.db` })
  assert.equal([status, content, said], [0, 'of the third', 'core.db: 12 B from the mirror\n'])
  files['/core/core.db'] = 'of the second repository'
  assert.is((await run({ url: `${server()}/core.db` })).content, 'of the second repository')
})

test('all fail: one line with the first cause, and its status', async () => {
  configure({ core: [`Server = ${DEAD}`, `Server = ${other()}`] })
  const { status, said } = await run({ url: `${DEAD}/core.db` })
  assert.is(status, 7)
  assert.match(said, /^pacsrv-xfer: core\.db: Failed to connect [^\n]*\n$/)
  assert.equal(
    asked.map(({ path }) => path),
    ['/other/core.db'],
  )
})

/** A curl that gives up where its patience is less than `$ENOUGH`; each call's patience goes to a file. */
function hastyCurl() {
  const hasty = join(dir, 'hasty')
  const log = join(dir, 'hasty.log')
  mkdirSync(hasty, { recursive: true })
  rmSync(log, { force: true })
  const words = `#!/bin/sh
PATH=\${PATH#*:}
case $* in
*unix-socket*) exec curl "$@" ;;
esac
patience=\${*#*--speed-time }
patience=\${patience%% *}
echo "$patience" >>${log}
[ "$patience" -lt "$ENOUGH" ] || exec curl "$@"
printf '\\npacsrv 000 0 10.1 %s Operation too slow\\n' "$CONNECTED"
exit 28
`
  writeFileSync(join(hasty, 'curl'), words, { mode: 0o755 })
  return async (name: string, { connected = '0.020000', enough = 20 } = {}) => {
    rmSync(log, { force: true })
    files[`/core/${name}`] = 'late'
    const { status, content } = await run({
      url: `${server()}/${name}`,
      out: `${name}.part`,
      env: { PATH: `${hasty}:${bin}:${process.env.PATH}`, CONNECTED: connected, ENOUGH: `${enough}` },
    })
    return { status, content, patience: readFileSync(log, 'utf8').trim().split('\n').map(Number) }
  }
}
test('a package that a mirror is too slow with is asked for once more, with twice the patience', async () => {
  const fetch = hastyCurl()
  assert.equal(await fetch(PACKAGE), { status: 0, content: 'late', patience: [10, 20] })
  assert.equal((await fetch(PACKAGE, { enough: 30 })).patience, [10, 20])
  assert.equal((await fetch(PACKAGE, { connected: '0.000000' })).patience, [10], 'nobody took the call')
  assert.equal((await fetch('core.db')).patience, [10], 'a database')
})

test('the only mirror, for which the daemon has waited, is asked once, with twice the patience', async () => {
  await createDaemon(`${server()}/${PACKAGE}\n`)
  const fetch = hastyCurl()
  assert.equal(await fetch(PACKAGE), { status: 0, content: 'late', patience: [20] })
  assert.equal((await fetch(PACKAGE, { enough: 30 })).patience, [20])
})

test('where pacman has no time-outs, there are none at last', async () => {
  configure({ core: [`Server = ${server()}`] }, ['PackageRequired\nDisableDownloadTimeout'])
  const fetch = hastyCurl()
  for (const name of [PACKAGE, 'core.db']) {
    assert.equal(await fetch(name, { enough: 86_400 }), {
      status: 0,
      content: 'late',
      patience: [10, 86_400],
    })
  }
})

test("the URL of a second server is that server's business alone: pacman has been through the first", async () => {
  configure({ core: [`Server = ${other()}`, `Server = ${DEAD}`, `Server = ${server()}`] })
  files = { '/other/core.db': 'of the first', '/core/core.db': 'of the third' }
  assert.is((await run({ url: `${DEAD}/core.db` })).status, 7)
  assert.equal(asked, [])
})

/** A daemon that answers /v1/mirrors so; what it was asked. */
async function createDaemon(mirrors: string): Promise<string[]> {
  const calls: string[] = []
  daemon = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
    calls.push(`${request.method} ${pathname} ${searchParams.get('url')}`)
    if (pathname === '/v1/mirrors') response.end(mirrors)
    else response.writeHead(204).end()
  }).listen(socket)
  await once(daemon, 'listening')
  return calls
}

test("the daemon says in which order pacman's servers are asked, and is told who failed", async () => {
  configure({ core: [`Server = ${server()}`, `Server = ${other()}`, `Server = ${DEAD}`] })
  const calls = await createDaemon(`${DEAD}/core.db\n${other()}/core.db\n${server()}/core.db\n`)
  files = { '/core/core.db': 'of the first', '/other/core.db': 503 }
  const { status, content } = await run()
  assert.equal([status, content], [0, 'of the first'])
  assert.equal(calls, [
    `GET /v1/mirrors ${server()}/core.db`,
    `POST /v1/mirror-failed ${DEAD}/core.db`,
    `POST /v1/mirror-failed ${other()}/core.db`,
  ])
})

test("a daemon's word leads to no file and to no host that pacman's configuration doesn't name", async () => {
  const secret = join(dir, 'secret')
  writeFileSync(secret, 'of root')
  files = { '/other/core.db': 'of a stranger', '/core/core.db': 'of the mirror' }
  const lies = Array.from({ length: 400 }, (_, n) => `${other()}/${n}.db`)
  await createDaemon([`file://${secret}`, `${other()}/core.db`, ...lies, `${server()}/core.db`].join('\n'))
  assert.is((await run()).content, 'of the mirror')
  assert.is((await run({ words: ['-Sy'] })).content, 'of the mirror')
  assert.equal([...new Set(asked.map(({ path }) => path))], ['/core/core.db'])
})

test('of a long list of mirrors twenty are tried: pacman asks the next server by itself', async () => {
  configure({
    core: [
      `Server = ${server()}`,
      ...Array(40)
        .fill(0)
        .map((_, n) => `Server = ${other()}/${n}`),
    ],
  })
  assert.is((await run()).status, 22)
  assert.is(asked.length, 20)
})

test('what a server says is told as text', async () => {
  const evil = `a\x1b]0;owned\x07b-1-1-any.pkg.tar.zst`
  const { status, said } = await run({ url: `${server()}/${evil}`, out: 'x.part' })
  assert.is(status, 3)
  assert.not.match(said, /[\x00-\x09\x0b-\x1f]/)
})

const BOTH = { '/core/core.db': 'of the first', '/core/core.db.sig': 'sig of the first' }
const OTHERS = { '/other/core.db': 'of the second', '/other/core.db.sig': 'sig of the second' }
for (const folder of ['', SEVEN]) {
  const fetch = async (name: string) => {
    const url = `${server()}/${name}`
    return run({ url, out: `${folder}${name}.part` })
  }
  const left = () =>
    readdirSync(join(sync, folder)).filter((name) => !/^core\.db(\.sig)?\.part$|^download/.test(name))

  test(`${folder || 'sync'}: a database and its signature come from one mirror`, async () => {
    configure({ core: [`Server = ${server()}`, `Server = ${other()}`] })
    files = { ...BOTH, ...OTHERS, '/core/core.db': 503 }
    assert.is((await fetch('core.db')).content, 'of the second')
    assert.is((await fetch('core.db.sig')).content, 'sig of the second')
    assert.equal(left(), [])
    files = { ...BOTH, ...OTHERS }
    assert.is((await fetch('core.db')).content, 'of the first')
    assert.is((await fetch('core.db.sig')).content, 'sig of the first')
  })

  test(`${folder || 'sync'}: a signature that the mirror of its database can't give comes from no other`, async () => {
    configure({ core: [`Server = ${server()}`, `Server = ${other()}`] })
    files = { ...BOTH, ...OTHERS, '/core/core.db.sig': 503 }
    assert.is((await fetch('core.db')).content, 'of the first')
    const { status, content } = await fetch('core.db.sig')
    assert.equal([status, content], folder === SEVEN ? [0, ''] : [22, undefined])
    assert.equal(left(), [])
  })
}

test('where databases are not signed nothing is noted of where they came from', async () => {
  configure({ core: [`Server = ${DEAD}`, `Server = ${other()}`] }, ['DatabaseNever'])
  files = { ...OTHERS }
  assert.is((await run({ url: `${DEAD}/core.db` })).content, 'of the second')
  assert.equal(readdirSync(sync).sort(), ['core.db.part', 'download-abcdef'])
})

for (const [what, content] of [
  ["a hotspot's page", '<html>Welcome! Please log in.</html>'],
  ['what is no archive', 'x'.repeat(2000)],
  ['an archive with no packages', Buffer.alloc(10240).toString('latin1')],
] as const) {
  test(`${what} in a database's place: its time tells nothing, and it is fetched anew`, async () => {
    files = { '/core/core.db': 'of the mirror', '/core/core.db.sig': 'a signature' }
    havePresent('core.db', content, new Date(NEW.getTime() + 86_400_000))
    havePresent('core.db.sig', content, new Date(NEW.getTime() + 86_400_000))
    assert.is((await run()).content, 'of the mirror')
    assert.is((await run({ url: `${server()}/core.db.sig` })).content, 'a signature')
    assert.equal(conditions(), [undefined, undefined])
  })
}

test('a name as long as a file system takes it', async () => {
  const name = `${'n'.repeat(248 - '-1-1-any.pkg.tar.zst'.length)}-1-1-any.pkg.tar.zst`
  files[`/core/${name}`] = 'long'
  configure({ core: [`Server = ${DEAD}`, `Server = ${server()}`] })
  assert.equal((await run({ url: `${DEAD}/${name}` })).content, 'long')
})

test('a full disk is said to be one, and no other mirror is asked for it', async () => {
  const full = join(dir, 'full')
  mkdirSync(full)
  // As on a full disk: df tells of no room, and curl can't write.
  writeFileSync(join(full, 'df'), '#!/bin/sh\necho Filesystem\necho x 1000 1000 0 100% /\n', { mode: 0o755 })
  writeFileSync(join(full, 'curl'), '#!/bin/sh\nexit 23\n', { mode: 0o755 })
  configure({ core: [`Server = ${server()}`, `Server = ${other()}`] })
  const { status, said } = await run({ env: { PATH: `${full}:${bin}:${process.env.PATH}` } })
  assert.is(status, 1)
  assert.match(
    said,
    /^pacsrv-xfer: core\.db: no room is left in .*\/sync\/: make some, for example with paccache -r\n$/,
  )
})

test("a mirror that answers 404 is not told of as dead, and a daemon of before isn't needed", async () => {
  const calls: string[] = []
  daemon = createServer((request, response) => {
    calls.push(request.url!.split('?')[0]!)
    response.writeHead(404).end()
  }).listen(socket)
  await once(daemon, 'listening')
  configure({ core: [`Server = ${server()}`, `Server = ${other()}`] })
  files['/other/core.db'] = 'of the second'
  assert.is((await run()).content, 'of the second')
  assert.equal(calls, ['/v1/mirrors'])
})

test('half an answer of a daemon that hangs is none: the URL itself is asked', async () => {
  daemon = createServer((_, response) => {
    response.writeHead(200, { 'Content-Length': 100 }).write('http://127.')
  }).listen(socket)
  await once(daemon, 'listening')
  files['/core/core.db'] = 'all'
  assert.is((await run()).content, 'all')
})

test('a signature that no mirror answers for: the daemon asks peers; a mirror that has none has answered', async () => {
  const calls: string[] = []
  const name = `${PACKAGE}.sig`
  daemon = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
    calls.push(pathname)
    if (pathname === '/v1/mirrors') response.end(`${searchParams.get('url')}\n`)
    else if (pathname === '/v1/signature') response.end(`for ${searchParams.get('url')}`)
    else response.writeHead(404).end()
  }).listen(socket)
  await once(daemon, 'listening')
  const { status, content } = await run({ url: `${DEAD}/${name}` })
  assert.equal([status, content], [0, `for ${DEAD}/${name}`])
  assert.equal(calls, ['/v1/file', '/v1/mirrors', '/v1/mirror-failed', '/v1/signature'])
  rmSync(join(sync, `${name}.part`))
  calls.length = 0
  const absent = await run({ url: `${server()}/${name}` })
  assert.equal([absent.status, absent.content], [22, undefined])
  assert.equal(calls, ['/v1/file', '/v1/mirrors'])
})

test("a password in a URL is sent; it is in no command line but the front's and pacman's, and in no line said", async () => {
  const url = `${server().replace('//', '//anna:s\\e"cret@')}/core.db`
  let others: string[] = []
  whileAsked = () => {
    others = readdirSync('/proc')
      .filter((name) => Number(name) > 0)
      .flatMap((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        } catch {
          return []
        }
      })
      .filter((line) => line.includes('cret@') && !/pacsrv-(xfer|mirrors)/.test(line))
  }
  files['/core/core.db'] = 'all'
  const { status, said } = await run({ url })
  assert.is(status, 0)
  assert.is(asked[0]!.headers.authorization, `Basic ${Buffer.from('anna:s\\e"cret').toString('base64')}`)
  assert.equal(others, [])
  files = {}
  const failed = await run({ url })
  assert.not.match(said + failed.said, 'cret')
})

test("pacman's user agent and the proxy variables are kept", async () => {
  const proxied = 'http://mirror.invalid/core/core.db'
  files[proxied] = 'by the proxy'
  const env = {
    HTTP_USER_AGENT: 'pacman/7.0.0 (Linux x86_64)',
    http_proxy: `http://127.0.0.1:${portOf(mirror)}`,
  }
  const { content } = await run({ url: proxied, env })
  assert.is(content, 'by the proxy')
  assert.is(asked[0]!.headers['user-agent'], env.HTTP_USER_AGENT)
})

test('file:// is read without asking anybody', async () => {
  daemon = createServer(() => assert.unreachable()).listen(socket)
  await once(daemon, 'listening')
  const folder = join(dir, 'files')
  mkdirSync(folder, { recursive: true })
  for (const name of ['core.db', PACKAGE]) {
    writeFileSync(join(folder, name), 'of the disk')
    utimesSync(join(folder, name), NEW, NEW)
    const { status, content, mtime } = await run({ url: `file://${folder}/${name}` })
    assert.equal([status, content, mtime], [0, 'of the disk', NEW])
  }
  havePresent('core.db', PRESENT, NEW)
  assert.is((await run({ url: `file://${folder}/core.db` })).content, PRESENT)
  configure({ core: [`Server = file://${folder}`] })
  const missing = `file://${folder}/core.db.sig`
  assert.is((await run({ url: missing, out: `${SEVEN}core.db.sig.part` })).status, 0)
  assert.is((await run({ url: missing })).status, 37)
})

test('ftp:// is read, with its time; a signature that is not there', async () => {
  const ftp = createFtpServer(Buffer.from('by ftp'), '20190602000000').listen(0, '127.0.0.1')
  await once(ftp, 'listening')
  try {
    const base = `ftp://127.0.0.1:${(ftp.address() as AddressInfo).port}/core`
    const { status, content, mtime } = await run({ url: `${base}/core.db` })
    assert.equal([status, content, mtime], [0, 'by ftp', NEW])
    havePresent('core.db', PRESENT, NEW)
    assert.is((await run({ url: `${base}/core.db` })).content, PRESENT)
    configure({ core: [`Server = ${base}`] })
    const missing = await run({ url: `${base}/missing.db.sig`, out: `${SEVEN}missing.db.sig.part` })
    assert.equal([missing.status, missing.content], [0, ''])
  } finally {
    ftp.close()
  }
})

for (const columns of [80, 40] as const) {
  test(`another mirror than the first, a terminal of ${columns} columns: the same bar, and none for what is up to date`, async () => {
    configure({ core: [`Server = ${DEAD}`, `Server = ${server()}`] })
    files = { '/core/core.db': 'all', '/core/core.db.sig': 'a signature' }
    const inTerminal = async () => {
      const words = `stty cols ${columns}; exec ${join(bin, 'pacman')} ${PARENT.join(' ')}`
      const env = {
        PATH: `${bin}:${process.env.PATH}`,
        URL: `${DEAD}/core.db`,
        OUT: join(sync, 'core.db.part'),
      }
      const child = spawn('script', ['-qec', words, '/dev/null'], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let said = ''
      child.stdout.on('data', (data) => (said += data))
      await once(child, 'close')
      return said.replace(/ {2} *[\d.]+ +\w+\/s \d\d:\d\d/, '  9.99')
    }
    const bar = columns === 80 ? '  9.99 [######################]' : ''
    assert.is(await inTerminal(), ` ${'core'.padEnd(columns === 80 ? 20 : 21)}    3.0   B${bar} 100%\r\n`)
    havePresent('core.db', PRESENT, NEW)
    assert.is(await inTerminal(), ' core is up to date\r\n')
  })
}

/** Compiled where this machine has the sources of locales (Debian: locales); a locale that isn't there is C's. */
const LOCALES = join(dir, 'locales')
for (const locale of ['de_DE', 'tr_TR']) {
  mkdirSync(LOCALES, { recursive: true })
  spawnSync('localedef', ['-i', locale, '-f', 'UTF-8', join(LOCALES, `${locale}.UTF-8`)])
}

for (const locale of ['de_DE.UTF-8', 'tr_TR.UTF-8']) {
  test(`in ${locale}: other mirrors are found, and what is said is text`, async () => {
    const env = { LOCPATH: LOCALES, LC_ALL: locale }
    configure({ core: [`Server = ${DEAD}`, `Server = ${server()}`] })
    files = { '/core/I-%C4%B1-1-1-any.pkg.tar.zst': 'found' }
    const url = `${DEAD}/I-%C4%B1-1-1-any.pkg.tar.zst`
    const found = await run({ url, out: 'I.part', env })
    assert.equal([found.status, found.content], [0, 'found'])
    files = { '/core/core.db': 404 }
    const missing = await run({ url: `${server()}/ünI.db`, out: 'I.db.part', env })
    assert.match(missing.said, /^pacsrv-xfer: \?+nI\.db: [\x20-\x7e]+\n$/)
  })
}

test.run()
