import type { FileHandle } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { rootOf } from '../base/chunks.ts'
import type { Cancel, Clock } from '../base/clock.ts'
import { PacsrvError, systemCode } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Problems } from '../base/problems.ts'
import { type FileState, openUnchanged, sameState, statPackage } from './cache-folder.ts'
import { createCacheWatch, type WatchFolder, watchFolder } from './cache-watch.ts'
import { loadCatalogue, saveCatalogue } from './catalogue-file.ts'
import { coalesce } from './coalesce.ts'
import { createFolderLook } from './folder-look.ts'
import type { FileHashes } from './hash-file.ts'
import { type CatalogueFile, createHoldings } from './holdings.ts'

export type { CatalogueFile } from './holdings.ts'

export type ChangeListener = (added: CatalogueFile[], removed: CatalogueFile[]) => void

/** The package files in the cache folders, each with its hashes. */
export interface Catalogue {
  /** After the first look at the folders, with all files hashed. Never rejects. */
  readonly ready: Promise<void>
  /** Different files offered; two of one content count once. */
  readonly count: number
  /** Bytes of what is offered. */
  readonly bytes: number
  /** Package files that we may not read, as of the last look. */
  readonly unreadable: number
  files(): CatalogueFile[]
  find(sha256: string): CatalogueFile | undefined
  /**
   * Opens a file for reading; the caller closes it. Rejects with PacsrvError `absent` when no copy is as it
   * was when hashed: such a copy is then hashed again.
   */
  open(sha256: string): Promise<{ handle: FileHandle; file: CatalogueFile }>
  /** A reader found other bytes than the hashes say: no longer offered until it has been hashed again. */
  forget(sha256: string): void
  /** Looks at the folders now; resolves when new files have been hashed. Never rejects. */
  rescan(): Promise<void>
  /** Hears what has come to be offered and what has ceased to be. Returns how to stop. */
  onChange(listener: ChangeListener): () => void
  /** Saves, without waiting for the file that is being hashed: end the hashing thread after this. */
  close(): Promise<void>
}

export interface CatalogueParts {
  log: Log
  clock: Clock
  problems: Problems
  /** `size`: what it has now, in bytes. */
  hashFile(path: string, size: number): Promise<FileHashes>
  watchFolder?: WatchFolder
  /** Told of each file that has come, also where another of the same content was here. */
  onHashed?(file: FileState): void
  /** Told of each file that is opened for somebody. */
  onOpened?(file: CatalogueFile): void
}

/** From the first sign of a change to the look at it: a burst of changes is one. */
const SETTLE_MS = 500
/** A watch can be lost without a word. */
const RESCAN_MS = 10 * 60_000
/** Writing the catalogue costs a few MB. */
const SAVE_MS = 10_000
/** So many files, or bytes, are hashed at one asking: a small one takes less time than to ask for the next. */
const BATCH_FILES = 8
const BATCH_BYTES = 1024 * 1024
/** A file that keeps changing is left to the next look. */
const HASH_ATTEMPTS = 3

/** `stateFile` keeps the catalogue across restarts; its folder must be there. */
export function createCatalogue(
  {
    log,
    clock,
    problems,
    hashFile,
    watchFolder: watch = watchFolder,
    onHashed = () => {},
    onOpened = () => {},
  }: CatalogueParts,
  { dirs, stateFile }: { dirs: readonly string[]; stateFile: string },
): Catalogue {
  const folders = [...new Set(dirs.map((dir) => resolve(dir)))]
  const holdings = createHoldings()
  const look = createFolderLook({ log, problems, holdings }, folders)
  const listeners = new Set<ChangeListener>()
  const watches = createCacheWatch({ log, watchFolder: watch }, folders, lookSoon)
  const timers: { look?: Cancel | undefined; rescan?: Cancel | undefined; save?: Cancel | undefined } = {}
  let remembered: Map<string, CatalogueFile> | undefined
  let savedRevision = 0
  let toldAt = clock.now()
  let unreadable = 0
  let closed = false

  function lookSoon() {
    if (!closed) timers.look ??= clock.after(SETTLE_MS, () => void rescan())
  }

  /** Listeners hear of what changed, and the catalogue will be saved. */
  function tell() {
    if (closed) return
    toldAt = clock.now()
    if (holdings.revision !== savedRevision) timers.save ??= clock.after(SAVE_MS, () => void save())
    const { added, removed } = holdings.takeChanges()
    if (added.length + removed.length > 0) for (const listener of listeners) listener(added, removed)
  }

  const save = coalesce(async () => {
    timers.save?.()
    timers.save = undefined
    if (holdings.revision === savedRevision) return
    try {
      const { revision } = holdings
      await saveCatalogue(stateFile, holdings.all())
      savedRevision = revision
      problems.solved('state-dir', stateFile)
    } catch (error) {
      problems.report('state-dir', stateFile, { ...unsaved(stateFile, error), log })
    }
  })

  const rescan = coalesce(async () => {
    timers.look?.()
    timers.look = undefined
    timers.rescan?.()
    remembered ??= await loadCatalogue(log, stateFile)
    if (closed) return
    watches.renew()
    const fresh = await look(remembered)
    remembered.clear()
    tell()
    unreadable = 0
    for (const batch of batchesOf(fresh)) {
      if (closed) return
      await Promise.all(batch.map(hash))
      if (clock.now() - toldAt >= SETTLE_MS) tell()
    }
    if (closed) return
    tell()
    timers.rescan = clock.after(RESCAN_MS, () => void rescan())
  })

  async function hash(file: FileState) {
    let before = file
    for (let attempt = 1; attempt <= HASH_ATTEMPTS; attempt++) {
      const outcome = await attempted(hashFile(file.path, before.size))
      const after = await statPackage(dirname(file.path), file.name)
      if (closed || !after) return
      if (sameState(before, after)) {
        if ('hashes' in outcome) enter(after, outcome.hashes)
        else passOver(after, outcome.error)
        return
      }
      before = after
    }
    log.debug({ path: file.path }, 'changes while it is hashed, left for later')
  }

  function enter(file: FileState, { sha256, chunkHashes }: FileHashes) {
    holdings.put({ ...file, sha256, chunkHashes, root: rootOf(chunkHashes) })
    onHashed(file)
  }

  function passOver({ path }: FileState, error: unknown) {
    unreadable++
    if (systemCode(error) !== 'EACCES') log.warn({ path, err: error }, `${path} can't be read`)
  }

  return {
    ready: rescan(),
    get count() {
      return holdings.count
    },
    get bytes() {
      return holdings.bytes
    },
    get unreadable() {
      return unreadable
    },
    files: holdings.offered,
    find: (sha256) => holdings.copies(sha256)[0],
    async open(sha256) {
      let problem: unknown
      for (const file of holdings.copies(sha256)) {
        try {
          const handle = await openUnchanged(file)
          if (handle) {
            onOpened(file)
            return { handle, file }
          }
          holdings.drop(file)
          lookSoon()
        } catch (error) {
          problem ??= error
        }
      }
      tell()
      throw new PacsrvError('absent', 'no such file is held', problem)
    },
    forget(sha256) {
      for (const file of holdings.copies(sha256)) holdings.drop(file)
      lookSoon()
      tell()
    },
    rescan,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      closed = true
      listeners.clear()
      for (const cancel of Object.values(timers)) cancel?.()
      watches.close()
      await save()
    },
  }
}

const unsaved = (stateFile: string, error: unknown) => ({
  problem: `${stateFile} can't be written (${systemCode(error)}): after the next start all packages are hashed again.`,
  fix: `make room on that disk, and let the node's user write to ${dirname(stateFile)}`,
})

const attempted = (hashing: Promise<FileHashes>) =>
  hashing.then(
    (hashes) => ({ hashes }),
    (error: unknown) => ({ error }),
  )

/** In the order given. */
function batchesOf(files: FileState[]): FileState[][] {
  const batches: FileState[][] = []
  let bytes = 0
  for (const file of files) {
    const batch = batches.at(-1)
    if (batch && batch.length < BATCH_FILES && bytes + file.size <= BATCH_BYTES) {
      batch.push(file)
      bytes += file.size
    } else {
      batches.push([file])
      bytes = file.size
    }
  }
  return batches
}
