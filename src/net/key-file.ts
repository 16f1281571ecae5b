import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { PacsrvError, systemCode } from '../base/error.ts'

/** What the nodes of a closed network share. */
export interface NetworkKey {
  /** Says which key it is and not what it is: 32 hex digits, sent openly. */
  id: string
  /** 32 bytes. */
  secret: Buffer
}

const CONTEXT = 'pacsrv key 1\0'
const MAX_BYTES = 4096

export function networkKey(secret: Buffer): NetworkKey {
  const id = createHash('sha256').update(CONTEXT).update(secret).digest('hex').slice(0, 32)
  return { id, secret }
}

/**
 * Reads a key-file: 64 hex digits on one line, as `openssl rand -hex 32` prints them; blank lines and those that
 * begin with # don't count. No passphrase will do: who hears a greeting could try them all. Throws PacsrvError
 * `config`, naming the file and the fix.
 */
export function readKeyFile(file: string): NetworkKey {
  const lines = textOf(file)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.length !== 1 || !/^[0-9a-f]{64}$/i.test(lines[0]!)) {
    throw fault(file, 'must hold 64 hex digits on one line, as openssl rand -hex 32 prints them')
  }
  return networkKey(Buffer.from(lines[0]!, 'hex'))
}

function textOf(file: string): string {
  try {
    const stat = statSync(file)
    if (!stat.isFile() || stat.size > MAX_BYTES) throw fault(file, "isn't a file of 64 hex digits")
    if (stat.mode & 0o007) throw fault(file, `is open to everybody on this machine: chmod o= ${file}`)
    return readFileSync(file, 'latin1')
  } catch (error) {
    if (error instanceof PacsrvError) throw error
    throw fault(file, fixOf(file, systemCode(error)), error)
  }
}

function fixOf(file: string, code: string | undefined): string {
  if (code === 'ENOENT') return `isn't there: copy it from another node, or openssl rand -hex 32 > ${file}`
  if (code !== 'EACCES') return `can't be read (${code})`
  return `can't be read by the node's user: chgrp pacsrv ${file} && chmod 640 ${file}`
}

function fault(file: string, problem: string, cause?: unknown): PacsrvError {
  return new PacsrvError('config', `[network] key-file ${file} ${problem}`, cause)
}
