/** The calls of the API that an upload needs. All of them throw `Problem` or `Unreachable`, after some attempts. */
import { answer, api, type PartUrl, type Upload } from "../api/client";
import type { Entry } from "./journal";

/** Where uploads are announced, signed and completed. */
export interface Server {
  /** Announces a file, or finds the unfinished upload of the same fingerprint. */
  announce(file: Entry): Promise<Upload>;
  /** What the storage has of it. */
  look(uploadId: string): Promise<Upload>;
  /** Where to send a part of this checksum now. */
  sign(uploadId: string, part: number, checksum: string, signal: AbortSignal): Promise<PartUrl>;
  /** Has the parts compared with what was sent, and joined. */
  complete(uploadId: string, checksums: ReadonlyMap<number, string>, signal: AbortSignal): Promise<Upload>;
  /** Deletes it, with its video. */
  abandon(uploadId: string): Promise<void>;
}

const UPLOAD = "/api/v1/uploads/{id}";

/** The service that these pages come from. */
export const server: Server = {
  announce: ({ name, size, type, fingerprint }) => {
    const body = { file_name: name, size_bytes: size, content_type: type || null, fingerprint };
    return answer(api.POST("/api/v1/uploads", { body }));
  },

  look: (id) => answer(api.GET(UPLOAD, { params: { path: { id } } })),

  async sign(id, part, checksum, signal) {
    const body = { parts: [{ part_number: part, checksum_crc32c: checksum }] };
    const { part_urls } = await answer(
      api.POST(`${UPLOAD}/parts`, { params: { path: { id } }, body, signal }),
    );
    return part_urls[0]!;
  },

  complete(id, checksums, signal) {
    const parts = Array.from(checksums, ([part_number, checksum_crc32c]) => ({
      part_number,
      checksum_crc32c,
    }));
    return answer(api.POST(`${UPLOAD}/complete`, { params: { path: { id } }, body: { parts }, signal }));
  },

  async abandon(id) {
    await answer(api.DELETE(UPLOAD, { params: { path: { id } } }));
  },
};
