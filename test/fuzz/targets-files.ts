/** What is read on this machine: configurations, databases, notes of earlier runs, pacman's words, a daemon's answers. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chunkCount, rootOf } from '../../src/base/chunks.ts'
import { parseConfig } from '../../src/base/config.ts'
import { silentLog } from '../../src/base/log.ts'
import { sha256 } from '../../src/base/sha256.ts'
import { createSpool } from '../../src/fetch/file/spool.ts'
import { readKeyFile } from '../../src/net/key-file.ts'
import { loadCatalogue, saveCatalogue } from '../../src/pacman/catalogue-file.ts'
import { parseDesc } from '../../src/pacman/desc.ts'
import { isFileName } from '../../src/pacman/file-name.ts'
import { parsePacmanConf } from '../../src/pacman/pacman-conf.ts'
import { parsePrinted, readAheadArguments } from '../../src/pacman/read-ahead.ts'
import { createTarParser } from '../../src/pacman/tar.ts'
import { fileNameOfUrl, repositoryOfUrl } from '../../src/pacman/urls.ts'
import { desc, hash, makeDatabase, tarEnd, tarEntry } from '../pacman/make.ts'
import { claim, latin1, refuses, refusesLater, type Target } from './target.ts'

/** In memory where that can be had: a million files are written. */
const dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'pacsrv-fuzz-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))

const config: Target = {
  name: 'configuration',
  seeds: () =>
    latin1(
      '[daemon]\ncache-dir = /a\nuser = pacsrv\nlog-level = debug\n[network]\nlisten = [::]:8048\nttl = 7\n',
      '[network]\nallow = 10.0.0.0/8, fe80::/10\nupload-limit = 2M\nwebhost = http://w:8050/announce\nlan = eth0 eth1\n',
      '[server]\nlisten = 127.0.0.1:8049\nallow = 127.0.0.0/8\n[client]\nserver = host:8049\nstart = no\n',
      '[direct]\nserver = [2001:db8::1]:8048\n[mirror]\ndelay = 2s\n# end\n',
    ),
  run(input) {
    refuses(['config'], () => parseConfig(input.toString('utf8'), '/etc/pacsrv.conf'))
  },
}

const pacmanConf: Target = {
  name: 'pacman-conf',
  seeds: () =>
    latin1(
      '[options]\nRootDir = /\nDBPath = /var/lib/pacman/\nCacheDir = /var/cache/pacman/pkg/\n[core]\nServer = http://m/core/os/x86_64\nCacheServer = http://127.0.0.1:8049/core/x86_64\nUsage = All\n',
    ),
  run(input) {
    const conf = parsePacmanConf(input.toString('utf8'))
    for (const { servers } of conf.repositories) {
      for (const server of servers) repositoryOfUrl(`${server}/x-1-1-any.pkg.tar.zst`, conf)
    }
  },
}

const databases: Target = {
  name: 'sync database (tar)',
  seeds: () => [
    makeDatabase(['a-1-1-any.pkg.tar.zst', 10, hash('a')], ['b-1-1-any.pkg.tar.zst', 20, hash('b')]),
    Buffer.concat([
      tarEntry('pax', '22 path=long-1-1/desc\n19 size=0000000005\n', { type: 'x' }),
      tarEntry('x', 'abcde'),
      tarEntry('././@LongLink', 'very-long/desc\0', { type: 'L' }),
      tarEntry('y/desc', desc('c-1-1-any.pkg.tar.zst', 5, hash('c')), { prefix: 'p' }),
      tarEntry('folder', '', { type: '5' }),
      tarEntry('large/desc', 'x'.repeat(300)),
      tarEnd,
    ]),
  ],
  async run(input) {
    const limits = { totalBytes: 16 * 1024, entryBytes: 256 }
    const middle = input.length >> 1
    await refusesLater(['database'], async () => {
      const tar = createTarParser(limits, (path) => path.endsWith('/desc'))
      for (const part of [input.subarray(0, middle), input.subarray(middle)])
        for (const { content } of tar.push(part)) {
          claim(content.length <= limits.entryBytes, 'an entry over its limit')
          parseDesc(content)
        }
      tar.end()
    })
  },
}

const descs: Target = {
  name: 'desc',
  seeds: () =>
    latin1(
      desc('a-1-1-any.pkg.tar.zst', 10, hash('a')),
      `%BUILDDATE%\n1700000000\n\n${desc('b', 1, hash('b'))}`,
    ),
  run(input) {
    const entry = parseDesc(input)
    if (!entry) return
    claim(isFileName(entry.name) && !/[/\0]/.test(entry.name), 'a name that isn’t one')
    claim(
      Number.isSafeInteger(entry.size) && entry.size > 0 && /^[0-9a-f]{64}$/.test(entry.sha256),
      'out of bounds',
    )
  },
}

/** With a checksum that is right, half of the time: what an older or a broken program could have written. */
const catalogue: Target = {
  name: 'catalogue file',
  dear: true,
  async seeds() {
    const file = join(dir, 'seed')
    const row = (name: string, chunks: number) => {
      const chunkHashes = Buffer.alloc(32 * chunks, name)
      const facts = { size: 65_536 * chunks, mtimeMs: 1.5, inode: 7, sha256: 'ab'.repeat(32) }
      return { path: `/c/${name}`, name, ...facts, root: rootOf(chunkHashes), chunkHashes }
    }
    const lists = [[], [row('a-1-1-any.pkg.tar.zst', 1)], [row('b', 2), row('c', 3)]]
    return Promise.all(
      lists.map(async (files, n) => {
        await saveCatalogue(`${file}${n}`, files)
        // Its checksum is made anew.
        return Buffer.concat([Buffer.from([0]), readFileSync(`${file}${n}`).subarray(32)])
      }),
    )
  },
  async run(input) {
    const file = join(dir, 'catalogue')
    const body = input.subarray(1)
    const sum = (input[0] ?? 0) < 250 ? Buffer.from(sha256(body), 'hex') : Buffer.alloc(32)
    writeFileSync(file, Buffer.concat([sum, body]))
    for (const one of (await loadCatalogue(silentLog, file)).values()) {
      const { chunkHashes, root, path, name, size, mtimeMs } = one
      claim(chunkHashes instanceof Uint8Array && root.length === 64, 'hashes that are none')
      claim(/^[0-9a-f]{64}$/.test(one.sha256), 'no SHA-256')
      claim(typeof path === 'string' && typeof name === 'string', 'no path')
      claim(typeof size === 'number' && typeof mtimeMs === 'number', 'numbers that are none')
    }
  },
}

const file = { sha256: 'a'.repeat(64), name: 'x', size: 300_000 }
const spoolDir = join(dir, 'spool')
const spool = createSpool({ log: silentLog }, { dir: spoolDir, memoryBytes: 0 })
const spoolNotes: Target = {
  name: 'spool notes',
  dear: true,
  seeds: () =>
    latin1(
      JSON.stringify({ name: 'x', size: file.size, chunks: 'Hw==' }),
      '{"size":300000,"chunks":"//////8="}',
    ),
  async run(input) {
    mkdirSync(spoolDir, { recursive: true })
    writeFileSync(join(spoolDir, `${file.sha256}.json`), input)
    writeFileSync(join(spoolDir, `${file.sha256}.data`), '', { flag: 'a' })
    const spooled = await spool.open(file)
    const chunks = chunkCount(file.size)
    claim(
      spooled.found.every((chunk) => Number.isInteger(chunk) && chunk >= 0 && chunk < chunks),
      'a chunk that the file doesn’t have',
    )
    await spooled.close('keep')
  },
}

const keyFiles: Target = {
  name: 'key file',
  dear: true,
  seeds: () => latin1(`${'0a'.repeat(32)}\n`, `# ours\n\n  ${'FF'.repeat(32)}  \r\n`),
  run(input) {
    const path = join(dir, 'key')
    writeFileSync(path, input, { mode: 0o600 })
    const key = refuses(['config'], () => readKeyFile(path))
    claim(!key || key.secret.length === 32, 'a key of another length')
  },
}

const urls: Target = {
  name: 'URLs and CacheServer paths',
  seeds: () =>
    latin1(
      'http://m.example/core/os/x86_64/x-1:1-1-any.pkg.tar.zst',
      'https://user:pass@m.example/core//x%2B-1-1-any.pkg.tar.zst.sig?a=b#c',
      'ftp://m/a/b;type=i',
      'file:///etc/passwd',
    ),
  run(input) {
    const url = input.toString('utf8')
    const name = fileNameOfUrl(url)
    claim(name === undefined || !/[/\0]|^\.\.?$/.test(name), `${name} is no plain name`)
    const conf = {
      repositories: [
        { name: 'core', servers: ['http://m.example/core/os/x86_64', 'ftp://m/a'], cacheServers: [] },
      ],
    }
    const origin = repositoryOfUrl(url, conf)
    for (const mirror of origin?.mirrors.slice(1) ?? []) {
      claim(
        conf.repositories[0]!.servers.some((server) => mirror.startsWith(server)),
        'another server',
      )
    }
  },
}

const readAhead: Target = {
  name: 'read-ahead',
  seeds: () =>
    latin1(
      '/usr/bin/pacman\0-Syu\0--config\0/etc/p.conf\0--noconfirm',
      'pacman\0-S\0--dbpath=/x\0-r\0/y\0a\0b',
      'core 10 http://m/core/x-1-1-any.pkg.tar.zst\nextra 5 ftp://m/y\n',
    ),
  run(input) {
    const text = input.toString('utf8')
    for (const url of parsePrinted(text)) claim(/^(https?|ftp):\/\//i.test(url), 'another scheme')
    const args = readAheadArguments(text.split('\0'))
    if (args)
      claim(args.includes('-p') && args.indexOf('-p') < args.indexOf('--'), 'it would do more than print')
  },
}

export const fileTargets = [
  config,
  pacmanConf,
  databases,
  descs,
  catalogue,
  spoolNotes,
  keyFiles,
  urls,
  readAhead,
]
