import type { FileHandle } from 'node:fs/promises'
import { rootOf } from '../base/chunks.ts'
import { PacsrvError } from '../base/error.ts'
import type { Catalogue, CatalogueFile } from '../pacman/catalogue.ts'
import { readSignature } from '../pacman/signature.ts'
import type { OpenFile, UploadStore } from '../transfer/uploader.ts'
import type { HeldFile, Sha256 } from '../wire/messages.ts'
import type { JobList } from './downloads.ts'
import type { Spool } from './file/spool.ts'
import type { Job } from './job/job.ts'

/** A catalogued file as the network knows it. */
export function heldFile({ sha256, size, root }: CatalogueFile): HeldFile {
  return { sha256, size, root, whole: true }
}

/** Where files of this node are: pacman's cache, whole in the spool, and on their way. */
export interface Places {
  catalogue: Pick<Catalogue, 'find' | 'files' | 'open' | 'forget'>
  spool: Pick<Spool, 'complete' | 'completeFiles'>
  downloads: Pick<JobList, 'job' | 'jobs'>
  /** Whether nothing is given now: this machine has a metered line, or runs on battery. */
  isSparing(): boolean
}

/** All that this node holds or downloads, as the network is told of it. */
export interface HeldFiles extends UploadStore {
  find(sha256: Sha256, companion: boolean): HeldFile | undefined
  all(): HeldFile[]
}

export function createHeldFiles({ catalogue, spool, downloads, isSparing }: Places): HeldFiles {
  /** A file in the spool may leave it while it is open: its handle stays good. */
  function spooled(sha256: Sha256): HeldFile | undefined {
    const found = spool.completeFiles().get(sha256)
    if (!found?.chunkHashes) return undefined
    return { sha256, size: found.size, root: rootOf(found.chunkHashes), whole: true }
  }

  return {
    find(sha256, companion) {
      if (isSparing()) return undefined
      const file = catalogue.find(sha256)
      const whole = file ? heldFile(file) : spooled(sha256)
      if (whole) return whole
      const job = downloads.job(sha256)
      return job && !job.end && (companion || job.done > 0) ? job.held : undefined
    },
    all() {
      if (isSparing()) return []
      const known = new Map(catalogue.files().map((file) => [file.sha256, heldFile(file)]))
      for (const sha256 of spool.completeFiles().keys()) {
        const file = known.has(sha256) ? undefined : spooled(sha256)
        if (file) known.set(sha256, file)
      }
      for (const job of downloads.jobs()) {
        if (!job.end && !known.has(job.file.sha256)) known.set(job.file.sha256, job.held)
      }
      return [...known.values()]
    },
    async open(sha256) {
      if (isSparing()) return undefined
      if (catalogue.find(sha256)) {
        const { handle, file } = await catalogue.open(sha256)
        const cutShort = () => {
          catalogue.forget(sha256)
          return new PacsrvError('absent', `${file.path} has been cut short`)
        }
        return fromHandle(handle, { size: file.size, chunkHashes: file.chunkHashes, state: sha256 }, cutShort)
      }
      const whole = await spool.complete(sha256)
      if (whole) {
        const { handle, size, chunkHashes } = whole
        const cutShort = () => new PacsrvError('absent', `the spool's ${sha256} has been cut short`)
        return fromHandle(handle, { size, chunkHashes, state: sha256 }, cutShort)
      }
      const job = downloads.job(sha256)
      return job && !job.end ? inProgress(job) : undefined
    },
    async signature(sha256) {
      const held = catalogue.find(sha256)
      return held && readSignature(`${held.path}.sig`)
    },
  }
}

function fromHandle(
  handle: FileHandle,
  about: Pick<OpenFile, 'size' | 'chunkHashes' | 'state'>,
  cutShort: () => Error,
): OpenFile {
  return {
    ...about,
    async read(buffer, position) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
      if (bytesRead !== buffer.length) throw cutShort()
    },
    close: () => handle.close(),
  }
}

function inProgress(job: Job): OpenFile {
  return {
    size: job.file.size,
    has: job.offers,
    state: `${job.file.sha256} ${job.generation}`,
    read: job.read,
    async close() {},
  }
}
