/** The sh front from outside: a fake node that says how it was called, a daemon's socket and a mirror of this process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const PACKAGE = 'some-1:2-1-any.pkg.tar.zst'
const TOOLS = [
  'sh',
  'curl',
  'sed',
  'rm',
  'mv',
  'cp',
  'cat',
  'stty',
  'dirname',
  'readlink',
  'sleep',
  'env',
  'echo',
  'tr',
  'awk',
]
/** What the fake node does when it is called as the client: arguments are CONFIG SOCKET START URL TMP NAME. */
const NODE = `#!/bin/sh
printf '%s\\n' "$@" >"$LOG"
case $DOES in
give) echo 'from peers' >"$6" ;;
half) echo half >"$6"; exit 75 ;;
mismatch) echo wrong >"$6"; exit 65 ;;
hang) echo half >"$6"; echo started; exec sleep 20 ;;
crash) kill -SEGV $$ ;;
esac
exit "\${STATUS:-0}"
`
/** Whoever the test says. */
const ID = `#!/bin/sh
case $1 in -u) echo "\${ID_NUMBER:-0}" ;; *) echo "\${ID_NAME:-root}" ;; esac
`

const test = suite('front')
const dir = mkdtempSync(join(tmpdir(), 'pacsrv-front-'))
const bin = join(dir, 'bin')
const lib = join(dir, 'lib')
const cache = join(dir, 'cache')
const conf = join(dir, 'pacsrv.conf')
const socket = join(dir, 'own.sock')
const log = join(dir, 'log')
const asked: string[] = []
let mirror: Server
let mirrorUrl: string
let daemon: Server | undefined

test.before(async () => {
  for (const folder of [bin, lib, join(dir, 'no-node')]) mkdirSync(folder)
  for (const tool of TOOLS) {
    const { stdout } = await execa('sh', ['-c', `command -v ${tool}`])
    const path = stdout.startsWith('/') ? stdout : `/bin/${tool}`
    for (const folder of [bin, join(dir, 'no-node')]) symlinkSync(path, join(folder, tool))
  }
  for (const folder of [bin, join(dir, 'no-node')]) {
    writeFileSync(join(folder, 'id'), ID)
    chmodSync(join(folder, 'id'), 0o755)
  }
  writeFileSync(join(bin, 'node'), NODE)
  chmodSync(join(bin, 'node'), 0o755)
  copyFileSync(
    fileURLToPath(new URL('../../src/client/pacsrv-xfer.sh', import.meta.url)),
    join(lib, 'pacsrv-xfer'),
  )
  copyFileSync(
    fileURLToPath(new URL('../../src/client/pacsrv-mirrors.sh', import.meta.url)),
    join(lib, 'pacsrv-mirrors'),
  )
  for (const name of ['client.cjs', 'main.cjs']) writeFileSync(join(lib, name), '')
  mirror = createServer((request, response) => {
    asked.push(request.url!)
    if (request.url!.includes('missing')) response.writeHead(404).end()
    else response.end('from the mirror')
  })
  mirror.listen(0, '127.0.0.1')
  await once(mirror, 'listening')
  mirrorUrl = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}/core`
})
test.before.each(() => {
  rmSync(cache, { recursive: true, force: true })
  rmSync(log, { force: true })
  mkdirSync(cache)
  asked.length = 0
  writeFileSync(conf, `[server]\nsocket = ${socket}\n`)
})
test.after.each(() => {
  daemon?.closeAllConnections()
  daemon?.close()
  daemon = undefined
})
test.after(() => {
  mirror.closeAllConnections()
  mirror.close()
  rmSync(dir, { recursive: true, force: true })
})

type Answer = Parameters<typeof createServer>[1]
async function listen(answer: Answer, path = socket) {
  daemon = createServer(answer!)
  daemon.listen(path)
  await once(daemon, 'listening')
}

interface Run {
  does?: string
  name?: string
  path?: string
  args?: string[]
  env?: Record<string, string>
}

const start = ({ does = 'half', name = PACKAGE, path = bin, args, env = {} }: Run) =>
  spawn(
    'sh',
    [join(lib, 'pacsrv-xfer'), ...(args ?? ['--config', conf, `${mirrorUrl}/${name}`, join(cache, name)])],
    {
      cwd: dir,
      env: { PATH: path, DOES: does, LOG: log, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )

async function run(options: Run = {}) {
  const began = performance.now()
  const child = start(options)
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (out += data))
  const [status] = await once(child, 'close')
  return { status, out, ms: performance.now() - began, files: readdirSync(cache) }
}

const got = (name = PACKAGE) => readFileSync(join(cache, name), 'utf8')
/** CONFIG SOCKET START URL TMP NAME */
const clientArguments = () => readFileSync(log, 'utf8').trimEnd().split('\n').slice(1)

test('the client gives the file: it is there whole, under its name only, and the mirror is not asked', async () => {
  const { status, files } = await run({ does: 'give' })
  assert.is(status, 0)
  assert.equal(files, [PACKAGE])
  assert.is(got(), 'from peers\n')
  assert.equal(asked, [])
  const [config, path, starts, url, tmp, name] = clientArguments()
  assert.equal([config, path, starts, url, name], [conf, socket, 'yes', `${mirrorUrl}/${PACKAGE}`, PACKAGE])
  assert.match(tmp!, /\.part$/)
})

test('the client gives up (75), crashes, or is not there: the mirror gives the file', async () => {
  for (const [does, path] of [
    ['half', bin],
    ['crash', bin],
    ['', join(dir, 'no-node')],
  ] as const) {
    const { status, files, out } = await run({ does, path })
    assert.is(status, 0, `${does}: ${out}`)
    assert.equal(files, [PACKAGE])
    assert.is(got(), 'from the mirror')
    assert.match(out, `${PACKAGE}: 15 bytes from the mirror`)
  }
  assert.is(asked.length, 3)
})

test("the mirrors' bytes are wrong (65): a failure at once, and nothing is left", async () => {
  const { status, files } = await run({ does: 'mismatch' })
  assert.is(status, 1)
  assert.equal(files, [])
  assert.equal(asked, [])
})

test("the mirror has no such file: curl's own status, and nothing is left", async () => {
  const { status, files } = await run({ name: 'missing-1-1-any.pkg.tar.zst' })
  assert.is(status, 22)
  assert.equal(files, [])
})

test("a name's own % signs are printed, not obeyed: curl could be made to write files by them", async () => {
  for (const name of ['x%{stderr}%{url}.zst', 'a%3Ab%%.zst']) {
    const { status, out } = await run({ name })
    assert.is(status, 0)
    assert.is(out.trim(), `${name}: 15 bytes from the mirror`)
  }
})

test('databases and their signatures never come from a peer', async () => {
  const paths = new Set<string>()
  await listen((request, response) => {
    paths.add(request.url!.split('?')[0]!)
    response.writeHead(404).end()
  })
  for (const name of ['core.db', 'core.db.sig', 'core.files', 'core.files.sig']) {
    const { status } = await run({ does: 'give', name })
    assert.is(status, 0)
    assert.is(got(name), 'from the mirror')
  }
  assert.equal([...paths], ['/v1/mirrors'])
})

test('a file that the daemon has ready comes without node', async () => {
  let target = ''
  await listen((request, response) => {
    target = request.url!
    response.setHeader('Pacsrv-Line', 'where it came from')
    response.end('ready')
  })
  const { status, out, files } = await run({ path: join(dir, 'no-node') })
  assert.is(status, 0)
  assert.is(out, 'where it came from\n')
  assert.equal(files, [PACKAGE])
  assert.is(got(), 'ready')
  assert.is(new URL(target, 'http://x').searchParams.get('url'), `${mirrorUrl}/${PACKAGE}`)
})

test('the configuration as one word', async () => {
  await listen((_, response) => response.writeHead(404).end())
  await run({ does: 'give', args: [`--config=${conf}`, `${mirrorUrl}/${PACKAGE}`, join(cache, PACKAGE)] })
  assert.equal(clientArguments().slice(0, 2), [conf, socket])
})

test("a file that the daemon does not have ready is the client's", async () => {
  await listen((_, response) => response.writeHead(404).end())
  await run({ does: 'give' })
  assert.is(got(), 'from peers\n')
})

test('a daemon that is silent is asked once more, by the client, and for no mirrors', async () => {
  let asked = 0
  await listen(() => void asked++)
  const { status, ms } = await run()
  assert.is(status, 0)
  assert.is(got(), 'from the mirror')
  assert.is(asked, 1, 'beside what the client asks')
  assert.ok(ms > 450 && ms < 1_500, `took ${ms} ms`)
})

test('a daemon that was too busy is asked again where no mirror gives anything', async () => {
  await listen(({ url }, response) => {
    if (url === `/core/${PACKAGE}`) response.end('from peers, late')
  })
  const args = ['--config', conf, `http://127.0.0.1:1/core/${PACKAGE}`, join(cache, PACKAGE)]
  const { status } = await run({ args })
  assert.is(status, 0)
  assert.is(got(), 'from peers, late')
})

test('a daemon that was only busy gives the file after all', async () => {
  await listen(() => {})
  await run({ does: 'give' })
  assert.is(got(), 'from peers\n')
})

test('a daemon that stops in the middle of a ready file: the mirror gives it, whole', async () => {
  await listen((_, response) => response.writeHead(200, { 'Content-Length': 100 }).write('rea'))
  await run()
  assert.is(got(), 'from the mirror')
})

for (const [how, text, expected] of [
  ['spaces and tabs', `  [server]  \n\t socket\t=  ${socket}  \n [client]\n start=yes\t\n`, [socket, 'yes']],
  ['no spaces', `[server]\nsocket=${socket}\n[client]\nstart=no`, [socket, 'no']],
  [
    'the sections the other way round',
    `[client]\nstart = no\n[server]\nsocket = ${socket}\n`,
    [socket, 'no'],
  ],
  [
    'keys of other sections',
    `[direct]\nserver = 192.0.2.1:1\n[server]\nsocket = ${socket}\n[mirror]\nstart = no\n`,
    [socket, 'yes'],
  ],
  ['comments', `[server]\n# socket = /wrong\nsocket = ${socket}\n#[client]\nstart = no\n`, [socket, 'yes']],
  [
    'a socket as [client] server',
    `[server]\nsocket = /wrong\n[client]\nserver = ${socket}\n`,
    [socket, 'yes'],
  ],
  ['the last of two', `[server]\nsocket = /wrong\nsocket = ${socket}\n`, [socket, 'yes']],
  ['a backslash and an equals sign', '[server]\nsocket = /a\\b=c\n', ['/a\\b=c', 'yes']],
  ['a section twice', `[server]\nlisten = none\n[server]\nsocket = ${socket}\n`, [socket, 'yes']],
  ['nothing', '', ['/run/pacsrv/pacsrv.sock', 'yes']],
] as const) {
  test(`configuration: ${how}`, async () => {
    writeFileSync(conf, text)
    if (expected[0] === socket) await listen((_, response) => response.writeHead(404).end())
    await run({ does: 'give' })
    assert.equal(clientArguments().slice(1, 3), expected)
  })
}

test("without a configuration the user's own socket is asked", async () => {
  const args = ['--config', join(dir, 'absent.conf'), `${mirrorUrl}/${PACKAGE}`, join(cache, PACKAGE)]
  await run({ does: 'give', args, env: { XDG_RUNTIME_DIR: '/run/user/1' } })
  assert.is(clientArguments()[1], '/run/user/1/pacsrv/pacsrv.sock')
})

for (const [who, text, env, starts] of [
  ['root', '', { ID_NUMBER: '0', ID_NAME: 'root' }, true],
  ['anybody, by start = no', '[client]\nstart = no\n', { ID_NUMBER: '0', ID_NAME: 'root' }, false],
  ['alpm', '', { ID_NUMBER: '970', ID_NAME: 'alpm' }, false],
  ['pacsrv', '', { ID_NUMBER: '971', ID_NAME: 'pacsrv' }, true],
  ['[daemon] user', '[daemon]\nuser = alpm\n', { ID_NUMBER: '970', ID_NAME: 'alpm' }, true],
  [
    'pacsrv, where that is not the user',
    '[daemon]\nuser = x\n',
    { ID_NUMBER: '9', ID_NAME: 'pacsrv' },
    false,
  ],
  ['one with a state-dir', '[daemon]\nstate-dir = /x\n', { ID_NUMBER: '9', ID_NAME: 'ann' }, true],
] as const) {
  test(`nobody there: Node is ${starts ? '' : 'not '}started for ${who}`, async () => {
    writeFileSync(conf, `${text}[server]\nsocket = ${socket}\n`)
    const { status } = await run({ does: 'give', env })
    assert.equal([status, existsSync(log)], [0, starts])
    assert.is(got(), starts ? 'from peers\n' : 'from the mirror')
  })
}

test("another machine's daemon is asked as a CacheServer, and the mirror where it fails", async () => {
  const { port } = mirror.address() as AddressInfo
  writeFileSync(conf, `[client]\nserver = 127.0.0.1:${port}\n`)
  const args = ['--config', conf, `http://mirror.invalid/core/${PACKAGE}`, join(cache, PACKAGE)]
  const { status } = await run({ args })
  assert.is(status, 0)
  assert.equal(asked, [`/core/${PACKAGE}`])
  writeFileSync(conf, '[client]\nserver = 127.0.0.1:1\n')
  assert.is((await run()).status, 0)
  assert.is(got(), 'from the mirror')
})

for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 143],
] as const) {
  test(`${signal} to the shell alone ends it at once; nothing is left`, async () => {
    const child = start({ does: 'hang' })
    await once(child.stdout, 'data')
    const began = performance.now()
    child.kill(signal)
    const [status] = await once(child, 'exit')
    const ms = performance.now() - began
    assert.is(status, expected)
    assert.ok(ms < 2_000, `took ${ms} ms`)
    assert.equal(readdirSync(cache), [])
    child.stdout.destroy()
  })
}

test('OUT that pacman calls .part, with spaces and signs, is what is written', async () => {
  const out = join(cache, 'a b+c~$x.pkg.tar.zst.part')
  const { status, files } = await run({ args: ['--config', conf, `${mirrorUrl}/${PACKAGE}`, out] })
  assert.is(status, 0)
  assert.equal(files, ['a b+c~$x.pkg.tar.zst.part'])
})

test('an OUT whose folder is not there fails with a line that says so', async () => {
  const { status, out } = await run({
    args: ['--config', conf, `${mirrorUrl}/${PACKAGE}`, join(dir, 'absent/x')],
  })
  assert.is(status, 1)
  assert.match(out, 'its folder is not there')
  assert.equal(asked, [])
})

test("all but URL OUT is the program's, with its status", async () => {
  const { status } = await run({
    args: ['--config', conf, 'status', '--json'],
    does: '',
    env: { STATUS: '3' },
  })
  assert.is(status, 3)
  assert.equal(readFileSync(log, 'utf8').trimEnd().split('\n'), [
    join(lib, 'main.cjs'),
    '--config',
    conf,
    'status',
    '--json',
  ])
})

test.run()
