/** The native front from outside: a fake node that says how it was called, a daemon's socket and a mirror of this process. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer as createMirror, type Server as Mirror } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CURL_ENVIRONMENT, FrameType } from '../../src/http/fetch-stream.ts'
import {
  fieldsOf,
  frame,
  gives,
  HEAD,
  installFront,
  loopOf,
  progressFrame,
  sendsToMirror,
  sizeFrame,
  writeStamp,
} from './front-program.ts'

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
/** What the fake node does: START is its exit status as start.cjs. */
const NODE = `#!/bin/sh
case $1 in
*/start.cjs)
	printf '%s\\n' "$@" >"$LOG"
	echo >>"$LOG.starts"
	[ "$START" != hangs ] || { echo $$ >"$LOG.new" && mv "$LOG.new" "$LOG.pid" && exec sleep 60; }
	exit "\${START:-1}"
	;;
*/ahead.cjs) printf '%s\\n' "$@" >"$LOG.new" && mv "$LOG.new" "$LOG.ahead"; exec sleep 2 ;;
esac
printf '%s\\n' "$@" >"$LOG"
exit "\${STATUS:-0}"
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
let mirror: Mirror
let program: string
let mirrorUrl: string
let daemon: Server | undefined

test.before(async () => {
  for (const folder of [bin, lib, join(dir, 'no-node')]) mkdirSync(folder)
  for (const tool of TOOLS) {
    const { stdout } = await execa('sh', ['-c', `command -v ${tool}`])
    const path = stdout.startsWith('/') ? stdout : `/bin/${tool}`
    for (const folder of [bin, join(dir, 'no-node')]) symlinkSync(path, join(folder, tool))
  }
  writeFileSync(join(bin, 'node'), NODE)
  chmodSync(join(bin, 'node'), 0o755)
  program = installFront(lib)
  chmodSync(dir, 0o777) // for those that are not root
  mirror = createMirror((request, response) => {
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
  for (const name of readdirSync(dir)) if (/^(?:log|own\.sock)/.test(name)) rmSync(join(dir, name))
  mkdirSync(cache)
  chmodSync(cache, 0o777)
  asked.length = 0
  writeFileSync(conf, `[server]\nsocket = ${socket}\n`)
})
test.after.each(() => {
  for (const connection of connections) connection.destroy()
  daemon?.close()
  daemon = undefined
  rmSync('/run/pacsrv-start.failed', { force: true })
})
test.after(() => {
  mirror.closeAllConnections()
  mirror.close()
  rmSync(dir, { recursive: true, force: true })
})

const connections: Socket[] = []
const requests: string[] = []

/** The daemon answers each request for a file so, and then closes; a function is given all. */
async function listen(answer: Buffer | string | ((socket: Socket) => void), path = socket) {
  requests.length = 0
  daemon = createServer((connection) => {
    connections.push(connection)
    connection.on('error', () => {})
    connection.once('data', (data) => {
      requests.push(data.toString())
      if (typeof answer === 'function') answer(connection)
      else
        connection.end(/^POST \/v1\/file /.test(data.toString()) ? answer : 'HTTP/1.1 404 Not Found\r\n\r\n')
    })
  })
  daemon.listen(path)
  await once(daemon, 'listening')
  chmodSync(path, 0o666)
}

interface Run {
  name?: string
  path?: string
  args?: string[]
  env?: Record<string, string>
  uid?: number
}

const start = ({ name = PACKAGE, path = bin, args, env = {}, uid = 0 }: Run) =>
  spawn(program, [...(args ?? ['--config', conf, `${mirrorUrl}/${name}`, join(cache, name)])], {
    cwd: dir,
    env: { PATH: path, LOG: log, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid > 0 ? { uid, gid: uid } : {}),
  })

async function run(options: Run = {}) {
  const began = performance.now()
  const child = start(options)
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (out += data))
  const [status] = await once(child, 'close')
  return { status, out, ms: performance.now() - began, files: readdirSync(cache) }
}

const got = (name = PACKAGE) => readFileSync(join(cache, name), 'utf8')
const nodeArguments = () => readFileSync(log, 'utf8').trimEnd().split('\n')
const starts = () => (existsSync(`${log}.starts`) ? readFileSync(`${log}.starts`, 'utf8').length : 0)

test('the daemon gives the file: it is there whole, under its name only, and the mirror is not asked', async () => {
  await listen(gives('from peers'))
  const { status, files, out } = await run({ path: join(dir, 'no-node') })
  assert.is(out, 'where it came from\n')
  assert.is(status, 0)
  assert.equal(files, [PACKAGE])
  assert.is(got(), 'from peers')
  assert.equal(asked, [])
  assert.match(requests[0]!, /^POST \/v1\/file HTTP\/1\.0\r\n/)
  assert.is(fieldsOf(requests[0]!).url, `${mirrorUrl}/${PACKAGE}`)
})

test('the daemon is told what curl would obey of the environment, and nothing else', async () => {
  await listen(gives('x'))
  const env = Object.fromEntries(CURL_ENVIRONMENT.map((name, index) => [name, `value ${index}`]))
  await run({ env: { ...env, SECRET: 's' } })
  const { url: _, columns, ...others } = fieldsOf(requests[0]!)
  assert.equal([columns, others], ['0', env])
})

const broken: [string, Buffer | string][] = [
  ['the daemon says so', sendsToMirror],
  [
    'too little came',
    Buffer.concat([Buffer.from(HEAD), sizeFrame(8), frame(FrameType.data, 'abc'), frame(FrameType.done)]),
  ],
  [
    'too much came',
    Buffer.concat([Buffer.from(HEAD), sizeFrame(2), frame(FrameType.data, 'abc'), frame(FrameType.done)]),
  ],
  [
    'bytes came before their size',
    Buffer.concat([Buffer.from(HEAD), frame(FrameType.data, 'abc'), frame(FrameType.done)]),
  ],
  [
    'a size that no file has',
    Buffer.concat([Buffer.from(HEAD), sizeFrame(2n ** 63n), frame(FrameType.data, 'abc')]),
  ],
  ['two sizes', Buffer.concat([Buffer.from(HEAD), sizeFrame(3), sizeFrame(9), frame(FrameType.data, 'abc')])],
  ['it ends in the middle', Buffer.concat([Buffer.from(HEAD), sizeFrame(8), frame(FrameType.data, 'abc')])],
  [
    'it ends in the middle of a frame',
    Buffer.concat([Buffer.from(HEAD), sizeFrame(8), frame(FrameType.data, 'abcdefgh').subarray(0, 8)]),
  ],
  [
    'a frame of 4 GB',
    Buffer.concat([Buffer.from(HEAD), sizeFrame(2 ** 32), Buffer.from([FrameType.data, 255, 255, 255, 255])]),
  ],
  [
    'a line of 5,000 letters',
    Buffer.concat([
      Buffer.from(HEAD),
      frame(FrameType.line, 'x'.repeat(5_000)),
      gives('x').subarray(HEAD.length),
    ]),
  ],
  [
    'progress of 15 bytes',
    Buffer.concat([
      Buffer.from(HEAD),
      frame(FrameType.progress, 'x'.repeat(15)),
      gives('x').subarray(HEAD.length),
    ]),
  ],
  ['it is of an older version', 'HTTP/1.1 404 Not Found\r\n\r\n'],
  ['it is no daemon', `SSH-2.0-x\r\n\r\n${'x'.repeat(20_000)}`],
  ['its head has no end', `HTTP/1.1 200 OK\r\n${'x'.repeat(20_000)}`],
  ['it says nothing', ''],
]
for (const [why, answer] of broken) {
  test(`the mirror gives the file where the daemon doesn't: ${why}`, async () => {
    await listen(answer)
    const { status, files, out } = await run()
    assert.is(status, 0, out)
    assert.equal(files, [PACKAGE])
    assert.is(got(), 'from the mirror')
    assert.is(out, `${PACKAGE}: 15 B from the mirror\n`)
  })
}

test('a rewind begins the file anew, and a frame of a later version is passed over', async () => {
  const parts = [frame(FrameType.rewind), frame(FrameType.data, 'wrong'), frame(99, 'x'.repeat(9_000))]
  const rest = [
    frame(FrameType.rewind),
    frame(FrameType.data, 'abcd'),
    frame(FrameType.data, 'efgh'),
    frame(FrameType.done),
  ]
  await listen(Buffer.concat([Buffer.from(HEAD), sizeFrame(8), ...parts, ...rest]))
  const { status } = await run()
  assert.equal([status, got()], [0, 'abcdefgh'])
})

test('an answer that comes byte by byte is the same answer', async () => {
  await listen((socket) => {
    for (const byte of gives('abcdefgh')) socket.write(Buffer.from([byte]))
    socket.end()
  })
  assert.equal([(await run()).out, got()], ['where it came from\n', 'abcdefgh'])
})

test('what the daemon says is text: no control character reaches the terminal', async () => {
  await listen(gives('x', 'a\x1b]0;evil\x07\r\n\u009b31m%s%n b'))
  assert.match((await run()).out, /^a\?\]0;evil\?{5}31m%s%n b\n$/)
})

for (const columns of [80, 40]) {
  test(`on a terminal of ${columns} columns: the daemon's lines as text, cut to it, their leading blank kept`, async () => {
    const lines = [frame(FrameType.line, ` half \x1b[2J${'-'.repeat(100)}`), frame(FrameType.line)]
    const rest = [frame(FrameType.data, 'x'), frame(FrameType.done, ' some-1:2   100%')]
    await listen(Buffer.concat([Buffer.from(HEAD), sizeFrame(1), ...lines, ...rest]))
    const words = [program, '--config', conf, `${mirrorUrl}/${PACKAGE}`, join(cache, PACKAGE)]
    const terminal = ['-qec', `stty cols ${columns}; ${words.join(' ')}`, '/dev/null']
    const { stdout } = await execa('script', terminal, { stripFinalNewline: false })
    assert.is(fieldsOf(requests[0]!).columns, String(columns))
    assert.is(stdout, `${' half ?[2J'.padEnd(columns, '-')}\r some-1:2   100%\r\n`)
  })
}

for (const columns of [80, 40]) {
  test(`on a terminal of ${columns} columns: how far the daemon says it is, as pacman's bar; none for a signature`, async () => {
    const parts = [
      progressFrame(2_048, 500),
      progressFrame(9_999, 600),
      frame(FrameType.data, 'x'.repeat(4_096)),
    ]
    const rest = [progressFrame(4_096, 1_000), frame(FrameType.done, 'where it came from')]
    await listen(Buffer.concat([Buffer.from(HEAD), sizeFrame(4_096), ...parts, ...rest]))
    const half = columns === 80 ? '  4.00 KiB/s 00:00 [###########-----------]' : ''
    const whole = columns === 80 ? '  4.00 KiB/s 00:01 [######################]' : ''
    const label = 'some-1:2-1-any'.padEnd(columns === 80 ? 20 : 21)
    for (const ending of ['', '.sig']) {
      const out = join(cache, PACKAGE + ending)
      const words = [program, '--config', conf, `${mirrorUrl}/${PACKAGE}${ending}`, out]
      const terminal = ['-qec', `stty cols ${columns}; ${words.join(' ')}`, '/dev/null']
      const { stdout } = await execa('script', terminal, { stripFinalNewline: false })
      const bars = ` ${label} 2048.0   B${half}  50%\r ${label}    4.0 KiB${whole} 100%\r\n`
      assert.is(stdout, ending ? '' : bars)
    }
  })
}

for (const columns of [80, 40] as const) {
  test(`no daemon, a terminal of ${columns} columns: pacman's own bar, and none for a signature`, async () => {
    for (const ending of ['', '.sig']) {
      const words = [
        program,
        '--config',
        conf,
        `${mirrorUrl}/${PACKAGE}${ending}`,
        join(cache, PACKAGE + ending),
      ]
      const terminal = ['-qec', `stty cols ${columns}; ${words.join(' ')}`, '/dev/null']
      const { stdout } = await execa('script', terminal, {
        env: { LOG: log, PATH: `${bin}:${process.env.PATH}` },
      })
      const masked = stdout.replace(/ {2} *[\d.]+ +\w+\/s \d\d:\d\d/, '  9.99')
      const bar = columns === 80 ? '  9.99 [######################]' : ''
      assert.is(
        masked,
        ending ? '' : ` ${'some-1:2-1-any'.padEnd(columns === 80 ? 20 : 21)}   15.0   B${bar} 100%`,
      )
    }
  })
}

test('no daemon at all: the mirror gives the file', async () => {
  for (const path of [bin, join(dir, 'no-node')]) {
    const { status, files } = await run({ path })
    assert.equal([status, files, got()], [0, [PACKAGE], 'from the mirror'])
  }
})

test("the mirrors' bytes are wrong: a failure at once that says why, and nothing is left", async () => {
  const words = frame(FrameType.mismatch, 'no mirror has it')
  await listen(Buffer.concat([Buffer.from(HEAD), sizeFrame(8), frame(FrameType.data, 'abcd'), words]))
  const { status, files, out } = await run()
  assert.equal([status, out], [1, 'pacsrv-xfer: no mirror has it\n'])
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
    assert.is(out.trim(), `${name}: 15 B from the mirror`)
  }
})

test('databases and their signatures, and local files, are never asked of the daemon', async () => {
  await listen(gives('a lie'))
  for (const name of ['core.db', 'core.db.sig', 'core.files', 'core.files.sig']) {
    const { status } = await run({ name })
    assert.is(status, 0)
    assert.is(got(name), 'from the mirror')
  }
  const local = join(dir, PACKAGE)
  writeFileSync(local, 'a local file')
  const { status } = await run({ args: ['--config', conf, `file://${local}`, join(cache, PACKAGE)] })
  assert.equal([status, got()], [0, 'a local file'])
  assert.equal(
    requests.filter((request) => request.startsWith('POST /v1/file')),
    [],
  )
})

test('the configuration as one word', async () => {
  await listen(gives('from peers'))
  await run({ args: [`--config=${conf}`, `${mirrorUrl}/${PACKAGE}`, join(cache, PACKAGE)] })
  assert.is(got(), 'from peers')
})

test('a daemon that is silent and has no stamp is left after half a second, and asked for no mirrors', async () => {
  await listen(() => {})
  const { status, ms } = await run()
  assert.equal([status, got()], [0, 'from the mirror'])
  assert.equal(requests.length, 1)
  assert.ok(ms > 450 && ms < 1_500, `took ${ms} ms`)
})

test('a daemon that falls silent in the middle is left after two', async () => {
  await listen(
    (socket) =>
      void socket.write(Buffer.concat([Buffer.from(HEAD), sizeFrame(8), frame(FrameType.data, 'ab')])),
  )
  const { status, ms } = await run()
  assert.equal([status, got()], [0, 'from the mirror'])
  assert.ok(ms >= 2_000 && ms < 4_000, `took ${ms} ms`)
})

test('a hung daemon, by its stamp, costs no wait at all', async () => {
  await listen(() => {})
  writeStamp(socket, 3_000)
  const { status, ms } = await run()
  assert.equal([status, got(), requests], [0, 'from the mirror', []])
  assert.ok(ms < 450, `took ${ms} ms`)
})

test('a daemon that was only busy, by its stamp, gives the file after all', async () => {
  const answer = (socket: Socket) => void setTimeout(() => socket.end(gives('from peers')), 1_200)
  await listen(answer)
  writeStamp(socket)
  await run()
  assert.is(got(), 'from peers')
  assert.equal(asked, [])
})

/** A process that stands for the daemon's. */
async function withProcess(words: string, act: (pid: number) => Promise<void>) {
  const child = spawn('sh', ['-c', words], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child.stdout!, 'data')
  try {
    await act(child.pid!)
  } finally {
    child.kill('SIGKILL')
  }
}
const SPINS = 'echo; while :; do :; done'

test('a daemon that is stopped costs no wait, however young its stamp', async () => {
  await listen(() => {})
  await withProcess(`echo; kill -STOP $$`, async (pid) => {
    while (!/\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
      await new Promise((resolve) => setImmediate(resolve))
    writeStamp(socket, 0, loopOf(pid))
    const { status, ms } = await run()
    assert.equal([status, got(), requests], [0, 'from the mirror', []])
    assert.ok(ms < 450, `took ${ms} ms`)
  })
})

test('a daemon whose loop waits for the processor is not dead: it gives the file', async () => {
  await listen((socket) => void setTimeout(() => socket.end(gives('from peers')), 700))
  await withProcess(SPINS, async (pid) => {
    writeStamp(socket, 6_000, loopOf(pid))
    await run()
    assert.equal([got(), asked], ['from peers', []])
  })
})

test('one that waits for the processor for too long, and one that sleeps, cost no wait', async () => {
  await listen(() => {})
  for (const [words, age] of [
    [SPINS, 40_000],
    ['echo; read line <&1', 3_000],
  ] as const) {
    await withProcess(words, async (pid) => {
      writeStamp(socket, age, loopOf(pid))
      const { status, ms } = await run()
      assert.equal([status, got()], [0, 'from the mirror'])
      assert.ok(ms < 450, `took ${ms} ms`)
    })
  }
  assert.equal(requests, [])
})

test("a process that isn't the stamp's says nothing of it", async () => {
  await listen(() => {})
  await withProcess(SPINS, async (pid) => {
    const [own, start, ticks] = loopOf(pid).split(' ').map(Number)
    writeStamp(socket, 6_000, `${own} ${start! + 1} ${ticks}`)
    assert.ok((await run()).ms < 450)
  })
})

test('a daemon that stops while it is waited for is left when its stamp is old', async () => {
  await listen(() => {})
  writeStamp(socket, 1_500)
  const { status, ms } = await run()
  assert.equal([status, got()], [0, 'from the mirror'])
  assert.ok(ms >= 950 && ms < 2_500, `took ${ms} ms`)
})

test('a stamp that is none (empty, of another clock, a link, a folder) counts as none', async () => {
  await listen(() => {})
  const stamp = `${socket}.alive`
  for (const make of [
    () => writeFileSync(stamp, ''),
    () => writeStamp(socket, -60_000),
    () => symlinkSync(conf, stamp),
    () => mkdirSync(stamp),
  ]) {
    rmSync(stamp, { recursive: true, force: true })
    make()
    const { status, ms } = await run()
    assert.equal([status, got()], [0, 'from the mirror'])
    assert.ok(ms > 450 && ms < 1_500, `took ${ms} ms`)
  }
  rmSync(stamp, { recursive: true })
})

test('a daemon that was too busy is asked again where no mirror gives anything', async () => {
  let calls = 0
  await listen(
    (socket) =>
      void (++calls > 1 && socket.end('HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nfrom peers, late')),
  )
  const args = ['--config', conf, `http://127.0.0.1:1/core/${PACKAGE}`, join(cache, PACKAGE)]
  const { status } = await run({ args })
  assert.is(status, 0)
  assert.is(got(), 'from peers, late')
  assert.match(requests[1]!, `GET /core/${PACKAGE} `)
})

test('node is started to read ahead when the daemon wants it, and nobody waits for it', async () => {
  const parts = [
    Buffer.from(HEAD),
    sizeFrame(1),
    frame(FrameType.aheadWanted),
    gives('x').subarray(HEAD.length + 13),
  ]
  await listen(Buffer.concat(parts))
  const { status, ms } = await run()
  assert.is(status, 0)
  assert.ok(ms < 1_500, `took ${ms} ms`)
  while (!existsSync(`${log}.ahead`)) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(readFileSync(`${log}.ahead`, 'utf8'), `${join(lib, 'ahead.cjs')}\n${socket}\n${process.pid}\n`)
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
  ['a backslash and an equals sign', `[server]\nsocket = ${dir}/a\\b=c\n`, [`${dir}/a\\b=c`, 'yes']],
  ['a section twice', `[server]\nlisten = none\n[server]\nsocket = ${socket}\n`, [socket, 'yes']],
  ['nothing', '', ['/run/pacsrv/pacsrv.sock', 'yes']],
] as const) {
  test(`configuration: ${how}`, async () => {
    writeFileSync(conf, text)
    if (expected[0] === socket) {
      await listen(gives('from peers'))
      await run()
      assert.is(got(), 'from peers')
      daemon!.close()
      daemon = undefined
    }
    await run()
    assert.is(starts(), expected[1] === 'yes' ? 1 : 0)
    if (starts() > 0) assert.equal(nodeArguments().slice(1), [conf, expected[0]])
  })
}

for (const uid of [0, 65_534]) {
  test(`without a configuration ${uid === 0 ? 'root follows no environment' : "the user's own socket is asked"}`, async () => {
    const run_ = join(dir, 'run')
    mkdirSync(join(run_, 'pacsrv'), { recursive: true })
    await listen(gives('from peers'), join(run_, 'pacsrv/pacsrv.sock'))
    const args = ['--config', join(dir, 'absent.conf'), `${mirrorUrl}/${PACKAGE}`, join(cache, PACKAGE)]
    await run({ args, env: { XDG_RUNTIME_DIR: run_ }, uid })
    assert.is(got(), uid === 0 ? 'from the mirror' : 'from peers')
    rmSync(run_, { recursive: true })
  })
}

for (const [who, text, uid, starting] of [
  ['root', '', 0, true],
  ['anybody, by start = no', '[client]\nstart = no\n', 0, false],
  ['an ordinary user', '', 65_534, false],
  ['[daemon] user', '[daemon]\nuser = nobody\n', 65_534, true],
  ['one with a state-dir', '[daemon]\nstate-dir = /x\n', 65_534, true],
] as const) {
  test(`nobody there: Node is ${starting ? '' : 'not '}started for ${who}`, async () => {
    writeFileSync(conf, `${text}[server]\nsocket = ${socket}\n`)
    const { status } = await run({ uid })
    assert.equal([status, starts()], [0, starting ? 1 : 0])
    assert.is(got(), 'from the mirror')
  })
}

test('a start that failed is not tried again for a minute', async () => {
  for (let round = 0; round < 3; round++) assert.is((await run()).status, 0)
  assert.is(starts(), 1)
  const minuteAgo = new Date(Date.now() - 61_000)
  utimesSync(`${socket}.failed`, minuteAgo, minuteAgo)
  await run()
  assert.is(starts(), 2)
  rmSync(`${socket}.failed`)
  await run({ env: { START: '0' } })
  assert.equal([starts(), existsSync(`${socket}.failed`)], [3, false])
})

test("another user's word that a start failed counts for nothing", async () => {
  writeFileSync(conf, `[daemon]\nuser = nobody\n[server]\nsocket = ${socket}\n`)
  writeFileSync(`${socket}.failed`, '')
  await run({ uid: 65_534 })
  assert.is(starts(), 1)
})

test('a file name as long as a file system takes', async () => {
  await listen(gives('from peers'))
  const name = `${'n'.repeat(235)}.pkg.tar.zst.part`.slice(-255)
  const { status, files } = await run({ name })
  assert.equal([status, files], [0, [name]])
})

const mayMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
if (!mayMount) console.log('skipped: a full disk is named: nothing may be mounted here')
const whereMounted = mayMount ? test : test.skip
whereMounted('a full disk is named', async () => {
  const small = join(dir, 'small')
  mkdirSync(small)
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', small])
  try {
    await listen(gives('x'.repeat(500_000)))
    const { status, out } = await run({
      args: ['--config', conf, `${mirrorUrl}/${PACKAGE}`, join(small, PACKAGE)],
    })
    assert.equal(
      [status, out, readdirSync(small)],
      [1, `pacsrv-xfer: ${PACKAGE}: no space left on ${small}\n`, []],
    )
  } finally {
    await execa('umount', [small])
  }
})

test('a mirror that fails is asked once, and the others after it', async () => {
  const name = 'missing-1-1-any.pkg.tar.zst'
  assert.is((await run({ name })).status, 22)
  assert.equal(asked, [`/core/${name}`])
})

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
  const gone = async (child: ReturnType<typeof start>) => {
    const began = performance.now()
    child.kill(signal)
    const [status] = await once(child, 'exit')
    const ms = performance.now() - began
    assert.is(status, expected)
    assert.ok(ms < 2_000, `took ${ms} ms`)
    assert.equal(readdirSync(cache), [])
    child.stdout.destroy()
  }

  test(`${signal} before the daemon says anything, and in the middle: nothing is left`, async () => {
    for (const said of [[], [Buffer.from(HEAD), sizeFrame(8), frame(FrameType.data, 'ab')]]) {
      let child!: ReturnType<typeof start>
      await new Promise<void>((resolve) => {
        void listen((socket) => {
          socket.write(Buffer.concat(said))
          resolve()
        }).then(() => {
          child = start({})
        })
      })
      while (said.length > 0 && readdirSync(cache).length === 0)
        await new Promise((resolve) => setImmediate(resolve))
      await gone(child)
      daemon!.close()
      rmSync(socket, { force: true })
    }
  })

  for (const way of ['by the front itself', "by the mirrors' script"]) {
    test(`${signal} while the mirror is asked ${way}: nothing is left, nor curl`, async () => {
      if (way !== 'by the front itself') await listen(sendsToMirror)
      const slow = createMirror((_, response) => void response.write('half'))
      slow.listen(0, '127.0.0.1')
      await once(slow, 'listening')
      const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/core/${PACKAGE}`
      const child = start({ args: ['--config', conf, url, join(cache, PACKAGE)] })
      const [request] = await once(slow, 'request')
      const closed = once(request.socket, 'close')
      while (readdirSync(cache).every((name) => name.includes('answer')))
        await new Promise((resolve) => setImmediate(resolve))
      await gone(child)
      await closed
      slow.close()
    })
  }

  test(`${signal} while a daemon is being started: nobody waits for it any more`, async () => {
    const child = start({ env: { START: 'hangs' } })
    while (!existsSync(`${log}.pid`)) await new Promise((resolve) => setImmediate(resolve))
    const pid = Number(readFileSync(`${log}.pid`, 'utf8'))
    await gone(child)
    assert.throws(() => process.kill(pid, 0), /ESRCH/)
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
