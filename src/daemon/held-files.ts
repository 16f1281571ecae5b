import { PacsrvError } from '../base/error.ts'
import type { Holdings } from '../fetch/serve.ts'
import type { Catalogue, CatalogueFile } from '../pacman/catalogue.ts'
import { readSignature } from '../pacman/signature.ts'
import type { HeldFile } from '../wire/messages.ts'

/** A catalogued file as the network knows it. */
export function heldFile({ sha256, size, root }: CatalogueFile): HeldFile {
  return { sha256, size, root, whole: true }
}

/** The catalogue as what transfers serve from. */
export function servedFrom(catalogue: Catalogue): Holdings {
  return {
    async open(sha256) {
      const { handle, file } = await catalogue.open(sha256)
      return {
        size: file.size,
        chunkHashes: file.chunkHashes,
        async read(buffer, position) {
          const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
          if (bytesRead === buffer.length) return
          catalogue.forget(sha256)
          throw new PacsrvError('absent', `${file.path} has been cut short`)
        },
        close: () => handle.close(),
      }
    },
    async signature(sha256) {
      const held = catalogue.find(sha256)
      return held && readSignature(`${held.path}.sig`)
    },
  }
}
