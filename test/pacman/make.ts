import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../../src/base/log.ts'
import { silentLog } from '../../src/base/log.ts'

const folders: string[] = []
process.on('exit', () => {
  for (const path of folders) rmSync(path, { recursive: true, force: true })
})

/** A new folder, removed when the process ends. */
export function makeFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'pacsrv-test-'))
  folders.push(path)
  return path
}

/** A log that keeps its warnings. */
export function makeLog(): { log: Log; warnings: string[] } {
  const warnings: string[] = []
  return { warnings, log: { ...silentLog, warn: (_fields, message) => warnings.push(message) } }
}

export interface TarOptions {
  type?: string
  prefix?: string
  /** What the size field says when it isn't the content's length. */
  size?: number
}

/** One tar entry, ustar. */
export function tarEntry(path: string, content: string | Uint8Array, options: TarOptions = {}): Buffer {
  const body = Buffer.from(content)
  const header = Buffer.alloc(512)
  header.write(path, 0, 100)
  header.write('0000644\0', 100)
  const size = options.size ?? body.length
  if (size < 8 ** 11) header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  else {
    header[124] = 0x80
    header.writeBigUInt64BE(BigInt(size), 128)
  }
  header.write(options.type ?? '0', 156)
  header.write('ustar\0' + '00', 257)
  header.write(options.prefix ?? '', 345, 155)
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)])
}

/** Two blocks of zeros. */
export const tarEnd = Buffer.alloc(1024)

export const hash = (digit: string) => digit.repeat(64)

export function desc(name: string, size: number | string, sha256: string): string {
  return `%FILENAME%\n${name}\n\n%NAME%\nx\n\n%CSIZE%\n${size}\n\n%SHA256SUM%\n${sha256}\n\n%ARCH%\nany\n\n`
}

/** A sync database, unpacked, of `[file name, size, SHA-256]` rows. */
export function makeDatabase(...rows: [string, number, string][]): Buffer {
  const entries = rows.map(([name, size, sha256], i) => tarEntry(`p${i}-1-1/desc`, desc(name, size, sha256)))
  return Buffer.concat([...entries, tarEnd])
}

/** Runs `action` as nobody where the test runs as root, whom no permission stops. */
export async function asNobody<T>(action: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return action()
  process.seteuid!(65534)
  try {
    return await action()
  } finally {
    process.seteuid!(0)
  }
}
