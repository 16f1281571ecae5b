import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../base/error.ts'
import { limits } from '../wire/limits.ts'
import { isFileName } from './file-name.ts'

/** What tells one state of a file from another without reading it. */
export interface FileState {
  path: string
  name: string
  size: number
  mtimeMs: number
  inode: number
}

export function sameState(a: FileState, b: FileState): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.inode === b.inode
}

/** `foo-1-1-any.pkg.tar` and any compression of it, but no signature and no download under way. */
export function isPackageName(name: string): boolean {
  return /^[^.].*\.pkg\.tar(\.(?!sig$|part$)[a-z0-9]+)?$/i.test(name) && isFileName(name)
}

/** The state of a package file that can be offered; undefined for all else, and when it isn't there. */
export async function statPackage(dir: string, name: string): Promise<FileState | undefined> {
  if (!isPackageName(name)) return undefined
  const path = join(dir, name)
  try {
    return stateOf(path, name, await lstat(path))
  } catch {
    return undefined
  }
}

function stateOf(path: string, name: string, stat: Stats): FileState | undefined {
  if (!stat.isFile() || stat.size === 0 || stat.size > limits.fileBytes) return undefined
  return { path, name, size: stat.size, mtimeMs: stat.mtimeMs, inode: stat.ino }
}

/** The package files in a folder (those below it don't count). Throws the system's error. */
export async function listPackages(dir: string): Promise<FileState[]> {
  const files: FileState[] = []
  for (const name of await readdir(dir)) {
    const file = await statPackage(dir, name)
    if (file) files.push(file)
  }
  return files
}

/** The system's words for: this path no longer leads to a file that we may read. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM', 'ENXIO', 'ESTALE'])

/**
 * Opens the very file whose state is known, for reading. Undefined when it is gone or no longer in that
 * state; throws the system's error (too many open files, say) when that can't be told.
 */
export async function openUnchanged(file: FileState): Promise<FileHandle | undefined> {
  let handle: FileHandle
  try {
    handle = await open(file.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (GONE.has(systemCode(error) ?? '')) return undefined
    throw error
  }
  try {
    const now = stateOf(file.path, file.name, await handle.stat())
    if (now && sameState(now, file)) return handle
  } catch (error) {
    await handle.close()
    throw error
  }
  await handle.close()
  return undefined
}
