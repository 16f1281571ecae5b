import { dirname } from 'node:path'
import { systemCode } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Problems } from '../base/problems.ts'
import { type FileState, listPackages, sameState } from './cache-folder.ts'
import type { CatalogueFile, CatalogueIndex } from './holdings.ts'

/**
 * One look at the cache folders. Of what the index has it drops what is gone or has changed; it puts in what is
 * `remembered` unchanged, and returns what has to be hashed.
 */
export type FolderLook = (remembered: ReadonlyMap<string, CatalogueFile>) => Promise<FileState[]>

export function createFolderLook(
  { log, problems, holdings }: { log: Log; problems: Problems; holdings: CatalogueIndex },
  folders: readonly string[],
): FolderLook {
  async function look(remembered: ReadonlyMap<string, CatalogueFile>): Promise<FileState[]> {
    const present = new Map<string, FileState>()
    for (const dir of folders) for (const file of await list(dir)) present.set(file.path, file)
    for (const file of holdings.all()) {
      const now = present.get(file.path)
      if (!now || !sameState(now, file)) holdings.drop(file)
    }
    const fresh: FileState[] = []
    for (const file of present.values()) {
      if (holdings.at(file.path)) continue
      const known = remembered.get(file.path)
      if (known && sameState(known, file)) holdings.put(known)
      else fresh.push(file)
    }
    return fresh
  }

  async function list(dir: string): Promise<FileState[]> {
    try {
      const files = await listPackages(dir)
      problems.solved('cache', dir)
      return files
    } catch (error) {
      const code = systemCode(error)
      if (code === 'ENOENT') problems.solved('cache', dir)
      else {
        problems.report('cache', dir, {
          problem: `The package cache ${dir} can't be read (${code}): its packages aren't shared.`,
          fix: `chmod o+rx ${dir} (and o+x the folders that it lies in)`,
          log,
        })
      }
      // Want of memory or descriptors says nothing about the files.
      const isGone = code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES'
      return isGone ? [] : holdings.all().filter((file) => dirname(file.path) === dir)
    }
  }

  return look
}
